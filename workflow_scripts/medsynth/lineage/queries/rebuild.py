"""The ledger again, from MLflow alone.

Every run holds the complete records of its job. They are written to lineage/ledger.rebuilt.db and
compared with the ledger; where that is lost, cut off or edited, what was rebuilt takes its place.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.collector import locked
from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.watermark import watermark
from medsynth.lineage.opening import nothing_recorded
from medsynth.lineage.recording.invocation import TRACKING_URI
from medsynth.lineage.recording.records import invocation_start
from medsynth.lineage.recording.spool import lineage_dir
from medsynth.lineage.replay.restore import (
    Kept,
    differences,
    events_of,
    kept,
    place,
    standing,
    write_ledger,
)


class Rebuilt(TypedDict):
    """The ledger as MLflow gives it, beside the one there is.

    ledger: the file written. fault: what was wrong with the ledger; None if nothing. placed: the
    file written is the ledger now, and the old one is ledger.lost.db. items: {kind: count}.
    running: runs without a record. unreadable: runs whose record is none. lacking, extra: ids of
    items whose events MLflow lacks, or has besides the ledger's. lost: how many events and jobs the
    ledger had, as its watermark says, that nobody has any more.
    """

    ledger: str
    fault: str | None
    placed: bool
    items: dict[str, int]
    running: int
    unreadable: list[str]
    lacking: list[str]
    extra: list[str]
    lost: dict[str, int]


def rebuild(results: Path, recorded_as: Iterable[Path] = ()) -> Rebuilt:
    """Rebuild, compare, and put the result in the place of a ledger that is not what it was.

    What takes its place has every event that can be read in it.

    Args:
        recorded_as: where the results folder was when the workflow ran, if it was moved since.
    """
    if not os.path.isdir(lineage_dir(results)) and not os.environ.get(TRACKING_URI):
        raise nothing_recorded(results)
    found = _from_mlflow(results, recorded_as)
    with locked(results):
        old = standing(results)
        if not found.items and not (old.fault and old.sound):
            raise UnknownArtifact(found.nothing)
        path = ledger_path(results)
        rebuilt = path.with_name("ledger.rebuilt.db")
        write_ledger(found.items, old, rebuilt)
        events = events_of(rebuilt)
        lacking, extra = differences(old, events)
        if extra and not lacking and not old.fault and not watermark(results):
            old.fault = f"it lacks {len(extra)} items that MLflow has"
        placed = bool(old.fault) and old.events.keys() <= events.keys()
        starts = (json.loads(text) for (_, phase), text in events.items() if phase == "start")
        kinds = Counter(record["kind"] for record in starts)
        lost = place(results, rebuilt) if placed else {"events": 0, "jobs": 0}
    return {
        "ledger": str(path if placed else rebuilt),
        "fault": old.fault,
        "placed": placed,
        "items": dict(sorted(kinds.items())),
        "running": found.running,
        "unreadable": found.unreadable,
        "lacking": [] if placed else lacking,
        "extra": [] if placed else extra,
        "lost": lost,
    }


@dataclass
class Found:
    """What MLflow has of these results: items, runs without a record and with none that is one.

    Attributes:
        nothing: what to say if it has none.
    """

    items: dict[str, Kept] = field(default_factory=dict)
    running: int = 0
    unreadable: list[str] = field(default_factory=list)
    nothing: str = ""


def _from_mlflow(results: Path, recorded_as: Iterable[Path]) -> Found:
    """All that MLflow has in the results folder itself is of these results, wherever they were."""
    from medsynth.lineage.mlflow.records import recorded_runs

    found = Found()
    items: dict[str, Kept] = {}
    try:
        with recorded_runs(results) as store:
            for run in store.runs():
                try:
                    records = store.record(run)
                    if records is None:
                        found.running += 1
                    else:
                        items[run.data.tags["medsynth.id"]] = kept(run, records)
                except ValueError:
                    found.unreadable.append(run.info.run_id)
    except UnknownArtifact as error:
        found.nothing = str(error)
        return found
    begun = {item: invocation_start(k.records["start"]) for item, k in items.items()}
    places = {item: start["results"] for item, start in begun.items() if start}
    wanted = {os.path.abspath(place) for place in [results, *recorded_as]}
    served = bool(os.environ.get(TRACKING_URI))
    ours = {item for item, place in places.items() if place in wanted or not served}
    found.nothing = (
        f"MLflow has no run of {', '.join(sorted(wanted))}, but of"
        f" {', '.join(sorted(set(places.values()))) or 'nothing'}; see --recorded-as"
    )
    found.items = {
        item: k
        for item, k in items.items()
        if not served or k.records["start"].get("invocation", item) in ours
    }
    return found
