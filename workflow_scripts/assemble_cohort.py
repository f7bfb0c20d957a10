"""Join items, labels and splits into the cohort's manifest and account for every raw file.

Outputs: Parquet `manifest` and `quarantine`, JSON `summary` with counts only.
"""

from medsynth.cohorts.assemble import assemble
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table, write_table

if __name__ == "__main__":
    with job(snakemake, reads_patients=True):
        params = snakemake.params.cfg
        splits = read_table(snakemake.input.splits)
        manifest, quarantine, summary = assemble(
            read_table(snakemake.input.index),
            [read_table(path) for path in snakemake.input.tables],
            splits,
            splits if "label" in splits else None,
            name_classes=params["label"] != "table",
        )
        write_table(manifest, snakemake.output.manifest)
        write_table(quarantine, snakemake.output.quarantine)
        head = {"cohort": snakemake.wildcards.cohort, "kind": params["kind"]}
        write_json(head | summary, snakemake.output.summary)
