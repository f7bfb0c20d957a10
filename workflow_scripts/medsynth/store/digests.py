"""sha256 identities of files and folders, with a cache that many processes share.

Standard library only: the lineage capture imports this in every job.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any


def digest_bytes(data: bytes) -> str:
    """The sha256 of `data`, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_json(*values: Any) -> str:
    """The sha256 of JSON values, independent of the order of keys."""
    return digest_bytes(json.dumps(values, sort_keys=True).encode())


class DigestCache:
    """Digests of files by (path, size, mtime_ns, inode), in a SQLite file.

    A file that was changed and had its mtime put back is not noticed here; deep verification
    therefore passes no cache. Losing the cache costs time, never correctness: a damaged one is
    moved aside, to <name>.damaged, and begun anew.
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
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS digests (path TEXT PRIMARY KEY, size INTEGER,"
            " mtime_ns INTEGER, inode INTEGER, sha256 TEXT)"
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

    def _execute(self, sql: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row of the answer, if any."""
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchone()
            except sqlite3.DatabaseError as error:
                self._renew(error)
                return self._db.execute(sql, values).fetchone()

    def get(self, path: str, stat: os.stat_result) -> str | None:
        row = self._execute(
            "SELECT sha256 FROM digests WHERE path=? AND size=? AND mtime_ns=? AND inode=?",
            (path, stat.st_size, stat.st_mtime_ns, stat.st_ino),
        )
        return row[0] if row else None

    def put(self, path: str, stat: os.stat_result, sha256: str) -> None:
        self._execute(
            "INSERT OR REPLACE INTO digests VALUES (?,?,?,?,?)",
            (path, stat.st_size, stat.st_mtime_ns, stat.st_ino, sha256),
        )

    def forget(self, words: Iterable[str]) -> None:
        """Leave no path that holds one of `words` in the file, nor in a damaged one."""
        for word in words:
            self._execute("DELETE FROM digests WHERE instr(path, ?)", (word,))
        self._execute("VACUUM")  # a deleted row's bytes stay in the file until it is packed
        self._damaged.unlink(missing_ok=True)

    def close(self) -> None:
        self._db.close()


def digest_file(path: str | Path, cache: DigestCache | None = None) -> str:
    """The sha256 of a file's bytes, as 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    absolute = os.path.abspath(path)
    stat = os.stat(absolute)
    if cache and (known := cache.get(absolute, stat)):
        return known
    with open(absolute, "rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if cache:
        cache.put(absolute, stat, sha256)
    return sha256


def digest_path(path: str | Path, cache: DigestCache | None = None) -> tuple[str, int]:
    """The identity and the size in bytes of a file or a folder.

    A folder's identity is the sha256 of its sorted ``path, size, sha256`` lines, so it depends on
    names and contents and on nothing else. Snakemake's own timestamp marker is not content.
    """
    path = Path(path)
    if not path.is_dir():
        return digest_file(path, cache), path.stat().st_size
    lines, total = [], 0
    for parent, folders, names in os.walk(path):
        folders.sort()
        for name in names:
            file = Path(parent, name)
            if name == ".snakemake_timestamp" or not file.is_file():
                continue
            size = file.stat().st_size
            total += size
            lines.append(f"{file.relative_to(path).as_posix()}, {size}, {digest_file(file, cache)}")
    return digest_bytes("\n".join(sorted(lines)).encode()), total
