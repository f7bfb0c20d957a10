"""List the radiographs of a MIMIC-CXR download with patient, study, label and digest.

Output: Parquet `table`, one row an image of the metadata table.
"""

from pathlib import Path

from medsynth.cohorts.mimic_cxr.reading import index_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrIndex
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import DigestCache
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0], reads_patients=True):
        cache = DigestCache(snakemake.params.cache)
        settings = CxrIndex(**snakemake.params.cfg)
        tables = Path(snakemake.params.tables)
        table = index_mimic_cxr(
            Path(snakemake.input.root), settings, cache, snakemake.threads, tables
        )
        log_unused(table)
        write_table(table, snakemake.output.table)
