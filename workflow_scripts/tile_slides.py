"""Cut one shard of slides into tissue tiles at the wanted resolution.

Outputs: HDF5 `images` and Parquet `table`, the manifest of this shard's items.
"""

from pathlib import Path

from medsynth.cohorts.slides.reading import tile_slides
from medsynth.cohorts.slides.settings import SlideTiles
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import DigestCache, digest_file, digest_json
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0], reads_patients=True):
        params = snakemake.params
        index = read_table(snakemake.input.index)
        rows = index[index["shard"] == int(snakemake.wildcards.shard)]
        made_from = digest_json(digest_file(snakemake.input.index), params.cfg, params.code)
        manifest = tile_slides(
            rows,
            Path(params.root),
            SlideTiles(**params.cfg),
            Path(snakemake.output.images),
            {"made_from": made_from},
            DigestCache(params.cache),
            snakemake.threads,
        )
        log_unused(manifest)
        write_table(manifest, snakemake.output.table)
