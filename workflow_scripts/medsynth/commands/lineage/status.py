"""`medsynth status`: did the last run go well, is everything recorded, intact and in MLflow?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medsynth.lineage.errors import REMEDY
from medsynth.lineage.wording import SHORT, UNFINISHED, when

if TYPE_CHECKING:
    from medsynth.lineage.queries.status import Status

SHOWN = 10  # of each kind of trouble; --json lists all

HELP = "runs, jobs, what failed, what waits, whether the ledger is intact"
EXAMPLE = "medsynth status"


def answer(results: Path) -> Mapping[str, Any]:
    from medsynth.lineage.queries.status import status

    return status(results)


def wrong(answer: Status) -> bool:
    return not answer["ok"]


def show(answer: Status) -> Iterator[str]:
    yield f"jobs: {_counts(answer['jobs']) or 'none'}"
    for i in answer["invocations"]:
        arguments = " ".join(i["arguments"])
        jobs = _counts(i["jobs"]) or "nothing to do"
        yield f"  {when(i['time'])}  {i['status']:8}  {jobs}  snakemake {arguments}"
    for failed in answer["failed"]:
        yield f"{failed['status']} in the last run: {failed['job']}"
    last = answer["invocations"][:1]
    if last and last[0]["status"] in UNFINISHED and not answer["failed"]:
        why = f" ({last[0]['error']})" if last[0]["error"] else ""
        yield f"{last[0]['status']}: the last run, but none of its jobs{why}"
    broken = answer["broken_links"]
    if broken:
        yield f"ledger: BROKEN at events {', '.join(map(str, broken[:10]))}"
    if answer["lost"]:
        yield f"ledger: {answer['lost']}; {REMEDY}"
    elif not broken:
        yield "ledger: intact"
    yield f"waiting: {answer['spooled']} for the ledger, {answer['undelivered']} for MLflow"
    for file in answer["unreadable"][:SHOWN]:
        yield f"UNREADABLE: lineage/{file['path']} is no record ({file['why']})"
    for item in answer["headless"][:SHOWN]:
        yield f"WITHOUT A START: the end of {item}, whose start is late or was set aside"
    for read in answer["misread"][:SHOWN]:
        how = "changed while it ran" if read["state"] == "changed" else "read as no job had made it"
        yield f"MISREAD: {read['path']}, {how}, by {read['rule']}, job {read['job'][:SHORT]}"
    yield from (f"  MLflow said: {error}" for error in answer["errors"])


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{n} {name}" for name, n in numbers.items())
