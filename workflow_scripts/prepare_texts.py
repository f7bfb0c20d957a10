"""Clean the text of every item of a cohort, and train the tokenizer on the training split.

Outputs: Parquet `table`, one row an item; JSON `tokenizer`; JSON `counts`.
"""

from medsynth.cohorts.texts import counts, texts_of
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.quarantine import log_unused
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        reports = [read_table(path) for path in snakemake.input.reports]
        table, tokenizer = texts_of(
            read_table(snakemake.input.manifest),
            reports[0] if reports else None,
            snakemake.params.cfg,
        )
        log_unused(table)
        write_table(table, snakemake.output.table)
        write_json(tokenizer, snakemake.output.tokenizer)
        write_json(counts(table, tokenizer), snakemake.output.counts)
