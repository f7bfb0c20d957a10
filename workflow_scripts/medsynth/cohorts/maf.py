"""Somatic mutations from MAF files of the GDC and of the MC3 project.

Format: https://docs.gdc.cancer.gov/Data/File_Formats/MAF_Format/
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import csv

from medsynth.cohorts.unusable import CohortError

COLUMNS = ["Hugo_Symbol", "Variant_Classification", "HGVSp_Short", "Tumor_Sample_Barcode"]


class TableError(CohortError):
    """A table cannot be read; the message names the file, what is wrong and what to do."""


def header_of(path: Path) -> tuple[int, list[str]]:
    """The number of ``#`` lines at the top, and the fields of the first other line (tabs).

    Raises:
        TableError: the file is not text, or its gzip stream is damaged.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    comments = 0
    try:
        with opener(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                if not line.startswith("#"):
                    return comments, line.rstrip("\r\n").split("\t")
                comments += 1
    except (EOFError, OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from error
    return comments, []


def read_columns(path: Path, columns: list[str], types: dict[str, pa.DataType]) -> pd.DataFrame:
    """Some columns of a tab-separated file with ``#`` lines above its header; gzip or plain.

    Every row is checked to have as many fields as the header. Quotes are ordinary characters.

    Raises:
        TableError: a column is missing, a row has another number of fields (with its line
            number), a value does not fit its type, or the file is damaged.
    """
    comments, header = header_of(path)
    if missing := [c for c in columns if c not in header]:
        raise TableError(
            f"{path}: no column {', '.join(missing)} in line {comments + 1}, where the header "
            "should be; give the file as it was downloaded, with its header line"
        )
    misfits: list[csv.InvalidRow] = []

    def remember(row: csv.InvalidRow) -> str:
        misfits.append(row)
        return "skip"

    try:
        table = csv.read_csv(
            path,
            # Row numbers are only known to a single thread; blocks hold rows of any length.
            csv.ReadOptions(use_threads=False, skip_rows=comments, block_size=1 << 24),
            csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=remember),
            csv.ConvertOptions(include_columns=columns, column_types=types, null_values=[""]),
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from error
    if misfits:
        first = misfits[0]
        raise TableError(
            f"{path}: line {first.number} has {first.actual_columns} fields, the header "
            f"{first.expected_columns} ({len(misfits)} such lines); download the file again or "
            "correct these lines"
        )
    return table.to_pandas()


def read_maf(path: str | Path) -> pd.DataFrame:
    """The mutations of one MAF file (.maf, .tsv, or either gzipped): :data:`COLUMNS` as text.

    Only these columns are converted; other cells may be of any length.

    Raises:
        TableError: see :func:`read_columns`.
    """
    return read_columns(Path(path), COLUMNS, dict.fromkeys(COLUMNS, pa.string()))


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


def _damaged(path: Path, error: Exception) -> TableError:
    # Messages of parsers quote the row, and with it patients; only their kind is passed on.
    return TableError(f"{path}: cannot be read ({type(error).__name__}); download the file again")
