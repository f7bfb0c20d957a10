"""Small tables of text, as programs and people save them: tabs, commas, semicolons, bars."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from medsynth.store.tables.header import (
    TableError,
    damaged,
    delimiter_of,
    fields_of,
    first_line,
    is_gzip,
    unquoted,
)

WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx, .ods; .xls


def read_table(path: Path) -> pd.DataFrame:
    """All cells as text, as they are written but for quotes and the space around; "" if empty.

    The header, which ``#`` lines may precede, tells what divides the fields. Between tabs quotes
    are ordinary characters but around a whole cell, unless only cells that hold lines give every
    row as many fields as the header. Rows shorter than the header end in empty
    cells.

    Raises:
        TableError: the file is absent, damaged, a workbook, not in UTF-8, a quotation mark is not
            closed, or rows have more fields than the header.
    """
    if not path.exists():
        raise TableError(f"{path} does not exist; correct its path or download it")
    try:
        with path.open("rb") as stream:
            begin = stream.read(4)
    except OSError as error:
        raise damaged(path, error) from None
    if begin in WORKBOOKS:
        raise TableError(f"{path} is a workbook of a spreadsheet; save the sheet as CSV in UTF-8")
    comments, line = first_line(path)
    if re.fullmatch(r"sep=.", line, re.IGNORECASE):
        raise TableError(f"{path} begins with {line!r}, a line for Excel; delete it")
    delimiter = delimiter_of(line)
    header = fields_of(line, delimiter)
    tabs = delimiter == "\t" and not _holds_lines(path, comments, len(header))
    try:
        table = pd.read_csv(
            path,
            sep=delimiter,
            quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
            skiprows=comments,
            dtype=str,
            keep_default_na=False,
            encoding="utf-8-sig",
            compression="gzip" if is_gzip(path) else None,
        )
    except (EOFError, OSError, zlib.error) as error:
        raise TableError(
            f"{path}: cannot be read ({type(error).__name__}); download or export it again"
        ) from None
    except UnicodeDecodeError as error:
        raise damaged(path, error) from None
    except (ParserError, EmptyDataError) as error:
        # Not chained: the parser's message may quote a row.
        raise TableError(
            f"{path}: cannot be read as a table in UTF-8 ({type(error).__name__}); save it as CSV"
            " or TSV with as many fields in every row as in its header"
        ) from None
    rows = rf"\n(?:[^{delimiter}\n]*{delimiter}){{{len(header) - 1},}}"
    cells = pd.concat(
        [table[name][table[name].str.contains("\n", regex=False, na=False)] for name in table]
    )
    # Python's own: pandas' expressions repeat nothing a thousand times, as wide tables need.
    long = cells[[re.search(rows, cell) is not None for cell in cells]]
    if len(long) and (
        _is_torn(path, comments, delimiter, len(header), rows)
        or _holds_rows(long, table.iloc[:, 0], delimiter, len(header))
    ):
        raise TableError(
            f"{path}: a cell holds whole rows, so a quotation mark is not closed; correct it",
            "ragged_table",
        )
    if not isinstance(table.index, pd.RangeIndex):
        # Pandas takes the first fields of longer rows for their names, and shifts all the others.
        names = [*table.columns, *range(table.index.nlevels)]
        table = table.reset_index().set_axis(names, axis="columns")
        more = table[names[len(header) :]].fillna("")
        if not more.apply(lambda column: column.str.strip() == "").all(axis=None):
            raise TableError(
                f"{path}: its rows have more fields than its header; give it one for each",
                "ragged_table",
            )
        table = table[names[: len(header)]]
    table.columns = [unquoted(name) if tabs else name.strip() for name in table.columns]
    return table.fillna("").apply(lambda cells: cells.map(unquoted) if tabs else cells.str.strip())


def _is_torn(path: Path, comments: int, delimiter: str, fields: int, lines: str) -> bool:
    """Whether a quotation mark is not closed: where the next one stands within a cell, or where the
    rest of a row is missing that has a cell of several lines."""
    rows = _rows(path, comments, delimiter, csv.QUOTE_MINIMAL)
    try:
        return any(len(row) < fields and any(re.search(lines, c) for c in row) for row in rows)
    except csv.Error:
        return True


def _holds_rows(cells: pd.Series, first: pd.Series, delimiter: str, fields: int) -> bool:
    """Whether lines within cells begin as rows do, as 'TCGA-AA-0002' begins as 'TCGA-AA-0001' does:
    then two quotation marks that are not closed look like one cell."""
    forms = {form_of(name) for name in first.dropna()}
    inner = [line.split(delimiter) for cell in cells for line in cell.split("\n")[1:]]
    return any(len(line) >= fields and form_of(line[0]) in forms for line in inner)


def form_of(name: str) -> str:
    """What kind of characters stand where: letters as a, digits as 0."""
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", name.strip()))


def _holds_lines(path: Path, comments: int, fields: int) -> bool:
    """Whether a table of tabs is even only if quotes hold lines together, as pandas writes them."""
    plain, quoted = (_rows(path, comments, "\t", q) for q in (csv.QUOTE_NONE, csv.QUOTE_MINIMAL))
    try:
        return {len(row) for row in plain} != {fields} and {len(row) for row in quoted} == {fields}
    except (csv.Error, EOFError, OSError, zlib.error):  # pandas tells
        return False


def _rows(path: Path, comments: int, delimiter: str, quoting: Literal[0, 3]) -> Iterator[list[str]]:
    """The rows that are not empty, header too; csv.Error where quotes end in a cell or never."""
    opener = gzip.open if is_gzip(path) else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
        lines = islice(stream, comments, None)
        rows = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)
        yield from filter(None, rows)
