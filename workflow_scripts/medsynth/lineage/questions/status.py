"""`medsynth status`: is everything recorded, intact and in MLflow?"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage import spool
from medsynth.lineage.questions import at_work, counts, opened, when

HELP = "runs, jobs, what waits, whether the ledger is intact"
EXAMPLE = "medsynth status"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """How the record stands.

    Returns:
        invocations: the last ten, latest first, each with id, status, time, arguments, jobs.
        jobs: {status: count}. spooled: records not yet in the ledger. unreadable: records set
        aside as broken. undelivered: items MLflow lacks, with `errors` as it gave them.
        broken_links: events of the ledger that were altered. ok: nothing is wrong; running and
        failed jobs are not wrong records.
    """
    with opened(results) as ledger:
        invocations = []
        for row in ledger.query(
            "SELECT id FROM items WHERE kind='invocation' ORDER BY seq DESC LIMIT 10"
        ):
            item = ledger.item(row["id"])
            jobs = ledger.query(
                "SELECT status, COUNT(*) AS n FROM items WHERE invocation=? GROUP BY status",
                row["id"],
            )
            invocations.append(
                {
                    "id": item["id"],
                    "status": item["status"],
                    "time": item["start"]["time"],
                    "arguments": item["start"]["arguments"],
                    "jobs": {job["status"]: job["n"] for job in jobs},
                }
            )
        jobs = ledger.query("SELECT status FROM items WHERE kind='job'")
        errors = ledger.query(
            "SELECT DISTINCT error FROM deliveries WHERE error IS NOT NULL ORDER BY error LIMIT 10"
        )
        folder = spool.spool_dir(results)
        found = {
            "invocations": invocations,
            "jobs": dict(sorted(Counter(job["status"] for job in jobs).items())),
            "spooled": len(list(folder.glob("[0-9]*.json"))),
            "unreadable": len(list(folder.glob("*.unreadable"))),
            "undelivered": len(ledger.undelivered()),
            "errors": [row["error"] for row in errors],
            "broken_links": ledger.broken_links(),
        }
        busy = any(record["kind"] == "invocation" for record in at_work(ledger))
    waiting = not busy and (found["spooled"] or found["undelivered"])
    found["ok"] = not (found["unreadable"] or found["broken_links"] or waiting)
    return found


def wrong(answer: dict[str, Any]) -> bool:
    return not answer["ok"]


def show(answer: dict[str, Any]) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    yield f"jobs: {counts(answer['jobs']) or 'none'}"
    for i in answer["invocations"]:
        arguments = " ".join(i["arguments"])
        jobs = counts(i["jobs"]) or "nothing to do"
        yield f"  {when(i['time'])}  {i['status']:8}  {jobs}  snakemake {arguments}"
    broken = answer["broken_links"]
    altered = f"BROKEN at events {', '.join(map(str, broken[:10]))}" if broken else "intact"
    yield f"ledger: {altered}"
    yield f"waiting: {answer['spooled']} for the ledger, {answer['undelivered']} for MLflow"
    if answer["unreadable"]:
        yield f"UNREADABLE: {answer['unreadable']} records in lineage/spool/*.unreadable"
    yield from (f"  MLflow said: {error}" for error in answer["errors"])
