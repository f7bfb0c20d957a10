"""Pair the images of both domains that show the same place of the same patient.

Outputs: Parquet `pairs`, one row a pair; JSON `counts` of pairs and of what was dropped.
"""

from importlib import import_module

from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params = snakemake.params
        kind = import_module(params.module["name"])
        settings = kind.SETTINGS(**params.cfg) if kind.SETTINGS else None
        pairs, counts = kind.pair(read_table(snakemake.input.manifest), settings)
        write_table(pairs, snakemake.output.pairs)
        write_json(counts, snakemake.output.counts)
