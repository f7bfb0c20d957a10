"""Read what tables say of a cohort's patients beside their images.

Outputs: Parquet `table`, one row a patient: numbers of all modalities, survival; JSON `counts`.
"""

from medsynth.cohorts.patients.reading import read_patients
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.manifests import used
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        patients = used(read_table(snakemake.input.index))["patient"]
        settings = PatientTables(**snakemake.params.cfg)
        table, counts = read_patients(patients, settings, **snakemake.params.label)
        write_table(table, snakemake.output.table)
        write_json(counts, snakemake.output.counts)
