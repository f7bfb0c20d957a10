"""`medsynth status`: did the last run go well, is everything recorded, intact and in MLflow?"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger.checks import misread
from medsynth.lineage.ledger.ledger import REMEDY, Ledger
from medsynth.lineage.ledger.watermark import drifted
from medsynth.lineage.questions import SHORT, at_work, counts, job_name, opened, when
from medsynth.lineage.recording import spool

SHOWN = 10  # of each kind of trouble; --json lists all
UNFINISHED = ("FAILED", "KILLED")

HELP = "runs, jobs, what failed, what waits, whether the ledger is intact"
EXAMPLE = "medsynth status"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """How the record stands.

    Returns:
        invocations: the last ten, latest first, each with id, status, error, time, arguments, jobs.
        jobs: {status: count}. spooled: records not yet in the ledger. unreadable: files set
        aside because they are no records, each with path and why. undelivered: items MLflow lacks,
        with `errors` as it gave them. broken_links: events of the ledger that were altered. lost:
        what is not there any more of it. headless: ids of jobs of which only the end was recorded.
        misread: inputs that were not read as recorded, as in `verify`. failed: the jobs for which
        the last invocation failed or was killed, each as rule and wildcards with its status. ok:
        nothing is wrong, and the last invocation did not fail.
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
                    "error": (item["end"] or {}).get("error"),
                    "time": item["start"]["time"],
                    "arguments": item["start"]["arguments"],
                    "jobs": {job["status"]: job["n"] for job in jobs},
                }
            )
        jobs = ledger.query("SELECT status FROM items WHERE kind='job'")
        errors = ledger.query(
            "SELECT DISTINCT error FROM deliveries WHERE error IS NOT NULL ORDER BY error LIMIT 10"
        )
        undelivered = ledger.undelivered()
        # Who had nothing to do does not wait for MLflow either.
        awaited = set(undelivered) - {i["id"] for i in invocations[:1] if not i["jobs"]}
        found = {
            "invocations": invocations,
            "jobs": dict(sorted(Counter(job["status"] for job in jobs).items())),
            "spooled": len(spool.waiting(results)),
            "unreadable": spool.aside(results),
            "undelivered": len(undelivered),
            "errors": [row["error"] for row in errors],
            "broken_links": ledger.broken_links(),
            "lost": drifted(results, ledger),
            "headless": ledger.headless(),
            "misread": list(misread(ledger)),
            "failed": _failed_jobs(invocations[0]["id"], ledger) if invocations else [],
        }
        busy = any(record["kind"] == "invocation" for record in at_work(ledger))
    waiting = not busy and (found["spooled"] or awaited)
    failed = not busy and any(i["status"] in UNFINISHED for i in invocations[:1])
    bad = any(found[k] for k in ("unreadable", "broken_links", "lost", "headless", "misread"))
    found["ok"] = not (bad or waiting or failed)
    return found


def _failed_jobs(invocation: str, ledger: Ledger) -> list[dict[str, str]]:
    """Jobs of an invocation that failed or were killed, and no later attempt mended it."""
    last = {}
    for row in ledger.query(
        "SELECT id, status FROM items WHERE kind='job' AND invocation=? ORDER BY seq", invocation
    ):
        last[job_name(ledger.record(row["id"], "start"))] = row["status"]
    return [{"job": job, "status": s} for job, s in last.items() if s in UNFINISHED]


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
    for file in answer["misread"][:SHOWN]:
        how = "changed while it ran" if file["state"] == "changed" else "read as no job had made it"
        yield f"MISREAD: {file['path']}, {how}, by {file['rule']}, job {file['job'][:SHORT]}"
    yield from (f"  MLflow said: {error}" for error in answer["errors"])
