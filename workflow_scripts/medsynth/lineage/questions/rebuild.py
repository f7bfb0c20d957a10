"""`medsynth rebuild`: the ledger again, from MLflow alone.

Every run holds the complete records of its job. They are written to lineage/ledger.rebuilt.db and
compared with the ledger; where that is lost, what was rebuilt takes its place.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from medsynth.lineage.collector import TRACKING_URI
from medsynth.lineage.environment import canonical
from medsynth.lineage.ledger import Ledger, ledger_path
from medsynth.lineage.questions import UnknownArtifact
from medsynth.lineage.spool import Record

HELP = "make the ledger again from MLflow; compare it with the one there is"
EXAMPLE = "medsynth rebuild"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--recorded-as",
        action="append",
        type=Path,
        metavar="DIR",
        help="where the results folder was when the workflow ran, if it was moved since and MLflow"
        " is a server, which may serve many; more than once if it was moved more than once",
    )


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """Rebuild, compare, and put the result in the place of a lost ledger.

    Returns:
        ledger: the file written. placed: it is the ledger now. items: {kind: count}.
        running: runs without a record yet, which the collector delivers when they end.
        lacking, extra: ids of items whose events MLflow lacks, or has besides the ledger's.
    """
    found, running = _from_mlflow(results, arguments.recorded_as or [])
    lost = not ledger_path(results).exists()
    path = ledger_path(results)
    rebuilt = path.with_name("ledger.rebuilt.db")
    rebuilt.unlink(missing_ok=True)
    write_ledger(found, rebuilt)
    lacking, extra = ([], []) if lost else _differences(path, rebuilt)
    if lost:
        rebuilt.rename(path)
    kinds = Counter(records["start"]["kind"] for _, records in found.values())
    return {
        "ledger": str(path if lost else rebuilt),
        "placed": lost,
        "items": dict(sorted(kinds.items())),
        "running": running,
        "lacking": lacking,
        "extra": extra,
    }


def _from_mlflow(
    results: Path, recorded_as: list[Path]
) -> tuple[dict[str, tuple[Any, Record]], int]:
    """{item: (its run, its records by phase)} of this results folder; runs without a record.

    All that MLflow has in the results folder itself is of these results, wherever they were.
    """
    from medsynth.lineage.mlflow_records import recorded_runs

    with recorded_runs(results) as store:
        found = {run.data.tags["medsynth.id"]: (run, store.record(run)) for run in store.runs()}
    whole = {item: entry for item, entry in found.items() if entry[1]}
    places = {
        item: records["start"]["results"]
        for item, (_, records) in whole.items()
        if records["start"]["kind"] == "invocation"
    }
    wanted = {os.path.abspath(place) for place in [results, *recorded_as]}
    served = bool(os.environ.get(TRACKING_URI))
    ours = {item for item, place in places.items() if place in wanted or not served}
    if not ours:
        raise UnknownArtifact(
            f"MLflow has no finished run of {', '.join(sorted(wanted))}, but of"
            f" {', '.join(sorted(set(places.values()))) or 'nothing'}; see --recorded-as"
        )
    mine = {
        item: entry
        for item, entry in whole.items()
        if not served or entry[1]["start"].get("invocation", item) in ours
    }
    return mine, len(found) - len(whole)


def write_ledger(found: dict[str, tuple[Any, Record]], path: Path) -> None:
    """A ledger of these records in the order of their times, and of their runs as delivered."""
    ledger = Ledger(path)
    events = [record for _, records in found.values() for record in records.values()]
    # A start before the end of the same instant.
    order = {"start": 0, "killed": 1, "end": 2}
    with ledger.transaction():
        for record in sorted(events, key=lambda r: (r["time"], order[r["phase"]], r["id"])):
            ledger.append(record)
        for item, (run, _) in found.items():
            info = run.info
            ledger.delivered(item, info.run_id, info.experiment_id, ledger.status(item))
    ledger.close()


def _events(path: Path) -> dict[tuple[str, str], str]:
    ledger = Ledger(path)
    rows = ledger.query("SELECT id, phase, record FROM events")
    ledger.close()
    events = {(row["id"], row["phase"]): row["record"] for row in rows}
    for key, text in events.items():
        with suppress(ValueError):  # an edited row that is no JSON differs as it is
            events[key] = canonical(json.loads(text))
    return events


def _differences(original: Path, rebuilt: Path) -> tuple[list[str], list[str]]:
    first, second = _events(original), _events(rebuilt)
    lacking = {key[0] for key, record in first.items() if second.get(key) != record}
    extra = {key[0] for key, record in second.items() if first.get(key) != record}
    return sorted(lacking), sorted(extra)


def wrong(answer: dict[str, Any]) -> bool:
    return bool(answer["lacking"] or answer["extra"])


def show(answer: dict[str, Any]) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    counted = ", ".join(f"{n} {kind}s" for kind, n in answer["items"].items())
    yield f"{answer['ledger']}: {counted}, from MLflow"
    if answer["running"]:
        yield f"{answer['running']} runs have no record yet"
    if answer["placed"]:
        yield "there was no ledger: this is it now"
    elif not wrong(answer):
        yield "equal to the ledger, event by event"
    for name in ("lacking", "extra"):
        said = "in the ledger, not so in MLflow" if name == "lacking" else "in MLflow, not so here"
        yield from (f"  {said}: {item}" for item in answer[name])
