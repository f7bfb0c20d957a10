"""The ledger: every record in the order it arrived, each chained to the one before.

`events` is append-only and is the truth; `items`, `artifacts` and `deliveries` are indexes over
it. The only writer is the collector; readers may come at any time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medsynth.lineage.environment import canonical
from medsynth.lineage.places import anchored
from medsynth.lineage.spool import Record, lineage_dir
from medsynth.store.digests import digest_bytes

FIRST = "0" * 64
SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT, phase TEXT, record TEXT, previous TEXT, digest TEXT,
    UNIQUE (id, phase));
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE IF NOT EXISTS items (
    id TEXT PRIMARY KEY, seq INTEGER, kind TEXT, invocation TEXT, rule TEXT, status TEXT);
CREATE INDEX IF NOT EXISTS items_status ON items (status);
CREATE INDEX IF NOT EXISTS items_invocation ON items (invocation, status);
CREATE TABLE IF NOT EXISTS artifacts (
    job TEXT, time REAL, role TEXT, name TEXT, path TEXT, sha256 TEXT, bytes INTEGER,
    UNIQUE (job, role, path));
CREATE INDEX IF NOT EXISTS artifacts_by_path ON artifacts (path, role, time);
CREATE INDEX IF NOT EXISTS artifacts_by_sha256 ON artifacts (sha256, role, time);
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, run_id TEXT, experiment_id TEXT, status TEXT, error TEXT);
"""
# What the indexes hold; a ledger that was indexed otherwise is indexed anew when it is opened.
INDEXED = 1
# items.status: RUNNING, then COMPLETE or FAILED (its end record says so) or KILLED (none came).


def ledger_path(results_dir: str | Path) -> Path:
    return lineage_dir(results_dir) / "ledger.db"


def _row_digest(previous: str, item: str, phase: str, record: str) -> str:
    return digest_bytes("\n".join([previous, item, phase, record]).encode())


