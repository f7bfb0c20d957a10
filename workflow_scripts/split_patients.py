"""Divide the patients of a cohort into train, validate and test, once for all stages.

Output: Parquet `splits`: patient, split; where labels come late, of every group with its label.
"""

import logging

from medsynth.cohorts.assemble import join_labels
from medsynth.cohorts.splits import carry_labels, few_of_no_use, split_patients
from medsynth.runtime.job import job
from medsynth.runtime.settings import Split
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        index = read_table(snakemake.input.index)
        labels = [read_table(path) for path in snakemake.input.labels]
        labelled = join_labels(index, labels[0]) if labels else index
        settings, seed = Split(**snakemake.params.cfg), snakemake.params.seed["seed"]
        splits = split_patients(labelled, settings, seed)
        for line in few_of_no_use(splits, labelled, settings.few, seed):
            logging.getLogger(__name__).warning("split.few: %s", line)
        if labels:
            splits = carry_labels(splits, index, labels[0])
        write_table(splits, snakemake.output.splits)
