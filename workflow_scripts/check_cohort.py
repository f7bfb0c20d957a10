"""Gate: the cohort is fit to be trained on.

Output: JSON `gate`, the counts that were judged, which everything that trains on the cohort waits
for. It holds none of the thresholds: another one reruns this job alone.
"""

import json
from pathlib import Path

from medsynth.cohorts.gates.fitness import check_fitness
from medsynth.runtime.job import job
from medsynth.store.atomic import write_json
from medsynth.store.tables.parquet import read_table


def _downloads(paths):
    """What of the downloads could not be had."""
    statuses = [read_table(path)["status"] for path in paths]
    return [
        {"what": "downloads", "unusable": int((status != "used").sum()), "of": len(status)}
        for status in statuses
    ]


if __name__ == "__main__":
    with job(snakemake):
        inputs = snakemake.input
        calls = [json.loads(Path(path).read_text()) for path in inputs.calls]
        tables = [share for counts in calls for share in counts["tables"]]
        found = check_fitness(
            json.loads(Path(inputs.summary).read_text()),
            [*tables, *_downloads(inputs.receipts)],
            **snakemake.params.cfg,
            results=snakemake.params.results,
        )
        write_json(found, snakemake.output.gate)
