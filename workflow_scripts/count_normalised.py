"""Count the slides and tiles of a cohort that were normalised, and those left as they are.

Output: JSON `counts`: slides and tiles by outcome.
"""

from medsynth.cohorts.slides.normalise import count_normalised
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table

if __name__ == "__main__":
    with job(snakemake):
        counts = count_normalised(map(read_table, snakemake.input.tables))
        write_json(counts, snakemake.output.counts)
