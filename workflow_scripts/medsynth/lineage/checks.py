"""What was edited: in the ledger, and in MLflow as the ledger has it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger import Ledger, ledger_path
from medsynth.lineage.questions import SHORT
from medsynth.store.digests import digest_file

Row = dict[str, Any]


def edited_ledger(results: Path, ledger: Ledger) -> list[Row]:
    """Events that are not what was appended; else index rows that the events do not give."""
    name = str(ledger_path(results))
    found = []
    for seq in ledger.broken_links():
        (row,) = ledger.query("SELECT id, phase FROM events WHERE seq=?", seq)
        what = f"event {seq}, the {row['phase']} of {row['id'][:SHORT]}, or what stood before it"
        found.append({"state": "altered", "path": name, "what": what})
    if found:
        return found
    replayed = Ledger(":memory:")
    for row in ledger.query("SELECT record FROM events ORDER BY seq"):
        replayed.append(json.loads(row["record"]))
    for table, key in (("items", "id"), ("artifacts", "path")):
        stored, true = (
            {tuple(row.values()): row for row in source.query(f"SELECT * FROM {table}")}
            for source in (ledger, replayed)
        )
        for values in sorted(stored.keys() ^ true.keys(), key=repr):
            row = (stored | true)[values]
            what = f"table {table}, {row[key]}: " + (
                "no event says so" if values in stored else "an event says so, the table does not"
            )
            found.append({"state": "altered", "path": name, "what": what})
    replayed.close()
    return found


def edited_mlflow(results: Path, ledger: Ledger) -> Iterator[Row]:
    """Files of MLflow's runs that differ from the ledger, and runs that only one of them has."""
    from medsynth.lineage.mlflow_records import RECORD, recorded_runs

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
            run_id, run = row["run_id"], runs.get(row["run_id"])
            if not run:
                yield {"state": "missing", "path": run_id, "what": f"the run of {row['id']}"}
                continue
            item = ledger.item(row["id"])
            made = {f["path"]: f["sha256"] for f in (item["end"] or {}).get("outputs", [])}
            true = {phase: item[phase] for phase in ("start", "end", "killed") if item[phase]}
            files = set(store.files(run))
            if RECORD not in files or store.record(run) != true:
                state = "altered" if RECORD in files else "missing"
                yield {"state": state, "path": f"{run_id}/{RECORD}", "what": row["id"]}
            for path in sorted(files - {RECORD}):
                # A file from outside the working directory lies at the top, by its name alone.
                digests = [s for p, s in made.items() if path in (p, Path(p).name)]
                if digest_file(store.fetch(run, path)) not in digests:
                    state = "altered" if digests else "unknown"
                    yield {"state": state, "path": f"{run_id}/{path}", "what": row["id"]}
