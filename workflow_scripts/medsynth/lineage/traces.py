"""Traces: where an identifier, or a file with certain bytes, is left, whatever holds it.

Every file is searched as it lies on the disk and, where its form hides text, decoded as well:
Parquet, HDF5, gzip, and SQLite, whose long values are cut up over pages.
"""

from __future__ import annotations

import gzip
import mmap
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import pyarrow.parquet as pq

from medsynth.store.digests import digest_file

ROWS_AT_ONCE = 100_000


def pattern_of(words: Iterable[str], *, loose: bool = False) -> re.Pattern[bytes]:
    """Finds any of `words`, but not inside a longer number or digest.

    Args:
        loose: find numbers beside the letters of a digest, too, as in `a10`: a proof may find too
            much, but not too little.
    """

    def bounded(word: str) -> bytes:
        beside = rb"[0-9]" if loose and word.isdecimal() else rb"[0-9A-Fa-f]"
        return rb"(?<!%b)%b(?!%b)" % (beside, re.escape(word.encode()), beside)

    return re.compile(b"|".join(map(bounded, sorted(words))))


def traces(folder: Path, words: Iterable[str], digests: set[str]) -> list[dict[str, str]]:
    """Every file below `folder` that holds one of `words` or is, byte for byte, one of `digests`.

    Returns:
        [{"path": relative to the folder's parent, "found": "id", "bytes", or "unreadable", of
        which nothing is proven}], sorted by path.
    """
    pattern = pattern_of(words, loose=True)
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        name = path.relative_to(folder.parent).as_posix()
        if what := _found(path, name, pattern, digests):
            found.append({"path": name, "found": what})
    return found


def _found(path: Path, name: str, pattern: re.Pattern[bytes], digests: set[str]) -> str | None:
    if pattern.search(name.encode()):
        return "id"
    try:
        if any(pattern.search(text) for text in _texts(path)):
            return "id"
        return "bytes" if digest_file(path) in digests else None
    except Exception:  # each form has errors of its own for what is damaged
        return "unreadable"


def _texts(path: Path) -> Iterator[bytes | mmap.mmap]:
    with open(path, "rb") as file:
        if path.stat().st_size:  # an empty file cannot be mapped
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data
        file.seek(0)
        head = file.read(16)
    # By content, not by name: nothing may hide behind a wrong suffix.
    if head.startswith(b"PAR1"):
        yield from _parquet(path)
    elif head.startswith(b"\x89HDF"):
        yield from _hdf5(path)
    elif head.startswith(b"\x1f\x8b"):
        with gzip.open(path) as unpacked:
            yield unpacked.read()
    elif head.startswith(b"SQLite format 3"):
        yield from _sqlite(path)


def _parquet(path: Path) -> Iterator[bytes]:
    for batch in pq.ParquetFile(path).iter_batches(ROWS_AT_ONCE):
        for column in batch.columns:
            yield "\n".join(map(str, column.unique().to_pylist())).encode()


def _hdf5(path: Path) -> Iterator[bytes]:
    with h5py.File(path, "r") as file:
        nodes: list[Any] = [file]
        file.visititems(lambda _, node: nodes.append(node))
        for node in nodes:
            yield "\n".join(f"{k} {v}" for k, v in node.attrs.items()).encode()
            if isinstance(node, h5py.Dataset) and node.dtype.kind in "SO":
                yield b"\n".join(value for value in node[:].ravel())


def _sqlite(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            for row in db.execute(f'SELECT * FROM "{table}"'):
                yield "\n".join(str(value) for value in row if value is not None).encode()
