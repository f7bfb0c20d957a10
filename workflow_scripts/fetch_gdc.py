"""Fetch the files of a GDC manifest into a folder of the user's.

Output: Parquet `receipts`, one row a file; the files themselves stay when this job is run again.
"""

from medsynth.fetch.gdc import fetch_gdc
from medsynth.runtime.config.fetch import GdcDownload
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import DigestCache
from medsynth.store.tables import write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0]):
        receipts = fetch_gdc(
            GdcDownload(**snakemake.params.cfg),
            DigestCache(snakemake.params.cache),
            listing=f"medsynth_fetch_{snakemake.wildcards.download}.tsv",
            threads=snakemake.threads,
            max_quarantined=snakemake.params.limit["max_quarantined"],
        )
        write_table(receipts, snakemake.output.receipts)
