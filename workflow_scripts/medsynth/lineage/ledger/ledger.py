"""The ledger: every record in the order it arrived, each chained to the one before.

`events` is append-only and is the truth; `items`, `artifacts` and `reads` are indexes over it, made
again where they are lacking. An end that arrives before its start is indexed when the start comes.
The only writer is the collector; readers may come at any time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from medsynth.lineage.errors import REMEDY, LostLedgerError
from medsynth.lineage.ledger.database import reporting_damage
from medsynth.lineage.ledger.deliveries import Deliveries
from medsynth.lineage.ledger.reads import link_inputs, link_outputs
from medsynth.lineage.ledger.tables import COLUMNS, INDEXED, INDEXES, SCHEMA
from medsynth.lineage.recording.environment import canonical
from medsynth.lineage.recording.places import anchored
from medsynth.lineage.recording.records import (
    File,
    InvocationEnd,
    InvocationItem,
    InvocationStart,
    Item,
    JobEnd,
    JobItem,
    JobStart,
    Killed,
    LedgerItem,
    Record,
    Start,
    invocation_end,
    invocation_start,
    job_end,
    job_start,
)
from medsynth.store.digests import digest_bytes

FIRST = "0" * 64


def row_digest(previous: str, item: str, phase: str, record: str) -> str:
    """The digest of an event: of all that it says and of the digest of the one before."""
    return digest_bytes("\n".join([previous, item, phase, record]).encode())


class Ledger(Deliveries):
    """One connection to the ledger file, created on first use.

    Raises:
        LostLedgerError: the file is no ledger, or is damaged.
    """

    def __init__(self, path: str | Path):
        super().__init__(path)
        try:
            with reporting_damage(path):
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        tables = {row["name"] for row in self.query("SELECT name FROM sqlite_master")}
        for table, columns in COLUMNS.items() if tables else ():
            found = self.query("SELECT name FROM pragma_table_info(?)", table)
            if [row["name"] for row in found] != columns:
                raise LostLedgerError(f"{self._path} is no ledger: table {table} is not; {REMEDY}")
        # At first all or nothing: a kill, or another process's look, may come in between.
        self._db.executescript(SCHEMA if tables else f"BEGIN IMMEDIATE;{SCHEMA}COMMIT;")
        if not self._is_indexed():
            with self.transaction():
                if not self._is_indexed():  # another process may have been faster
                    self._index_anew()

    def _is_indexed(self) -> bool:
        (form,) = self._db.execute("PRAGMA user_version").fetchone()
        tables = {row["name"] for row in self.query("SELECT name FROM sqlite_master")}
        return form == INDEXED and {"items", "artifacts", "reads"} <= tables

    def _index_anew(self) -> None:
        for table in ("items", "artifacts", "reads", "unexplained"):
            self._db.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in filter(str.strip, INDEXES.split(";")):
            self._db.execute(statement)
        for row in self.query("SELECT seq, record FROM events ORDER BY seq"):
            self._index(row["seq"], json.loads(row["record"]))
        self._db.execute(f"PRAGMA user_version={INDEXED}")

    def _anchored(self, record: Record) -> Record:
        if record["kind"] != "job":
            return record
        invocation = record.get("invocation")
        start = self.written(invocation, "start") if invocation else None
        return anchored(record, invocation_start(start))

    def append(self, record: Record) -> None:
        """Add one event; a record that already stands here (a crash came between) adds nothing.

        Raises:
            ValueError: another record of this id and phase stands here.
        """
        text = canonical(record)
        known = self._db.execute(
            "SELECT record FROM events WHERE id=? AND phase=?", (record["id"], record["phase"])
        ).fetchone()
        if known:
            if known["record"] != text:
                raise ValueError("another record of this id and phase is in the ledger")
            return
        _, previous = self.head()
        values = (record["id"], record["phase"], text, previous)
        self._db.execute("SAVEPOINT event")
        try:
            seq = self._db.execute(
                "INSERT INTO events (id, phase, record, previous, digest) VALUES (?,?,?,?,?)",
                (*values, row_digest(previous, record["id"], record["phase"], text)),
            ).lastrowid
            assert seq  # a row was made
            self._index(seq, record)
        except BaseException:
            self._db.execute("ROLLBACK TO event")
            raise
        finally:
            self._db.execute("RELEASE event")

    def _index(self, seq: int, record: Record) -> None:
        record = self._anchored(record)
        if record["phase"] != "start":
            if self.status(record["id"]):
                self._index_end(seq, record)
            return
        job = record if record["kind"] == "job" else None
        of_job = (job["invocation"], job["rule"]) if job else (None, None)
        self._db.execute(
            "INSERT INTO items VALUES (?,?,?,?,?,'RUNNING')",
            (record["id"], seq, record["kind"], *of_job),
        )
        if job:
            self._index_files(seq, job["id"], "inputs", job["inputs"])
            link_inputs(self, job["id"], seq, job["inputs"])
        early = self._db.execute(
            "SELECT seq, record FROM events WHERE id=? AND seq<? ORDER BY seq", (record["id"], seq)
        )
        for row in early.fetchall():
            end = self._anchored(json.loads(row["record"]))
            if end["phase"] != "start":
                self._index_end(row["seq"], end)

    def _index_end(self, seq: int, record: JobEnd | InvocationEnd | Killed) -> None:
        # An end outlives a kill, whichever is appended first.
        self._db.execute(
            "UPDATE items SET status=?1 WHERE id=?2 AND (status='RUNNING' OR ?1!='KILLED')",
            (record["status"], record["id"]),
        )
        if record["kind"] == "job" and record["phase"] == "end":
            self._index_files(seq, record["id"], "outputs", record["outputs"])
            link_outputs(self, record["id"], record["outputs"])
            self._index_files(seq, record["id"], "changed", record.get("changed", []))

    def _index_files(self, seq: int, job: str, role: str, files: Iterable[File]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO artifacts VALUES (?,?,?,?,?,?,?)",
            [(job, seq, role, a["name"], a["path"], a["sha256"], a["bytes"]) for a in files],
        )

    def replayed(self) -> Ledger:
        """A copy in memory, its indexes made from the events alone."""
        copy = Ledger(":memory:")
        rows = map(tuple, self._db.execute("SELECT * FROM events ORDER BY seq"))
        with copy.transaction():
            copy._db.executemany("INSERT INTO events VALUES (?,?,?,?,?,?)", rows)
            copy._index_anew()
        return copy

    def head(self) -> tuple[int, str]:
        """Sequence number and digest of the last event."""
        row = self._db.execute("SELECT seq, digest FROM events ORDER BY seq DESC LIMIT 1")
        return tuple(row.fetchone() or (0, FIRST))

    def digest_at(self, seq: int) -> str | None:
        """The digest of one event; None if there is none."""
        row = self._db.execute("SELECT digest FROM events WHERE seq=?", (seq,)).fetchone()
        return row["digest"] if row else (FIRST if seq == 0 else None)

    def broken_links(self) -> list[int]:
        """Sequence numbers of events that are not what was appended there; [] if all is well.

        A tail that was cut off, or a chain that was made anew from some event on, is whole in
        itself: see :mod:`medsynth.lineage.ledger.watermark`.
        """
        broken, previous, expected = [], FIRST, 1
        for row in self._db.execute("SELECT * FROM events ORDER BY seq"):
            digest = row_digest(row["previous"], row["id"], row["phase"], row["record"])
            if (row["seq"], row["previous"], row["digest"]) != (expected, previous, digest):
                broken.append(row["seq"])
            previous, expected = row["digest"], row["seq"] + 1
        return broken

    def headless(self) -> list[str]:
        """Ids of ends whose start has not come: it is late, or was set aside as broken."""
        rows = self._db.execute(
            "SELECT DISTINCT id FROM events WHERE id NOT IN (SELECT id FROM items) ORDER BY seq"
        )
        return [row["id"] for row in rows]

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

    def written(self, item: str, phase: str) -> Record | None:
        """A record as it was written."""
        row = self._db.execute(
            "SELECT record FROM events WHERE id=? AND phase=?", (item, phase)
        ).fetchone()
        record: Record | None = json.loads(row["record"]) if row else None
        return record

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