class Ledger:
    """One connection to the ledger file, created on first use."""

    def __init__(self, path: str | Path):
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(SCHEMA)
        if self._db.execute("PRAGMA user_version").fetchone()[0] < INDEXED:
            self._index_anew()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def append(self, record: Record) -> None:
        """Add one event; a record that already stands here (a crash came between) adds nothing."""
        known = self._db.execute(
            "SELECT 1 FROM events WHERE id=? AND phase=?", (record["id"], record["phase"])
        ).fetchone()
        if known:
            return
        last = self._db.execute("SELECT digest FROM events ORDER BY seq DESC LIMIT 1").fetchone()
        previous, text = last["digest"] if last else FIRST, canonical(record)
        values = (record["id"], record["phase"], text, previous)
        seq = self._db.execute(
            "INSERT INTO events (id, phase, record, previous, digest) VALUES (?,?,?,?,?)",
            (*values, _row_digest(previous, record["id"], record["phase"], text)),
        ).lastrowid
        self._index(seq, record)

    def _index_anew(self) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM items")
            self._db.execute("DELETE FROM artifacts")
            for row in self.query("SELECT seq, record FROM events ORDER BY seq"):
                self._index(row["seq"], json.loads(row["record"]))
            self._db.execute(f"PRAGMA user_version={INDEXED}")

    def _anchored(self, record: Record) -> Record:
        invocation = record.get("invocation")
        return anchored(record, self.written(invocation, "start") if invocation else None)

    def _index(self, seq: int, record: Record) -> None:
        record = self._anchored(record)
        if record["phase"] == "start":
            self._db.execute(
                "INSERT INTO items VALUES (?,?,?,?,?,'RUNNING')",
                (
                    record["id"],
                    seq,
                    record["kind"],
                    record.get("invocation"),
                    record.get("rule"),
                ),
            )
        else:
            # An end outlives a kill, whichever is appended first.
            self._db.execute(
                "UPDATE items SET status=?1 WHERE id=?2 AND (status='RUNNING' OR ?1!='KILLED')",
                (record["status"], record["id"]),
            )
        if record["kind"] == "job":
            role = "inputs" if record["phase"] == "start" else "outputs"
            self._db.executemany(
                "INSERT OR IGNORE INTO artifacts VALUES (?,?,?,?,?,?,?)",
                [
                    (
                        record["id"],
                        record["time"],
                        role,
                        a["name"],
                        a["path"],
                        a["sha256"],
                        a["bytes"],
                    )
                    for a in record.get(role, [])
                ],
            )

    def broken_links(self) -> list[int]:
        """Sequence numbers of events that are not what was appended there; [] if all is well."""
        broken, previous, expected = [], FIRST, 1
        for row in self._db.execute("SELECT * FROM events ORDER BY seq"):
            digest = _row_digest(row["previous"], row["id"], row["phase"], row["record"])
            if (row["seq"], row["previous"], row["digest"]) != (expected, previous, digest):
                broken.append(row["seq"])
            previous, expected = row["digest"], row["seq"] + 1
        return broken

    def record(self, item: str, phase: str) -> Record | None:
        """A record, its paths in the form of today (:mod:`medsynth.lineage.places`)."""
        record = self.written(item, phase)
        return record and self._anchored(record)

    def written(self, item: str, phase: str) -> Record | None:
        """A record as it was written."""
        row = self._db.execute(
            "SELECT record FROM events WHERE id=? AND phase=?", (item, phase)
        ).fetchone()
        return json.loads(row["record"]) if row else None

    def item(self, item: str) -> dict[str, Any]:
        """All about one job or invocation: its records by phase, status and MLflow run."""
        row = self._db.execute(
            "SELECT items.*, run_id, experiment_id FROM items LEFT JOIN deliveries USING (id)"
            " WHERE id=?",
            (item,),
        ).fetchone()
        phases = {phase: self.record(item, phase) for phase in ("start", "end", "killed")}
        return dict(row) | phases

    def running(self) -> list[Record]:
        """Start records of what has neither ended nor been found killed."""
        rows = self._db.execute(
            "SELECT record FROM events JOIN items USING (seq) WHERE status='RUNNING' ORDER BY seq"
        )
        return [self._anchored(json.loads(row["record"])) for row in rows]

    def status(self, item: str | None) -> str | None:
        row = self._db.execute("SELECT status FROM items WHERE id=?", (item,)).fetchone()
        return row["status"] if row else None

    def undelivered(self) -> list[str]:
        """Items whose present status MLflow does not have yet, oldest first."""
        rows = self._db.execute(
            "SELECT items.id FROM items LEFT JOIN deliveries USING (id)"
            " WHERE deliveries.status IS NOT items.status ORDER BY items.seq"
        )
        return [row["id"] for row in rows]

    def delivered(self, item: str, run_id: str, experiment_id: str, status: str) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO deliveries VALUES (?,?,?,?,NULL)",
            (item, run_id, experiment_id, status),
        )

    def undeliverable(self, item: str, error: str) -> None:
        self._db.execute(
            "INSERT INTO deliveries (id, error) VALUES (?,?)"
            " ON CONFLICT (id) DO UPDATE SET error=excluded.error",
            (item, error),
        )

    def query(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of a SELECT over the tables above."""
        return [dict(row) for row in self._db.execute(sql, values)]

    def producer(self, sha256: str, path: str, before: float) -> str | None:
        """The job that made these bytes: the last before the time `before`, best at `path`."""
        row = self._db.execute(
            "SELECT job FROM artifacts WHERE role='outputs' AND sha256=? AND time<=?"
            " ORDER BY path=? DESC, time DESC LIMIT 1",
            (sha256, before, path),
        ).fetchone()
        return row["job"] if row else None

    def last_invocation(self) -> Record | None:
        """Start record of the latest invocation."""
        row = self._db.execute(
            "SELECT record FROM events JOIN items USING (seq) WHERE kind='invocation'"
            " ORDER BY seq DESC LIMIT 1"
        ).fetchone()
        return json.loads(row["record"]) if row else None
