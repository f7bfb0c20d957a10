"""Read the reports of a cohort's studies and divide them into sections.

Outputs: Parquet `table`, one row a study, the only place where their text stands; JSON `counts`.
"""

from pathlib import Path

from medsynth.cohorts.mimic_cxr.reports import counts, read_reports
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        headings = snakemake.params.headings
        index, path = read_table(snakemake.input.index), Path(snakemake.params.reports)
        reports = read_reports(index, path, headings)
        write_table(reports, snakemake.output.table)
        write_json(counts(reports, headings), snakemake.output.counts)
