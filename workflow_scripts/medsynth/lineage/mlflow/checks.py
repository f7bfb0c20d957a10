"""What was edited in MLflow, as the ledger has it. Importing this imports mlflow: seconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage.mlflow.settings import MLFLOW_STATUS  # before mlflow is imported

# isort: split
from mlflow.entities import Run

from medsynth.lineage.ledger.checks import Edited
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.mlflow.measurements import numbers, read_points, run_params, usage_points
from medsynth.lineage.mlflow.records import RecordedRuns, recorded_runs
from medsynth.lineage.mlflow.store import RECORD
from medsynth.lineage.recording.records import Item, Record, job_end
from medsynth.store.digests import digest_file

Row = dict[str, Any]


def edited_mlflow(results: Path, ledger: Ledger) -> Iterator[Edited]:
    """What MLflow's runs say that the ledger does not, and runs that only one of them has."""
    ended = ledger.query(
        "SELECT id, run_id FROM deliveries JOIN items USING (id)"
        " WHERE run_id NOT NULL AND deliveries.status=items.status AND items.status<>'RUNNING'"
    )
    ours = {row["run_id"] for row in ledger.query("SELECT run_id FROM deliveries")}
    with recorded_runs(results) as store:
        runs = {run.info.run_id: run for run in store.runs()}
        for run_id, run in runs.items():
            if run.data.tags.get("mlflow.parentRunId") in ours and run_id not in ours:
                yield {"state": "unknown", "path": run_id, "what": "a run of no recorded job"}
        for row in ended:
            run_id = row["run_id"]
            if run_id not in runs:
                yield {"state": "missing", "path": run_id, "what": f"the run of {row['id']}"}
                continue
            written = {p: ledger.written(row["id"], p) for p in ("start", "end", "killed")}
            true = {phase: record for phase, record in written.items() if record}
            for state, path in _edited_run(runs[run_id], ledger.item(row["id"]), true, store):
                yield {"state": state, "path": f"{run_id}/{path}", "what": row["id"]}


def _edited_run(
    run: Run, item: Item, written: dict[str, Record], store: RecordedRuns
) -> Iterator[tuple[str, str]]:
    """(altered, missing or unknown; file or field) of one run that has ended.

    Args:
        written: its records as they were written, and as MLflow has them, by phase.
    """
    end = job_end(written.get("end"))
    made = {f["path"]: f["sha256"] for f in (end["outputs"] if end else [])}
    files = set(store.files(run))
    if RECORD not in files or store.record(run) != written:
        yield ("altered" if RECORD in files else "missing"), RECORD
    curves: dict[str, dict[int, float]] = {}  # {metric: {step: value}}
    if item["kind"] == "job":
        for point in usage_points(item["start"], item["end"]):
            curves.setdefault(point.name, {})[point.step] = point.value
    sure = item["status"] == "COMPLETE"  # a killed training leaves a curve, but no file of it
    for path in sorted(files - {RECORD}):
        # A file from outside the working directory lies at the top, by its name alone.
        digests = [s for p, s in made.items() if path in (p, Path(p).name)]
        copy = store.fetch(run, path)
        if digest_file(copy) not in digests:
            yield ("altered" if digests else "unknown"), path
            sure = False
        elif path.endswith("metrics.json"):
            for name, number in numbers(json.loads(copy.read_bytes())):
                curves.setdefault(name, {})[0] = number  # which a curve may be called, too
        elif Path(path).name == "history.csv":
            for point in read_points(copy)[0]:
                curves.setdefault(point.name, {})[point.step] = point.value
    places = run.data.tags.get("medsynth.events")  # older runs do not say
    if places and places != json.dumps(item["events"]):
        yield "altered", "events"
    if run.info.status != MLFLOW_STATUS[item["status"]]:
        yield "altered", "status"
    yield from _edited_fields("params", run.data.params, run_params(item["start"]))
    if sure:
        latest = {name: curve[max(curve)] for name, curve in curves.items()}
        yield from _edited_fields("metrics", run.data.metrics, latest)
        found = {name: sorted(store.curve(run, name).items()) for name in run.data.metrics}
        true = {name: sorted(curves[name].items()) for name in found if name in curves}
        yield from _edited_fields("curves", found, true)


def _edited_fields(kind: str, found: Row, true: Row) -> Iterator[tuple[str, str]]:
    for name in sorted(found.keys() | true.keys()):
        if name not in found or name not in true:
            yield ("unknown" if name in found else "missing"), f"{kind}/{name}"
        elif str(found[name]) != str(true[name]):  # as text, NaN equals itself
            yield "altered", f"{kind}/{name}"
