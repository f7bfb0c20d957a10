"""`medsynth verify`: is everything as it was recorded?

Every recorded file is compared with its digest, every file in the results folder with the
records, and the ledger with itself. --deep reads all bytes anew, which also finds a file that was
changed and given its old time, and compares MLflow's copies with the ledger.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger.checks import edited_ledger, edited_mlflow, misread
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.reads import maker
from medsynth.lineage.questions import SHORT, at_work, digest_cache, opened
from medsynth.lineage.recording.places import Places, places
from medsynth.store.digests import DigestCache, digest_path

Row = dict[str, Any]

HELP = "is every recorded file, the ledger and MLflow's copy as it was?"
EXAMPLE = "medsynth verify --deep"
# Not outputs: the records themselves, checkpoints, logs and timings.
NOT_OUTPUTS = {"lineage", "work", "logs", "benchmarks"}
# Snakemake's mark in a folder; what a version control system keeps in an empty one.
MARKS = {".snakemake_timestamp", ".gitignore", ".gitkeep", "README.md"}
SHOWN = 50
WRONG = {"missing", "altered", "unknown", "changed", "foreign"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--deep", action="store_true", help="read every byte again, and MLflow's files too"
    )


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """How the disk, the ledger and MLflow stand to the records.

    Returns:
        artifacts: {state: count}, of identical, missing, altered, erased (for a patient who
        withdrew), unhashed (Snakemake's touch files), unknown (a file no job made), and, of what
        made the files that are there now, inputs that were changed while the job ran and foreign
        ones: read as no job had made them. wrong: the missing, altered, unknown, changed and
        foreign, each with state, path, sha256 as recorded, rule and job. ledger: what was edited
        in it. mlflow: the same for MLflow's files; None unless deep.
    """
    with opened(results) as ledger:
        base = places(results, ledger)
        with closing(digest_cache(results)) as cache:
            files = list(_recorded(base, ledger, None if arguments.deep else cache))
        files += _unknown(base, files, ledger)
        altered = {f["path"] for f in files if f["state"] == "altered"}
        # What is still there as it was read is told already.
        files += [r for r in misread(ledger) if r["state"] == "changed" or r["path"] not in altered]
        return {
            "deep": arguments.deep,
            "artifacts": dict(sorted(Counter(f["state"] for f in files).items())),
            "wrong": [f for f in files if f["state"] in WRONG],
            "ledger": edited_ledger(results, ledger),
            "mlflow": list(edited_mlflow(results, ledger)) if arguments.deep else None,
        }


def _recorded(base: Places, ledger: Ledger, cache: DigestCache | None) -> Iterator[Row]:
    """The latest state of each output, and of the raw files that these were made of."""
    latest = (
        "SELECT path, sha256, rule, job, MAX(artifacts.seq) AS seq FROM artifacts"
        " JOIN items ON items.id=job WHERE role=? AND status='COMPLETE' GROUP BY path"
    )
    outputs = ledger.query(latest, "outputs")
    current = {row["job"] for row in outputs}
    raw = [
        row
        for row in ledger.query(latest, "inputs")
        if row["job"] in current and not maker(row, ledger)
    ]
    erased = _erased(ledger)
    changing = {path for start in at_work(ledger) for path in start.get("outputs", [])}
    for row in sorted(outputs + raw, key=lambda row: row["path"]):
        path = base / row["path"]
        if row["path"] in changing:
            continue
        if not path.exists():
            row["state"] = "missing"
        elif not row["sha256"]:
            row["state"] = "unhashed"
        else:
            same = digest_path(path, cache)[0] == row["sha256"]
            row["state"] = "identical" if same else "altered"
        if row["state"] == "missing" and row["sha256"] in erased:
            row["state"] = "erased"
        yield {k: row[k] for k in ("state", "path", "sha256", "rule", "job")}


def _erased(ledger: Ledger) -> set[str]:
    """Digests that `medsynth impact --erase` destroyed, as its tombstones say."""
    rows = ledger.query(
        "SELECT record FROM events JOIN items USING (id) WHERE rule='erase_patient' AND phase='end'"
    )
    return {sha256 for row in rows for sha256 in json.loads(row["record"])["erased"]}


def _unknown(base: Places, files: list[Row], ledger: Ledger) -> list[Row]:
    known = {str(base / row["path"]) for row in files}
    known |= {str(base / path) for start in at_work(ledger) for path in start.get("outputs", [])}
    found = []
    results = base.results
    for folder, folders, names in os.walk(results):
        at_top = Path(folder) == results
        folders[:] = sorted(
            name
            for name in folders
            if os.path.join(folder, name) not in known and not (at_top and name in NOT_OUTPUTS)
        )
        for name in sorted(set(names) - MARKS):
            path = os.path.join(folder, name)
            if path not in known:
                found.append({"state": "unknown", "path": base.recorded(path)})
    return [row | {"sha256": None, "rule": None, "job": None} for row in found]


def wrong(answer: dict[str, Any]) -> bool:
    return bool(answer["wrong"] or answer["ledger"] or answer["mlflow"])


def show(answer: dict[str, Any]) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    how = "all bytes read" if answer["deep"] else "by size and time where those are unchanged"
    counted = ", ".join(f"{n} {state}" for state, n in answer["artifacts"].items())
    yield f"files: {counted or 'none'} ({how})"
    for file in answer["wrong"][:SHOWN]:
        by = f"  made or read by {file['rule']}, job {file['job'][:SHORT]}" if file["job"] else ""
        yield f"  {file['state'].upper():8} {file['path']}{by}"
    if len(answer["wrong"]) > SHOWN:
        yield f"  and {len(answer['wrong']) - SHOWN} more; --json lists all"
    for name in ("ledger", "MLflow"):
        found = answer[name.lower()]
        if found is not None:
            yield f"{name}: {'as recorded' if not found else ''}".rstrip()
            yield from (f"  {f['state'].upper():8} {f['path']}  {f['what']}" for f in found)
