"""Small tables of text, as programs and people save them: tabs, commas or semicolons."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from medsynth.store.tables.tsv import TableError, first_line, is_gzip, unquoted

DELIMITERS = "\t,;"


def read_table(path: Path) -> pd.DataFrame:
    """All cells as text, as they are written but for quotes and the space around; "" if empty.

    The header, which ``#`` lines may precede, tells what divides the fields. Between tabs quotes
    are ordinary characters but around a whole cell. Rows shorter than the header end in empty
    cells.

    Raises:
        TableError: the file is absent, damaged, not in UTF-8, or rows have more fields than the
            header.
    """
    if not path.exists():
        raise TableError(f"{path} does not exist; correct its path or download it")
    comments, line = first_line(path)
    delimiter = max(DELIMITERS, key=lambda each: len(_fields(line, each)))
    header = _fields(line, delimiter)
    tabs = delimiter == "\t"
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
    except (UnicodeDecodeError, ParserError, EmptyDataError) as error:
        # Not chained: the parser's message may quote a row.
        raise TableError(
            f"{path}: cannot be read as a table in UTF-8 ({type(error).__name__}); save it as CSV"
            " or TSV with as many fields in every row as in its header"
        ) from None
    rows = rf"\n(?:[^{delimiter}\n]*{delimiter}){{{len(header) - 1},}}"
    if len(header) > 1 and any(table[name].str.contains(rows).any() for name in table):
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


def _fields(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])
