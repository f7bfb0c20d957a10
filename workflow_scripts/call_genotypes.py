"""Call IDH and 1p/19q for every case of the mutation and copy-number tables.

Output: Parquet `calls`, one row a case.
"""

from medsynth.cohorts.genotypes import call_genotypes
from medsynth.runtime.config.slides import Genotypes
from medsynth.runtime.logs import configure_logging
from medsynth.store.tables import write_table

if __name__ == "__main__":
    with configure_logging(snakemake.log[0]):
        calls = call_genotypes(Genotypes(**snakemake.params.cfg))
        write_table(calls, snakemake.output.calls)
