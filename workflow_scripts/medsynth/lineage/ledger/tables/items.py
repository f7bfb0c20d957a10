"""The table `items`: jobs and invocations, each with its records."""

from __future__ import annotations

import json

from medsynth.lineage.ledger.tables.events import Events
from medsynth.lineage.recording.places import anchored
from medsynth.lineage.recording.records import (
    InvocationItem,
    InvocationStart,
    Item,
    JobEnd,
    JobItem,
    JobStart,
    LedgerItem,
    Record,
    Start,
    invocation_end,
    invocation_start,
    job_end,
    job_start,
)


class Items(Events):
    """The table `items` of a ledger, an index over its events."""

    def headless(self) -> list[str]:
        """Ids of ends whose start has not come: it is late, or was set aside as broken."""
        rows = self._db.execute(
            "SELECT DISTINCT id FROM events WHERE id NOT IN (SELECT id FROM items) ORDER BY seq"
        )
        return [row["id"] for row in rows]

    def _anchored(self, record: Record) -> Record:
        if record["kind"] != "job":
            return record
        invocation = record.get("invocation")
        start = self.written(invocation, "start") if invocation else None
        return anchored(record, invocation_start(start))

    def record(self, item: str, phase: str) -> Record | None:
        """A record, its paths in the form of today (:mod:`medsynth.lineage.recording.places`)."""
        record = self.written(item, phase)
        return record and self._anchored(record)

    def job_start(self, job: str) -> JobStart | None:
        """The start record of a job."""
        return job_start(self.record(job, "start"))

    def job_end(self, job: str) -> JobEnd | None:
        """The end record of a job, None if it was killed."""
        return job_end(self.record(job, "end"))

    def invocation(self, item: str | None) -> InvocationStart | None:
        """The start record of an invocation."""
        return invocation_start(self.record(item, "start") if item else None)

    def item(self, item: str) -> Item:
        """All about one job or invocation: its records by phase, status and MLflow run.

        `events` says where they stand: {phase: [sequence number, digest]}.

        Raises:
            LookupError: its start is not there (any more).
        """
        row = self._db.execute(
            "SELECT items.*, run_id, experiment_id FROM items LEFT JOIN deliveries USING (id)"
            " WHERE id=?",
            (item,),
        ).fetchone()
        records: dict[str, Record] = {}
        events = self._db.execute("SELECT * FROM events WHERE id=? ORDER BY seq", (item,))
        places = {}
        for event in events:
            records[event["phase"]] = self._anchored(json.loads(event["record"]))
            places[event["phase"]] = [event["seq"], event["digest"]]
        start, end, killed = map(records.get, ("start", "end", "killed"))
        common: LedgerItem = {
            "id": item,
            "seq": row["seq"],
            "invocation": row["invocation"],
            "rule": row["rule"],
            "status": row["status"],
            "run_id": row["run_id"],
            "experiment_id": row["experiment_id"],
            "killed": killed if killed and killed["phase"] == "killed" else None,
            "events": places,
        }
        if ran := job_start(start):
            return {**common, "kind": "job", "start": ran, "end": job_end(end)}
        if not (begun := invocation_start(start)):
            raise LookupError(f"the start of {item} is not in the ledger")
        return {**common, "kind": "invocation", "start": begun, "end": invocation_end(end)}

    def job(self, job: str) -> JobItem:
        """All about a job."""
        found = self.item(job)
        if found["kind"] != "job":
            raise LookupError(f"{job} is no job")
        return found

    def invocation_item(self, invocation: str) -> InvocationItem:
        """All about an invocation."""
        found = self.item(invocation)
        if found["kind"] != "invocation":
            raise LookupError(f"{invocation} is no invocation")
        return found

    def running(self) -> list[Start]:
        """Start records of what has neither ended nor been found killed."""
        rows = self._db.execute(
            "SELECT record FROM events JOIN items USING (seq) WHERE status='RUNNING' ORDER BY seq"
        )
        records = [self._anchored(json.loads(row["record"])) for row in rows]
        return [record for record in records if record["phase"] == "start"]

    def status(self, item: str | None) -> str | None:
        row = self._db.execute("SELECT status FROM items WHERE id=?", (item,)).fetchone()
        return row["status"] if row else None

    def last_invocation(self) -> InvocationStart | None:
        """Start record of the latest invocation."""
        row = self._db.execute(
            "SELECT record FROM events JOIN items USING (seq) WHERE kind='invocation'"
            " ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        record: InvocationStart | None = json.loads(row["record"]) if row else None
        return record
