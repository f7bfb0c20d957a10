"""Fetch what the configuration lists of an archive into a folder of the user's.

Output: Parquet `receipts`, one row a file; the files themselves stay when this job is run again.
"""

from importlib import import_module

from medsynth.fetch.archive import fetch
from medsynth.fetch.settings import listing_of
from medsynth.runtime.job import job
from medsynth.store.digest_cache import DigestCache
from medsynth.store.tables.parquet import write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params = snakemake.params
        module = import_module(params.module["name"])
        receipts = fetch(
            module.ARCHIVE(module.SETTINGS(**params.cfg)),
            DigestCache(params.cache),
            listing=listing_of(snakemake.wildcards.download),
            threads=snakemake.threads,
            max_quarantined=params.limit["max_quarantined"],
        )
        write_table(receipts, snakemake.output.receipts)
