"""`medsynth rebuild`: the ledger again, from MLflow alone.

Every run holds the complete records of its job. They are written to lineage/ledger.rebuilt.db and
compared with the ledger; where that is lost, cut off or edited, what was rebuilt takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

if TYPE_CHECKING:
    from medsynth.lineage.queries.rebuild import Rebuilt


HELP = "make the ledger again from MLflow; compare it with the one there is"
EXAMPLE = "medsynth rebuild"


def answer(
    results: Path,
    recorded_as: Annotated[
        list[Path] | None,
        Option(
            metavar="DIR",
            help="where the results folder was when the workflow ran, if it was moved since and"
            " MLflow is a server, which may serve many; more than once if it was moved more than"
            " once",
        ),
    ] = None,
) -> Mapping[str, Any]:
    from medsynth.lineage.queries.rebuild import rebuild

    return rebuild(results, recorded_as or [])


def wrong(answer: Rebuilt) -> bool:
    left = answer["fault"] and not answer["placed"]
    differs = answer["lacking"] or answer["extra"] or answer["unreadable"]
    return bool(differs or any(answer["lost"].values()) or left)


def show(answer: Rebuilt) -> Iterator[str]:
    counted = ", ".join(f"{n} {kind}s" for kind, n in answer["items"].items())
    yield f"{answer['ledger']}: {counted}, from MLflow"
    if answer["running"]:
        yield f"{answer['running']} runs have no record yet"
    for run in answer["unreadable"]:
        yield f"  the record of MLflow run {run} is none"
    if answer["placed"]:
        yield f"{answer['fault']}: this is the ledger now"
        if lost := answer["lost"]["events"]:
            yield f"LOST for good: {lost} events, of {answer['lost']['jobs']} jobs nothing is left"
    elif answer["fault"]:
        yield f"{answer['fault']}; it has events that MLflow lacks, so that it was left as it is"
    elif not wrong(answer):
        yield "equal to the ledger, event by event"
    yield from (f"  in the ledger, not so in MLflow: {item}" for item in answer["lacking"])
    yield from (f"  in MLflow, not so here: {item}" for item in answer["extra"])
