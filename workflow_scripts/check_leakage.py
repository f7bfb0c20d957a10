"""Gate: no patient and no image stands in two splits.

Output: JSON `gate`, which training and evaluation require.
"""

from medsynth.cohorts.gates.leakage import leakage
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.errors import MedsynthError
from medsynth.store.tables.parquet import read_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        found = leakage(read_table(snakemake.input.manifest))
        if not found["ok"]:
            raise MedsynthError(
                f"{snakemake.input.manifest}: {found['patients_in_two_splits']} patients and"
                f" {found['items_twice']} images stand in two splits; no model may be trained on"
                " this division: look for the same bytes under two patients"
            )
        write_json(found, snakemake.output.gate)
