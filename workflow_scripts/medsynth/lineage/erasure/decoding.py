"""The texts that a file's form hides: what is packed, compressed, cut up or encoded in it."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import mmap
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

ROWS_AT_ONCE = 100_000
DEPTH = 4  # a NIfTI file in a tar.gz in a ZIP
PACKED = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\0": lzma.decompress,
}
ZIP, PNG, PARQUET, HDF5 = b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"PAR1", b"\x89HDF"
SQLITE = b"SQLite format 3"
TAR, TAR_AT = b"ustar", 257
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
TEXT_KINDS = "SOU"  # of NumPy


def texts(path: Path) -> Iterator[bytes | mmap.mmap]:
    """A file's bytes as they lie on the disk, then what they hide.

    Raises:
        Exception: of many kinds; the file is damaged.
    """
    with open(path, "rb") as file:
        if path.stat().st_size:  # an empty file cannot be mapped
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                yield data
                # By content, not by name: nothing may hide behind a wrong suffix.
                if data[:4] == HDF5:
                    yield from _hdf5(path)
                elif data[:4] == PARQUET:
                    yield from _parquet(path)
                elif data[: len(SQLITE)] == SQLITE:
                    with closing(
                        sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
                    ) as db:
                        yield from _sqlite(db)
                elif _hides(data):
                    yield from _unpacked(bytes(data), DEPTH)


def _hides(data: bytes | mmap.mmap) -> bool:
    return data[:16].startswith((*PACKED, ZIP, PNG, *WIDE)) or _is_tar(data)


def _is_tar(data: bytes | mmap.mmap) -> bool:
    return data[TAR_AT : TAR_AT + len(TAR)] == TAR


def _unpacked(data: bytes, depth: int) -> Iterator[bytes]:
    """Bytes that another form hides, and what is packed in them in turn.

    Raises:
        ValueError: packed more deeply than anybody does for good.
    """
    if depth == 0:
        raise ValueError("packed too deeply")
    for magic, unpack in PACKED.items():
        if data.startswith(magic):
            yield from _with_inner(unpack(data), depth)
    if data.startswith(ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive.comment
            for member in archive.infolist():
                yield member.filename.encode(errors="surrogateescape") + b" " + member.comment
                yield from _with_inner(archive.read(member), depth)
    if _is_tar(data):
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tape:
            for entry in tape:
                yield f"{entry.name} {entry.linkname} {entry.pax_headers}".encode(
                    errors="surrogateescape"
                )
                if file := tape.extractfile(entry) if entry.isfile() else None:
                    yield from _with_inner(file.read(), depth)
    if data.startswith(PNG):
        with Image.open(io.BytesIO(data)) as image:
            image.load()  # chunks may follow the pixels
            if isinstance(image, PngImageFile):
                yield "\n".join(f"{k} {v}" for k, v in image.text.items()).encode()
    if data.startswith(WIDE):
        yield data.decode("utf-16").encode()
    if data.startswith(PARQUET):
        yield from _parquet(io.BytesIO(data))
    if data.startswith(HDF5):
        yield from _hdf5(io.BytesIO(data))
    if data.startswith(SQLITE):
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(data)
            yield from _sqlite(db)


def _with_inner(data: bytes, depth: int) -> Iterator[bytes]:
    yield data
    yield from _unpacked(data, depth - 1)


def _parquet(source: Path | io.BytesIO) -> Iterator[bytes]:
    file = pq.ParquetFile(source)
    schema = file.schema_arrow
    # Of fields in fields, too: the file has them in base64.
    yield from _metadata(schema.metadata)
    yield from (text for field in schema for text in _field_metadata(field))
    for batch in file.iter_batches(ROWS_AT_ONCE):
        for column in batch.columns:
            # Lists and structures have no unique values.
            plain = not pa.types.is_nested(column.type)
            yield from _values((column.unique() if plain else column).to_pylist())


def _field_metadata(field: pa.Field) -> Iterator[bytes]:
    yield field.name.encode()
    yield from _metadata(field.metadata)
    for number in range(field.type.num_fields):
        yield from _field_metadata(field.type.field(number))


def _metadata(pairs: dict[bytes, bytes] | None) -> Iterator[bytes]:
    for key, value in (pairs or {}).items():
        yield key + b" " + value


def _values(values: list[Any]) -> Iterator[bytes]:
    """Texts among values as one, and each that is bytes, with what it hides."""
    for value in values:
        if isinstance(value, bytes):
            yield from _with_inner(value, DEPTH)
    written = (str(v) for v in values if v is not None and not isinstance(v, bytes))
    yield "\n".join(written).encode(errors="surrogateescape")


def _hdf5(source: Path | io.BytesIO) -> Iterator[bytes]:
    with h5py.File(source, "r") as file:
        nodes: list[Any] = [file]
        file.visititems(lambda _, node: nodes.append(node))
        for node in nodes:
            for name, value in node.attrs.items():
                yield name.encode()
                yield from _array(np.asarray(value))
            if isinstance(node, h5py.Dataset) and _may_be_text(node.dtype, len(node.shape or ())):
                yield from _array(np.asarray(node[()]))


def _may_be_text(kind: np.dtype, dimensions: int) -> bool:
    """Texts, structures with texts, and bytes in a row, but no images."""
    if kind.names:
        return any(_may_be_text(kind[name].base, 0) for name in kind.names)
    return kind.kind in TEXT_KINDS + "V" or (kind.itemsize == 1 and dimensions < 2)


def _array(array: np.ndarray) -> Iterator[bytes]:
    if array.dtype.names:
        for name in array.dtype.names:
            yield from _array(array[name])
    elif array.dtype.kind in TEXT_KINDS:
        values = array.ravel().tolist()
        yield from (v.tobytes() for v in values if isinstance(v, np.ndarray))  # of any length
        plain = [v for v in values if not isinstance(v, np.ndarray)]
        yield b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in plain)
    else:
        yield from _with_inner(array.tobytes(), DEPTH)


def _sqlite(db: sqlite3.Connection) -> Iterator[bytes]:
    """Of every row, for long values are cut up over pages."""
    db.text_factory = bytes  # as it is written
    tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    for table in tables:
        name = table.decode(errors="surrogateescape").replace('"', '""')
        for row in db.execute(f'SELECT * FROM "{name}"'):
            yield b"\n".join(v if isinstance(v, bytes) else str(v).encode() for v in row)
