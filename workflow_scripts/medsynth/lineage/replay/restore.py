"""A ledger restored: from MLflow's records, and from what can still be read of the old one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medsynth.lineage.collector import drain
from medsynth.lineage.errors import LostLedgerError, NoRecordError
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.tables.events import FIRST, row_digest
from medsynth.lineage.ledger.watermark import drifted, set_watermark, watermark
from medsynth.lineage.opening import open_ledger
from medsynth.lineage.recording.environment import canonical
from medsynth.lineage.recording.records import Record
from medsynth.lineage.recording.schema import check

Key = tuple[str, str]  # id, phase
PHASES = ("start", "killed", "end")


@dataclass
class Kept:
    """What MLflow keeps of one item.

    Attributes:
        run_id, experiment_id: of its run.
        records: by phase.
        events: where the ledger had them, as the run says: {phase: [sequence number, digest]}.
    """

    run_id: str
    experiment_id: str
    records: dict[str, Record]
    events: dict[str, list[Any]]


@dataclass
class Standing:
    """The ledger as it stands.

    Attributes:
        fault: why it is not what it was; None if it is.
        events: (id, phase): the text of every event that can be read.
        sound: the sequence numbers of those that stand before the chain breaks.
    """

    fault: str | None = None
    events: dict[Key, str] = field(default_factory=dict)
    sound: dict[Key, int] = field(default_factory=dict)


def standing(results: Path) -> Standing:
    found = Standing()
    try:
        with closing(open_ledger(results)) as ledger:
            broken = ledger.broken_links()
            found.fault = drifted(results, ledger) or (
                f"events {broken[0]} and after are not as they were appended" if broken else None
            )
    except FileNotFoundError:
        found.fault = "there was no ledger"
    except LostLedgerError as error:
        found.fault = str(error)
    path = ledger_path(results)
    if path.exists():
        _read(path, found)
    mark = watermark(results)
    if found.fault and mark and len(found.sound) >= mark["events"]:
        found.sound.clear()  # the chain holds and is another: somebody made it anew
    return found


def _read(path: Path, found: Standing) -> None:
    """What can be read of the events, though the file be damaged."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        previous, sound = FIRST, True
        try:
            rows = db.execute(
                "SELECT id, phase, record, previous, digest, seq FROM events ORDER BY seq"
            )
            for item, phase, record, before, digest, seq in rows:
                found.events[item, phase] = record
                whole_link = digest == row_digest(before, item, phase, record)
                sound = sound and whole_link and before == previous and seq == len(found.events)
                if sound:
                    found.sound[item, phase] = seq
                previous = digest
        except (sqlite3.DatabaseError, TypeError, AttributeError):  # another form, or damage
            return


def kept(run: Any, records: Any) -> Kept:
    """What a run keeps.

    Raises:
        NoRecordError: its records are none.
    """
    if not isinstance(records, dict) or "start" not in records or not set(records) <= set(PHASES):
        raise NoRecordError("no records by phase")
    for phase, record in records.items():
        check(record)
        if (record["id"], record["phase"]) != (run.data.tags["medsynth.id"], phase):
            raise NoRecordError("the records of another")
    try:
        events = json.loads(run.data.tags.get("medsynth.events", "{}"))
        events = {phase: [int(seq), str(digest)] for phase, (seq, digest) in events.items()}
    except (ValueError, TypeError, AttributeError):
        events = {}  # somebody edited it
    return Kept(run.info.run_id, run.info.experiment_id, records, events)


def write_ledger(items: dict[str, Kept], old: Standing, path: Path) -> None:
    """A new ledger of what MLflow keeps and of the sound part of the old one, in its order.

    Runs that say where their events stood are put there again, so that nothing lost gives the very
    chain that was lost; those of a version that did not say so come first, by their times.
    """
    known: dict[Key, tuple[tuple[int, float, int, str], Record]] = {}
    for kept_item in items.values():
        for phase, record in kept_item.records.items():
            seq = kept_item.events.get(phase, [0])[0]
            order = (seq, record["time"] if not seq else 0.0, PHASES.index(phase), record["id"])
            known[record["id"], phase] = order, record
    for key, seq in old.sound.items() if old.fault else ():
        record = json.loads(old.events[key])
        known[key] = (seq, 0.0, PHASES.index(key[1]), key[0]), record
    path.unlink(missing_ok=True)
    with closing(Ledger(path)) as ledger:
        with ledger.transaction():
            for _, record in sorted(known.values(), key=lambda entry: entry[0]):
                ledger.append(record)
        # A run that says another place than its events have now is told anew.
        ledger.delivered_many(
            [
                (item, k.run_id, k.experiment_id, ledger.status(item) if same else None)
                for item, k in items.items()
                for same in [k.events == ledger.item(item)["events"] or not k.events]
            ]
        )


def events_of(path: Path) -> dict[Key, str]:
    with closing(Ledger(path)) as ledger:
        rows = ledger.query("SELECT id, phase, record FROM events")
    return {(row["id"], row["phase"]): row["record"] for row in rows}


def differences(old: Standing, rebuilt: dict[Key, str]) -> tuple[list[str], list[str]]:
    """Ids of items of which one has events that the other has not, or not so."""

    def spelled(text: str) -> str:
        try:
            return canonical(json.loads(text))
        except ValueError:  # an edited row that is no JSON differs as it is
            return text

    first = {key: spelled(text) for key, text in old.events.items()}
    second = {key: spelled(text) for key, text in rebuilt.items()}
    lacking = {key[0] for key, record in first.items() if second.get(key) != record}
    extra = {key[0] for key, record in second.items() if first.get(key) != record}
    return sorted(lacking), sorted(extra)


def place(results: Path, rebuilt: Path) -> dict[str, int]:
    """Make the rebuilt ledger the ledger, keep the old one beside it, and drain the spool.

    Returns:
        events, jobs: how many of those that the ledger is known to have had are lost for good.
    """
    path = ledger_path(results)
    if path.exists():
        path.replace(path.with_name("ledger.lost.db"))
    # Else SQLite would roll it back into the new file.
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    rebuilt.rename(path)
    had = watermark(results) or {"events": 0, "jobs": 0}
    with closing(Ledger(path)) as ledger:
        (jobs,) = ledger.query("SELECT COUNT(*) AS n FROM items WHERE kind='job'")
        lost = {"events": had["events"] - ledger.head()[0], "jobs": had["jobs"] - jobs["n"]}
        drain(results, ledger)
        set_watermark(results, ledger)
    return {name: max(0, n) for name, n in lost.items()}
