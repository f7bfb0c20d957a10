"""`medsynth impact`: a patient withdraws. What must be destroyed, what redone, and how?

Destroyed is what holds the patient's data or may show it; redone is all that was derived.
`--erase` says what it would do, `--erase --yes` does it and proves that no trace is left in the
results folder. Raw files outside it are yours to delete, or `--raw` deletes the patient's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NotRequired

from typer import Argument, Option

from medsynth.lineage.erasure.withdrawal import Impact, Remains
from medsynth.lineage.wording import when

HELP = "a patient withdraws: what must be destroyed, what redone; --erase does it"
EXAMPLE = "medsynth impact TCGA-02-0001 --erase --yes"


class Withdrawal(Impact):
    """What a withdrawal means, and what is left of the patient where it was carried out.

    left, yours: as in :class:`medsynth.lineage.erasure.withdrawal.Erasure`, and so are `rows` then.
    asked, done: whether it was to be carried out, and was.
    """

    left: NotRequired[list[Remains]]
    yours: NotRequired[list[str]]
    asked: bool
    done: bool


def answer(
    results: Path,
    patient: Annotated[str, Argument(metavar="PATIENT", help="the id in the raw data (TCGA case)")],
    erase: Annotated[bool, Option("--erase", help="destroy all that must be destroyed")] = False,
    yes: Annotated[bool, Option("--yes", help="with --erase: really")] = False,
    raw: Annotated[
        bool,
        Option(
            "--raw", help="with --erase: also delete the patient's own raw files outside results/"
        ),
    ] = False,
) -> Withdrawal:
    from medsynth.lineage.queries.impact import impact  # pandas, for which --help need not wait

    if erase and yes:
        from medsynth.lineage.erasure.erase import erase as destroy
        from medsynth.lineage.erasure.erase import idle

        with idle(results):
            found = impact(results, patient)
            erased = destroy(results, patient, found, raw=raw)
            return {**found, **erased, "asked": True, "done": True}
    found = impact(results, patient)
    return {**found, "asked": erase, "done": False}


def wrong(answer: Withdrawal) -> bool:
    """Asked to erase, something is left, or may be; or it is not known what would be."""
    done = answer["done"] and not answer["left"] and not answer["yours"]
    return bool(answer["unknown"] or (answer["asked"] and not done))


def show(answer: Withdrawal) -> Iterator[str]:
    for time in answer["erased"]:
        yield f"erased before: {when(time)}"
    parts = {
        "artifacts": len(answer["destroy"]),
        "unfinished trainings": len(answer["unfinished"]),
        "kept copies": len(answer["kept"]),
    }
    counts = [f"{count} {name}" for name, count in parts.items() if count]
    yield f"{'destroyed' if answer['done'] else 'to destroy'}: {', '.join(counts) or 'nothing'}"
    yield from (f"  {entry['path']}  [{entry['why']}]" for entry in answer["destroy"])
    yield from (f"  {path}  [unfinished training]" for path in answer["unfinished"])
    yield from (f"  {path}  [kept copy of outputs]" for path in answer["kept"])
    yield f"raw files and folders of the patient: {len(answer['raw'])}"
    yield from (f"  {path}" for path in answer["raw"])
    if answer["rows"]:
        yield "raw tables that name the patient; remove these rows before you redo anything:"
        yield from (f"  {path}  {rows} rows" for path, rows in answer["rows"].items())
    yield f"to redo: {len(answer['redo'])} artifacts"
    yield from (f"  {entry['path']}" for entry in answer["redo"])
    yield f"by: {answer['command']}"
    if answer["unknown"]:
        yield "NOT KNOWN, because their tables are gone or unreadable; remake them to be sure:"
        yield from (f"  {path}" for path in answer["unknown"])
    if answer["asked"] and not answer["done"]:
        yield (
            "NOTHING WAS ERASED: add --yes to destroy what is listed above, and --raw if that"
            " includes the raw files outside the results folder"
        )
    if answer["done"]:
        yield "LEFT BEHIND:" if answer["left"] else "no trace is left in results, ledger and MLflow"
        yield from (f"  {trace['path']}  [{trace['found']}]" for trace in answer["left"])
        if answer["yours"]:
            yield "YOURS TO DELETE, being outside the results folder; note them, they are not known"
            yield "any more when you ask again:"
            yield from (f"  {path}" for path in answer["yours"])
