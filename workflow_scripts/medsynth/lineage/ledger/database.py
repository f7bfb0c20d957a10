"""The ledger's file: an SQLite database that may be damaged, foreign or lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medsynth.lineage.errors import REMEDY, LostLedgerError
from medsynth.lineage.recording.spool import lineage_dir

Row = dict[str, Any]  # of a table of the database


def ledger_path(results_dir: str | Path) -> Path:
    return lineage_dir(results_dir) / "ledger.db"


class Database:
    """One connection to the file, created on first use."""

    def __init__(self, path: str | Path):
        self._path = path
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._db.row_factory = sqlite3.Row

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

    def query(self, sql: str, *values: Any, **named: Any) -> list[Row]:
        """Rows of a SELECT over the tables of :mod:`.tables.schema`."""
        return [dict(row) for row in self._db.execute(sql, named or values)]

    def change(self, sql: str, *values: Any) -> None:
        """Change a row of an index."""
        self._db.execute(sql, values)


@contextmanager
def reporting_damage(path: str | Path) -> Iterator[None]:
    """In the block, SQLite's word for a damaged or foreign file is a lost ledger's error."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:  # locked, full, or a mistake of ours
            raise
        raise LostLedgerError(f"the ledger {path} is damaged ({error}); {REMEDY}") from error
