"""Files in which a search finds whoever is in them: text, tables of words, weights of a model."""

from __future__ import annotations

import codecs
import json
import re
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from medsynth.lineage.erasure.decoding import WIDE

AT_ONCE = 1 << 16  # bytes read
# Text that holds data and no words: numbers, or base64 and the like, in a row. A thumbnail of
# 8 by 8 pixels is one.
DATA = re.compile(
    rb"(?>[-+]?[\d.]+(?:e[-+]?\d+)?[\s,;|\[\]()]+){64}|[\w+/=\\-]{256}", re.IGNORECASE
)
LONGEST_HEADER = 100_000_000  # bytes, as the safetensors library has it


def is_prose(path: Path) -> bool:
    """Whether a file is text in which an id would stand, and no data written as text."""
    decode = codecs.getincrementaldecoder("utf-8")().decode  # letters may be cut in two
    with open(path, "rb") as file:
        part = file.read(AT_ONCE)
        if part.startswith(WIDE):
            return True
        while part:
            try:
                decode(part)
            except UnicodeDecodeError:
                return False
            if b"\0" in part or DATA.search(part):
                return False
            part = file.read(AT_ONCE)
    return True


def holds_words(table: Path) -> bool:
    """Whether a Parquet table has nothing but words in its cells."""
    try:
        columns = pq.read_table(table).columns
    except (pa.ArrowException, OSError):
        return False
    for column in columns:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not pa.types.is_string(kind) and not pa.types.is_large_string(kind):
            return False
        if any(DATA.search(cell.encode()) for cell in column.unique().drop_null().to_pylist()):
            return False
    return True


def holds_weights(model: Path) -> bool:
    """Whether a safetensors file may be a model's: images are whole numbers, weights are none.

    The form is https://huggingface.co/docs/safetensors. What is none shows no image.
    """
    with open(model, "rb") as file:
        head = file.read(8)
        size = struct.unpack("<Q", head)[0] if len(head) == 8 else LONGEST_HEADER
        written = file.read(size) if size < LONGEST_HEADER else b""
    try:
        tensors = json.loads(written).items()
        return not any(
            t["dtype"][0] in "UI" and len(t["shape"]) > 1 for k, t in tensors if k[:2] != "__"
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return True
