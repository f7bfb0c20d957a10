"""List the CT slices and volumes of a folder with patient, series, label and digest.

Output: Parquet `table`, one row a file.
"""

from pathlib import Path

from medsynth.cohorts.ct.reading import index_ct
from medsynth.cohorts.ct.settings import CtIndex
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import DigestCache
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0], reads_patients=True):
        cache = DigestCache(snakemake.params.cache)
        settings = CtIndex(**snakemake.params.cfg)
        table = index_ct(Path(snakemake.input.root), settings, cache, snakemake.threads)
        log_unused(table)
        write_table(table, snakemake.output.table)
