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
from medsynth.lineage.ledger.reads import link_inputs, link_outputs
from medsynth.lineage.ledger.tables.deliveries import Deliveries
from medsynth.lineage.ledger.tables.items import Items
from medsynth.lineage.ledger.tables.schema import COLUMNS, INDEXED, INDEXES, SCHEMA
from medsynth.lineage.recording.records import File, InvocationEnd, JobEnd, Killed, Record


class Ledger(Items, Deliveries):
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

    def append(self, record: Record) -> None:
        """Add one event; a record that already stands here (a crash came between) adds nothing.

        Raises:
            ValueError: another record of this id and phase stands here.
        """
        if not (row := self.linked(record)):
            return
        self._db.execute("SAVEPOINT event")
        try:
            seq = self._db.execute(
                "INSERT INTO events (id, phase, record, previous, digest) VALUES (?,?,?,?,?)", row
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
