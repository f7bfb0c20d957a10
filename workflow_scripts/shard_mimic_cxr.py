"""Decode one shard of radiographs to 8-bit squares.

Outputs: HDF5 `images` and Parquet `table`, the manifest of this shard's items.
"""

from pathlib import Path

from medsynth.cohorts.mimic_cxr.reading import shard_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrRead
from medsynth.runtime.logs import configure_logging
from medsynth.store.digests import digest_file, digest_json
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0], reads_patients=True):
        params = snakemake.params
        index = read_table(snakemake.input.index)
        rows = index[index["shard"] == int(snakemake.wildcards.shard)]
        made_from = digest_json(digest_file(snakemake.input.index), params.cfg, params.code)
        manifest = shard_mimic_cxr(
            rows,
            Path(params.root),
            CxrRead(**params.cfg),
            Path(snakemake.output.images),
            {"made_from": made_from},
        )
        log_unused(manifest)
        write_table(manifest, snakemake.output.table)
