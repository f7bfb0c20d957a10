"""Tab-separated tables as the GDC and cBioPortal write them, read in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from medsynth.store.tables.header import TableError, damaged, header_of, is_gzip

BLOCK = 1 << 24  # bytes of a table in memory at once; far more than its longest cell


def read_batches(
    path: Path, columns: list[str], types: dict[str, pa.DataType]
) -> Iterator[pa.RecordBatch]:
    """Some columns of a tab-separated file with ``#`` lines above its header; gzip or plain.

    The file is read in blocks, so that memory does not grow with it. Every row is checked to have
    as many fields as the header. Quotes are ordinary characters.

    Raises:
        TableError: a column is missing, a row has another number of fields (with its line
            number; after the last batch), a value does not fit its type, or the file is damaged.
    """
    comments, header = header_of(path)
    if missing := [c for c in columns if c not in header]:
        raise TableError(
            f"{path}: no column {', '.join(missing)} in line {comments + 1}, where the header "
            "should be; fields are divided by tabs",
            "missing_column",
        )
    misfits: list[csv.InvalidRow] = []

    def remember(row: csv.InvalidRow) -> str:
        misfits.append(row)
        return "skip"

    try:
        with csv.open_csv(
            pa.input_stream(str(path), compression="gzip" if is_gzip(path) else None),
            # Row numbers are only known to a single thread.
            csv.ReadOptions(use_threads=False, skip_rows=comments, block_size=BLOCK),
            csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=remember),
            csv.ConvertOptions(
                include_columns=columns, column_types=types, null_values=["", "NA", "NaN"]
            ),
        ) as batches:
            yield from batches
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, error) from None
    if misfits:
        first = misfits[0]
        raise TableError(
            f"{path}: line {first.number} has {first.actual_columns} fields, the header "
            f"{first.expected_columns} ({len(misfits)} such lines); correct these lines or leave "
            "them out, or download the file again if it was cut off",
            "ragged_table",
        )


def read_columns(path: Path, columns: list[str], types: dict[str, pa.DataType]) -> pd.DataFrame:
    """All batches of :func:`read_batches` as one table."""
    schema = pa.schema([(column, types[column]) for column in columns])
    return pa.Table.from_batches(read_batches(path, columns, types), schema).to_pandas()


def find_files(paths: list[Path], patterns: list[str]) -> Iterator[Path]:
    """The files among `paths`, and for each folder among them the files below it that match.

    Raises:
        TableError: a folder holds no such file.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted({file for pattern in patterns for file in path.rglob(pattern)})
        if not found:
            raise TableError(
                f"{path}: no file named {' or '.join(patterns)} below; correct the path"
            )
        yield from found
