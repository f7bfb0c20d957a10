"""Traces: where an identifier, or a file with certain bytes, is left, whatever holds it.

Every file is searched as it lies on the disk and, where its form hides text, decoded as well:
Parquet, HDF5, what is packed (gzip, bzip2, xz, and ZIP with NPZ), PNG's text, UTF-16, and SQLite,
whose long values are cut up over pages.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import mmap
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from medsynth.lineage.words import Words
from medsynth.store.digests import digest_bytes, digest_file

ROWS_AT_ONCE = 100_000
HEAD_BYTES = 65536  # of a file that tell whether it is text
DEPTH = 4  # a NIfTI file in a tar.gz in a ZIP
PACKED = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
}
ZIP, PNG = b"PK\x03\x04", b"\x89PNG\r\n\x1a\n"
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def traces(
    folder: Path,
    words: Iterable[str],
    digests: set[str],
    known: Callable[[Path], bool] | None = None,
) -> list[dict[str, str]]:
    """Every file below `folder` that holds one of `words` or is, byte for byte, one of `digests`.

    Linked folders are searched, too, each once.

    Args:
        known: whether it is decided elsewhere whose a file is. Others whose content is no text
            may hold a person's pixels, which no search finds. Without it none is asked about.

    Returns:
        [{"path": relative to the folder's parent, "found": "id", "bytes", "unreadable", of
        which nothing is proven, or "unsearchable", which nobody recorded}], sorted by path.
    """
    ids = Words(words, loose=True)
    found = []
    for path in sorted(_files(folder)):
        name = path.relative_to(folder.parent).as_posix()
        what = _found(path, name, ids, digests)
        if not what and known and not known(path) and not _is_text(path):
            what = "unsearchable"
        if what:
            found.append({"path": name, "found": what})
    return found


def _files(folder: Path) -> Iterator[Path]:
    seen = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        inode = os.stat(place)
        if (inode.st_dev, inode.st_ino) in seen:
            folders.clear()  # a link back
            continue
        seen.add((inode.st_dev, inode.st_ino))
        yield from (path for name in names if (path := Path(place, name)).is_file())


def _found(path: Path, name: str, ids: Words, digests: set[str]) -> str | None:
    if ids.search(os.fsencode(name)):
        return "id"
    try:
        packed = set()
        for text in _texts(path):
            if ids.search(text):
                return "id"
            packed.add(digest_bytes(text) if isinstance(text, bytes) else digest_file(path))
        return "bytes" if packed & digests else None
    except Exception:  # each form has errors of its own for what is damaged
        return "unreadable"


def _is_text(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(WIDE):
        return True
    try:
        # A letter may be cut in two at the end.
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return b"\0" not in head


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
    elif head.startswith(b"SQLite format 3"):
        yield from _sqlite(path)
    elif head.startswith((*PACKED, ZIP, PNG, *WIDE)):
        yield from _unpacked(path.read_bytes(), DEPTH)


def _unpacked(data: bytes, depth: int) -> Iterator[bytes]:
    """Bytes that another form hides, and what is packed in them in turn.

    Raises:
        ValueError: packed more deeply than anybody does for good.
    """
    if depth == 0:
        raise ValueError("packed too deeply")
    for magic, unpack in PACKED.items():
        if data.startswith(magic):
            inner = unpack(data)
            yield inner
            yield from _unpacked(inner, depth - 1)
    if data.startswith(ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive.comment
            for member in archive.infolist():
                yield os.fsencode(member.filename) + b" " + member.comment
                inner = archive.read(member)
                yield inner
                yield from _unpacked(inner, depth - 1)
    if data.startswith(PNG):
        with Image.open(io.BytesIO(data)) as image:
            image.load()  # chunks may follow the pixels
            yield "\n".join(f"{k} {v}" for k, v in image.text.items()).encode()
    if data.startswith(WIDE):
        yield data.decode("utf-16").encode()


def _parquet(path: Path) -> Iterator[bytes]:
    file = pq.ParquetFile(path)
    yield str(file.schema_arrow.metadata).encode()
    for batch in file.iter_batches(ROWS_AT_ONCE):
        for column in batch.columns:
            # Lists and structures have no unique values.
            plain = not pa.types.is_nested(column.type)
            yield "\n".join(map(str, (column.unique() if plain else column).to_pylist())).encode()


def _hdf5(path: Path) -> Iterator[bytes]:
    with h5py.File(path, "r") as file:
        nodes: list[Any] = [file]
        file.visititems(lambda _, node: nodes.append(node))
        for node in nodes:
            yield "\n".join(f"{k} {v}" for k, v in node.attrs.items()).encode()
            if isinstance(node, h5py.Dataset):
                for strings in _strings(node):
                    yield b"\n".join(
                        v if isinstance(v, bytes) else str(v).encode() for v in strings.ravel()
                    )


def _strings(dataset: h5py.Dataset) -> Iterator[Any]:
    """The texts of a data set, or of the fields of its structures that are texts."""
    if dataset.dtype.names:
        yield from (dataset[n] for n in dataset.dtype.names if dataset.dtype[n].kind in "SO")
    elif dataset.dtype.kind in "SO":
        yield dataset[()] if dataset.shape else np.array([dataset[()]])


def _sqlite(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            for row in db.execute(f'SELECT * FROM "{table}"'):
                yield "\n".join(str(value) for value in row if value is not None).encode()
