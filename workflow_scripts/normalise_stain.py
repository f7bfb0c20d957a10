"""Bring the tiles of one shard to the stain of the training slides.

Outputs: HDF5 `images`, with the rows and item ids of the shard, and Parquet `table`, the shard's
manifest again with the column stain: lineage tells by the table of an image store whose images it
holds.
"""

import json
from pathlib import Path

from medsynth.cohorts.slides.normalise import normalise_shard
from medsynth.runtime.job import job
from medsynth.store.digests import digest_file, digest_json
from medsynth.store.shards import made_from
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params, inputs = snakemake.params, snakemake.input
        fit = json.loads(Path(inputs.stain).read_text())
        parts = [made_from([inputs.images]), digest_file(inputs.stain), params.code]
        attrs = {"made_from": digest_json(*parts)}
        shards, path = Path(inputs.images).parent, Path(snakemake.output.images)
        table = read_table(inputs.table)
        write_table(normalise_shard(table, shards, fit, path, attrs), snakemake.output.table)
