"""Divide the patients of a cohort into train, validate and test, once for all stages.

Output: Parquet `splits`: patient, split.
"""

from medsynth.cohorts.assemble import join_labels
from medsynth.cohorts.splits import split_patients
from medsynth.runtime.job import job
from medsynth.runtime.settings import Split
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        index = read_table(snakemake.input.index)
        for labels in snakemake.input.labels:
            index = join_labels(index, read_table(labels))
        settings = Split(**snakemake.params.cfg)
        splits = split_patients(index, settings, snakemake.params.seed["seed"])
        write_table(splits, snakemake.output.splits)
