"""Pair slices with and without contrast of the same patient and position.

Output: Parquet `pairs`, one row a pair.
"""

from medsynth.cohorts.pairs import pair_ct
from medsynth.runtime.config.ct import CtPair
from medsynth.runtime.logs import configure_logging
from medsynth.store.tables import read_table, write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0]):
        manifest = read_table(snakemake.input.manifest)
        write_table(pair_ct(manifest, CtPair(**snakemake.params.cfg)), snakemake.output.pairs)
