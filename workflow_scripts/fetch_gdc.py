"""Fetch the files of a GDC manifest into a folder of the user's.

Output: Parquet `receipts`, one row a file; the files themselves stay when this job is run again.
"""

from medsynth.fetch.gdc import fetch_gdc
from medsynth.fetch.settings import GdcDownload, listing_of
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import DigestCache
from medsynth.store.tables.parquet import write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0], reads_patients=True):
        receipts = fetch_gdc(
            GdcDownload(**snakemake.params.cfg),
            DigestCache(snakemake.params.cache),
            listing=listing_of(snakemake.wildcards.download),
            threads=snakemake.threads,
            max_quarantined=snakemake.params.limit["max_quarantined"],
        )
        write_table(receipts, snakemake.output.receipts)
