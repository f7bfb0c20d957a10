"""Call IDH and 1p/19q for every case of the mutation, copy-number and assay tables.

Outputs: Parquet `calls`, one row a case; Parquet `quarantine`, what of the tables is not used;
JSON `counts` of both.
"""

from medsynth.cohorts.assemble import genotype_counts
from medsynth.genomics.glioma import call_genotypes
from medsynth.genomics.settings import Genotypes
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        calls, quarantine, shares = call_genotypes(Genotypes(**snakemake.params.cfg))
        write_table(calls, snakemake.output.calls)
        write_table(quarantine, snakemake.output.quarantine)
        write_json(genotype_counts(calls, quarantine, shares), snakemake.output.counts)
