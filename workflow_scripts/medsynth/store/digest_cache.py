"""A cache of sha256 digests of files, that many processes share.

Standard library only: the lineage capture imports this in every job.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from medsynth.store.folders import stat_key

# How long to wait for the clock that stamps files to go on: it ticks every 1 to 10 ms.
_TICK_NS = 50_000_000
# Stamps of whole seconds come from file systems that keep no more; FAT keeps every other one.
_SECOND_NS = 1_000_000_000
_COARSE_NS = 2 * _SECOND_NS
_COLUMNS = ["path", "size", "mtime_ns", "ctime_ns", "inode", "sha256"]


class DigestCache:
    """Digests of files by (path, size, mtime_ns, ctime_ns, inode), in a SQLite file.

    The ctime is the kernel's alone to set, so that a file whose mtime was put back is noticed.
    Deep verification passes no cache all the same: who owns the machine's clock owns the ctime.
    Losing the cache costs time, never correctness: a damaged one is moved aside, to
    <name>.damaged, and begun anew.
    """

    def __init__(self, path: str | Path):
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._damaged = self._path.with_name(f"{self._path.name}.damaged")
        self._lock = threading.Lock()
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            self._renew(error)

    def _open(self) -> None:
        self._db = sqlite3.connect(
            self._path, timeout=60, check_same_thread=False, isolation_level=None
        )
        # A cache that a power failure damages is only rebuilt; syncing every row costs 24 ms.
        self._db.execute("PRAGMA synchronous=OFF")
        known = [row[1] for row in self._db.execute("PRAGMA table_info(digests)")]
        if known not in ([], _COLUMNS):  # made by a version with another key
            self._db.execute("DROP TABLE IF EXISTS digests")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size INTEGER,"
            " mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER, sha256 TEXT)"
        )

    def _renew(self, error: sqlite3.DatabaseError) -> None:
        """Move a damaged file aside; anything but damage is raised again."""
        if isinstance(error, sqlite3.OperationalError):  # locked for too long, or the disk is full
            raise error
        self._db.close()
        with suppress(FileNotFoundError):  # another process was first
            self._path.replace(self._damaged)
        # Else SQLite would roll it back into the new file.
        self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
        self._open()

    def _execute(self, statements: Callable[[sqlite3.Connection], Any]) -> Any:
        """Do something with the database, once more if it turns out to be damaged."""
        with self._lock:
            try:
                return statements(self._db)
            except sqlite3.DatabaseError as error:
                self._renew(error)
                return statements(self._db)

    def get(self, path: str, found: os.stat_result) -> str | None:
        """The digest of a file that still has this size, mtime, ctime and inode."""
        return self.get_many({path: found}).get(path)

    def get_many(self, stats: Mapping[str, os.stat_result]) -> dict[str, str]:
        """The digests of those files that still have this size, mtime, ctime and inode, by path."""

        named = {_text(path): path for path in stats}

        def select(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
            marks = ",".join("?" * len(named))
            return db.execute(f"SELECT * FROM digests WHERE path IN ({marks})", [*named]).fetchall()

        rows = [(named[text], key, sha256) for text, *key, sha256 in self._execute(select)]
        return {path: sha256 for path, key, sha256 in rows if key == stat_key(stats[path])}

    def put(self, path: str, found: os.stat_result, sha256: str) -> None:
        """Remember the digest of a file as it is now."""
        self.put_many([(path, found, sha256)])

    def put_many(self, known: Iterable[tuple[str, os.stat_result, str]]) -> None:
        """Remember the digests of files as they are now."""
        rows = [(_text(path), *stat_key(found), sha256) for path, found, sha256 in known]

        def insert(db: sqlite3.Connection) -> None:
            with db:
                db.execute("BEGIN")
                db.executemany("INSERT OR REPLACE INTO digests VALUES (?,?,?,?,?,?)", rows)

        self._execute(insert)

    def settled(self, stats: Mapping[str, os.stat_result]) -> set[str]:
        """The files of which any later change will show in their stat.

        Two changes within one tick of the clock that stamps files look the same. Waits for the
        next tick where the last change was in this one, but for no stamps of the future or of
        file systems that keep whole seconds.
        """
        last = max((found.st_ctime_ns for found in stats.values()), default=0)
        deadline = time.monotonic_ns() + _TICK_NS
        while 0 <= last - (now := self._now_ns()) < _TICK_NS and time.monotonic_ns() < deadline:
            time.sleep(0.001)
        return {path for path, found in stats.items() if _can_settle(found.st_ctime_ns, now)}

    def _now_ns(self) -> int:
        """The time by the clock that stamps files, which may be a server's."""
        try:
            os.utime(self._path)
            return os.stat(self._path).st_mtime_ns
        except FileNotFoundError:  # somebody is moving a damaged one aside
            return 0

    def forget(self, named: Callable[[str], bool]) -> None:
        """Leave no path for which `named` is true in the file, nor in a damaged one."""

        def delete(db: sqlite3.Connection) -> None:
            db.create_function("named", 1, named)
            db.execute("DELETE FROM digests WHERE named(path)")
            db.execute("VACUUM")  # a deleted row's bytes stay in the file until it is packed

        self._execute(delete)
        self._damaged.unlink(missing_ok=True)

    def holds(self, named: Callable[[str], bool]) -> bool:
        """Whether `named` is true for a path of the file."""
        found: list[Any] = []

        def look(db: sqlite3.Connection) -> None:
            db.create_function("named", 1, named)
            found.extend(db.execute("SELECT 1 FROM digests WHERE named(path) LIMIT 1"))

        self._execute(look)
        return bool(found)

    def close(self) -> None:
        self._db.close()


def _can_settle(stamp: int, now: int) -> bool:
    return now >= stamp + _COARSE_NS if stamp % _SECOND_NS == 0 else now > stamp


def _text(path: str) -> str:
    # Names that are not UTF-8 are no text to SQLite.
    return os.fsencode(path).decode(errors="backslashreplace")
