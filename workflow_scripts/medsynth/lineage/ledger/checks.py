"""What is wrong in the ledger, what was misread by jobs, and what is still at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypedDict

from medsynth.lineage.errors import REMEDY
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.graph import is_foreign
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.watermark import drifted
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.records import Start
from medsynth.lineage.wording import SHORT


class Edited(TypedDict):
    """Something in the ledger or in MLflow that is not as it was recorded.

    state: altered, missing or unknown. path: the file, or the run and what in it. what: in words.
    """

    state: str
    path: str
    what: str


class Read(TypedDict):
    """An input of a job whose outputs are the latest at their paths, which it read otherwise.

    state: changed (while the job ran, its bytes then other than at the start) or foreign (read with
    bytes that no job made at this path, where jobs had made others). path, sha256: as recorded.
    rule, job: the reader.
    """

    state: Literal["changed", "foreign"]
    path: str
    sha256: str
    rule: str
    job: str


def edited_ledger(results: Path, ledger: Ledger) -> list[Edited]:
    """Events that are not what was appended; else index rows that the events do not give."""
    name = str(ledger_path(results))
    found: list[Edited] = []
    if change := drifted(results, ledger):
        found.append({"state": "altered", "path": name, "what": f"{change}; {REMEDY}"})
    broken = ledger.broken_links()
    for seq in broken:
        (row,) = ledger.query("SELECT id, phase FROM events WHERE seq=?", seq)
        what = f"event {seq}, the {row['phase']} of {row['id'][:SHORT]}, or what stood before it"
        found.append({"state": "altered", "path": name, "what": what})
    if broken:
        return found
    replayed = ledger.replayed()
    for table, key in (("items", "id"), ("artifacts", "path"), ("reads", "path")):
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


def misread(ledger: Ledger) -> Iterator[Read]:
    """Inputs which the jobs that made what is there now may not have read as recorded."""
    current = ledger.query(
        "SELECT DISTINCT job, rule, items.seq FROM artifacts AS made JOIN items ON items.id=job"
        " WHERE role='outputs' AND status='COMPLETE' AND NOT EXISTS (SELECT 1 FROM artifacts AS"
        " later WHERE later.role='outputs' AND later.path=made.path AND later.seq>made.seq)"
        " ORDER BY items.seq"
    )
    for job in current:
        files = ledger.query(
            "SELECT role, path, sha256 FROM artifacts WHERE job=? AND role!='outputs'", job["job"]
        )
        later = {file["path"]: file["sha256"] for file in files if file["role"] == "changed"}
        for file in (file for file in files if file["role"] == "inputs"):
            read = file | job
            changed = later.get(file["path"], file["sha256"]) != file["sha256"]
            if changed or is_foreign(read, ledger):
                yield {
                    "state": "changed" if changed else "foreign",
                    "path": read["path"],
                    "sha256": read["sha256"],
                    "rule": read["rule"],
                    "job": read["job"],
                }


def at_work(ledger: Ledger) -> list[Start]:
    """Start records of what runs now.

    What is gone stays RUNNING in the ledger until a collector comes by; it hides no problem.
    """
    return [record for record in ledger.running() if not spool.is_gone(record["process"])]
