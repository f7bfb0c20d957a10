"""sha256 identities of files and folders, with a cache that many processes share.

Standard library only: the lineage capture imports this in every job.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from medsynth.store.folders import files_below, stat_key

# One question and one transaction to the cache for so many files: 377,110 single ones cost a
# minute. A killed job loses no more than these.
_AT_ONCE = 64
# How long to wait for the clock that stamps files to go on: it ticks every 1 to 10 ms.
_TICK_NS = 50_000_000
# Stamps of whole seconds come from file systems that keep no more; FAT keeps every other one.
_SECOND_NS = 1_000_000_000
_COARSE_NS = 2 * _SECOND_NS
_COLUMNS = ["path", "size", "mtime_ns", "ctime_ns", "inode", "sha256"]


def digest_bytes(data: bytes) -> str:
    """The sha256 of `data`, as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def digest_json(*values: Any) -> str:
    """The sha256 of JSON values, independent of the order of keys."""
    return digest_bytes(json.dumps(values, sort_keys=True).encode())


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


def digest_file(path: str | Path, cache: DigestCache | None = None) -> str:
    """The sha256 of a file's bytes, as 64 hex digits.

    Raises:
        OSError: the file cannot be read.
    """
    return _read(path, cache)[0]


def _read(path: str | Path, cache: DigestCache | None) -> tuple[str, int]:
    (found,) = digest_files([path], cache)
    if isinstance(found, OSError):
        raise found
    return found


def digest_files(
    paths: Iterable[str | Path], cache: DigestCache | None = None, threads: int = 1
) -> Iterator[tuple[str, int] | OSError]:
    """The sha256 and size in bytes of many files, in their order, whatever the threads.

    Args:
        paths: files; one that cannot be read gives its error instead of a digest.
        cache: known digests; those of files that held still while they were read are added.
        threads: files hashed at the same time; hashlib computes outside of the interpreter's lock.
    """
    absolute = map(os.path.abspath, paths)
    with ThreadPoolExecutor(threads) as pool:
        while some := list(islice(absolute, _AT_ONCE)):
            stats = dict(zip(some, pool.map(_or_error(_stat), some), strict=True))
            there = {p: s for p, s in stats.items() if not isinstance(s, OSError)}
            known: dict[str, Any] = cache.get_many(there) if cache else {}
            todo = [path for path in there if path not in known]
            settled = cache.settled({path: there[path] for path in todo}) if cache and todo else ()
            made = dict(zip(todo, pool.map(_or_error(_sha256), todo), strict=True))
            still = [path for path in settled if _is_still(path, there[path])]
            if cache and still:
                cache.put_many((p, there[p], made[p]) for p in still if isinstance(made[p], str))
            known |= made
            for path in some:
                found = known.get(path, stats[path])
                yield (found, there[path].st_size) if isinstance(found, str) else found


def _stat(path: str) -> os.stat_result:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # reading a pipe would wait for ever
        raise OSError(f"{path} is not a regular file")
    return found


def _sha256(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_still(path: str, before: os.stat_result) -> bool:
    """Whether what was read is one state of the file, and that of `before`."""
    try:
        return stat_key(os.stat(path)) == stat_key(before)
    except OSError:
        return False


def _or_error(call: Callable[[str], Any]) -> Callable[[str], Any]:
    """`call`, giving an OSError back instead of raising it."""

    def guarded(path: str) -> Any:
        try:
            return call(path)
        except OSError as error:
            return error

    return guarded


def digest_path(
    path: str | Path, cache: DigestCache | None = None, threads: int = 1
) -> tuple[str, int]:
    """The identity and the size in bytes of a file or a folder.

    A folder's identity is the sha256 of its sorted ``path, size, sha256`` lines, so it depends on
    names and contents and on nothing else. Snakemake's own timestamp marker is not content. Raw
    folders may hold files that nobody can read: in their lines stands "unreadable".

    Raises:
        OSError: `path` is a file that cannot be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        return _read(path, cache)
    names = list(files_below(folder))
    lines, total = [], 0
    found = digest_files((os.path.join(folder, name) for name in names), cache, threads)
    for name, digest in zip(names, found, strict=True):
        sha256, size = ("unreadable", 0) if isinstance(digest, OSError) else digest
        total += size
        lines.append(f"{name}, {size}, {sha256}")
    return digest_bytes("\n".join(sorted(lines)).encode("utf-8", "surrogateescape")), total
