"""Join the genotype calls to the slides by case.

Output: Parquet `labels`, one row a slide: group, label, status, reason.
"""

from medsynth.genomics.glioma import join_genotypes
from medsynth.runtime.job import job
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        index, calls = read_table(snakemake.input.index), read_table(snakemake.input.calls)
        write_table(join_genotypes(index, calls), snakemake.output.labels)
