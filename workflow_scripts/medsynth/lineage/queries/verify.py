"""Is everything as it was recorded?

Every recorded file is compared with its digest, every file in the results folder with the
records, and the ledger with itself. A deep verification reads all bytes anew,
which also finds a file that was changed and given its old time, and compares MLflow's copies with
the ledger.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.ledger.checks import Edited, Read, at_work, edited_ledger, misread
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places
from medsynth.lineage.ledger.reads import maker
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import Places
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path

# Not outputs: the records themselves, checkpoints, logs and timings.
NOT_OUTPUTS = {"lineage", "work", "kept", "logs", "benchmarks"}
# Snakemake's mark in a folder; what a version control system keeps in an empty one.
MARKS = {".snakemake_timestamp", ".gitignore", ".gitkeep", "README.md"}
WRONG = {"missing", "altered", "unknown", "changed", "foreign"}


class FileState(TypedDict):
    """A file as it stands to the records. sha256: as recorded. rule, job: that made or read it."""

    state: str
    path: str
    sha256: str | None
    rule: str | None
    job: str | None


class Verified(TypedDict):
    """How the disk, the ledger and MLflow stand to the records.

    deep: all bytes were read. artifacts: {state: count}, of identical, missing, altered, erased
    (for a patient who withdrew), unhashed (Snakemake's touch files), unknown (a file no job made),
    and, of what made the files that are there now, inputs that were changed while the job ran and
    foreign ones: read as no job had made them. wrong: the missing, altered, unknown, changed and
    foreign. ledger: what was edited in it. mlflow: the same for MLflow's files; None unless deep.
    """

    deep: bool
    artifacts: dict[str, int]
    wrong: list[FileState | Read]
    ledger: list[Edited]
    mlflow: list[Edited] | None


def verify(results: Path, *, deep: bool = False) -> Verified:
    """How the disk, the ledger and MLflow stand to the records."""
    with existing_ledger(results) as ledger:
        base = current_places(results, ledger)
        with closing(spool.digest_cache(results)) as cache:
            files: list[FileState | Read] = list(_recorded(base, ledger, None if deep else cache))
        files += _unknown(base, files, ledger)
        altered = {f["path"] for f in files if f["state"] == "altered"}
        # What is still there as it was read is told already.
        files += [r for r in misread(ledger) if r["state"] == "changed" or r["path"] not in altered]
        return {
            "deep": deep,
            "artifacts": dict(sorted(Counter(f["state"] for f in files).items())),
            "wrong": [f for f in files if f["state"] in WRONG],
            "ledger": edited_ledger(results, ledger),
            "mlflow": _edited_mlflow(results, ledger) if deep else None,
        }


def _edited_mlflow(results: Path, ledger: Ledger) -> list[Edited]:
    from medsynth.lineage.mlflow.checks import edited_mlflow  # mlflow takes seconds to import

    return list(edited_mlflow(results, ledger))


def _recorded(base: Places, ledger: Ledger, cache: DigestCache | None) -> Iterator[FileState]:
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
    changing = _being_made(ledger)
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
        yield {
            "state": row["state"],
            "path": row["path"],
            "sha256": row["sha256"],
            "rule": row["rule"],
            "job": row["job"],
        }


def _being_made(ledger: Ledger) -> set[str]:
    """The outputs of the jobs at work."""
    jobs = [start for start in at_work(ledger) if start["kind"] == "job"]
    return {path for start in jobs for path in start["outputs"]}


def _erased(ledger: Ledger) -> set[str]:
    """Digests that `medsynth impact --erase` destroyed, as its tombstones say."""
    rows = ledger.query(
        "SELECT record FROM events JOIN items USING (id) WHERE rule='erase_patient' AND phase='end'"
    )
    return {sha256 for row in rows for sha256 in json.loads(row["record"])["erased"]}


def _unknown(base: Places, files: list[FileState | Read], ledger: Ledger) -> list[FileState | Read]:
    known = {str(base / row["path"]) for row in files}
    known |= {str(base / path) for path in _being_made(ledger)}
    found: list[FileState | Read] = []
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
                found.append(
                    {
                        "state": "unknown",
                        "path": base.recorded(path),
                        "sha256": None,
                        "rule": None,
                        "job": None,
                    }
                )
    return found
