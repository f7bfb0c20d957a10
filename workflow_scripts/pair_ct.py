"""Pair slices with and without contrast of the same patient and position.

Outputs: Parquet `pairs`, one row a pair; JSON `counts` of pairs and of what was dropped.
"""

from medsynth.cohorts.ct.pairs import pair_ct
from medsynth.cohorts.ct.settings import CtPair
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        manifest = read_table(snakemake.input.manifest)
        pairs, counts = pair_ct(manifest, CtPair(**snakemake.params.cfg))
        write_table(pairs, snakemake.output.pairs)
        write_json(counts, snakemake.output.counts)
