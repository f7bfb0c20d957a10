"""Did the last run go well, is everything recorded, intact and in MLflow?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.ledger.checks import Read, at_work, misread
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.watermark import drifted
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.wording import UNFINISHED, job_name


class Invocation(TypedDict):
    """One call of the workflow. time: of its start. jobs: {status: count}."""

    id: str
    status: str
    error: str | None
    time: float
    arguments: list[str]
    jobs: dict[str, int]


class FailedJob(TypedDict):
    """job: rule and wildcards."""

    job: str
    status: str


class Status(TypedDict):
    """How the record stands.

    invocations: the last ten, latest first. jobs: {status: count}. spooled: records not yet in the
    ledger. unreadable: files set aside because they are no records, each with path and why.
    undelivered: items MLflow lacks, with `errors` as it gave them. broken_links: events of the
    ledger that were altered. lost: what is not there any more of it. headless: ids of jobs of which
    only the end was recorded. misread: inputs that were not read as recorded. failed: the jobs for
    which the last invocation failed or was killed. ok: nothing is wrong, and the last invocation
    did not fail.
    """

    invocations: list[Invocation]
    jobs: dict[str, int]
    spooled: int
    unreadable: list[dict[str, str]]
    undelivered: int
    errors: list[str]
    broken_links: list[int]
    lost: str | None
    headless: list[str]
    misread: list[Read]
    failed: list[FailedJob]
    ok: bool


def status(results: str | Path) -> Status:
    """How the record stands."""
    with existing_ledger(results) as ledger:
        invocations: list[Invocation] = []
        for row in ledger.query(
            "SELECT id FROM items WHERE kind='invocation' ORDER BY seq DESC LIMIT 10"
        ):
            item = ledger.invocation_item(row["id"])
            jobs = ledger.query(
                "SELECT status, COUNT(*) AS n FROM items WHERE invocation=? GROUP BY status",
                row["id"],
            )
            invocations.append(
                {
                    "id": item["id"],
                    "status": item["status"],
                    "error": item["end"]["error"] if item["end"] else None,
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
        found: Status = {
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
            "ok": False,
        }
        busy = any(record["kind"] == "invocation" for record in at_work(ledger))
    waiting = not busy and (found["spooled"] or awaited)
    failed = not busy and any(i["status"] in UNFINISHED for i in invocations[:1])
    bad = bool(found["unreadable"] or found["broken_links"] or found["lost"])
    bad = bad or bool(found["headless"] or found["misread"])
    found["ok"] = not (bad or waiting or failed)
    return found


def _failed_jobs(invocation: str, ledger: Ledger) -> list[FailedJob]:
    """Jobs of an invocation that failed or were killed, and no later attempt mended it."""
    last = {}
    for row in ledger.query(
        "SELECT id, status FROM items WHERE kind='job' AND invocation=? ORDER BY seq", invocation
    ):
        last[job_name(ledger.job(row["id"])["start"])] = row["status"]
    return [{"job": job, "status": s} for job, s in last.items() if s in UNFINISHED]
