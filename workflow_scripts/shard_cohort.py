"""Make images of one shard of a cohort's raw files.

Outputs: HDF5 `images` and Parquet `table`, the manifest of this shard's items; of CT cohorts that
are configured so also the folder `volumes` of NIfTI files.
"""

from importlib import import_module
from pathlib import Path

from medsynth.runtime.job import job
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_file, digest_json
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params = snakemake.params
        kind = import_module(params.module["name"])
        index = read_table(snakemake.input.index)
        manifest = kind.shard(
            index[index["shard"] == int(snakemake.wildcards.shard)],
            Path(params.root),
            kind.SETTINGS(**params.cfg),
            Path(snakemake.output.images),
            {"made_from": digest_json(digest_file(snakemake.input.index), params.cfg, params.code)},
            DigestCache(params.cache),
            snakemake.threads,
        )
        log_unused(manifest)
        write_table(manifest, snakemake.output.table)
