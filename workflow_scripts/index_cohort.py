"""List the raw files of a cohort with patient, label, shard and digest.

Output: Parquet `table`, one row a file.
"""

from importlib import import_module
from pathlib import Path

from medsynth.runtime.job import job
from medsynth.store.digest_cache import DigestCache
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params = snakemake.params
        kind = import_module(params.module["name"])
        settings = kind.SETTINGS(**params.cfg)
        cache = DigestCache(params.cache)
        table = kind.index(Path(snakemake.input.root), settings, cache, snakemake.threads)
        log_unused(table)
        write_table(table, snakemake.output.table)
