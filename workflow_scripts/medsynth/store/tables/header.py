"""The first line of a table, told without reading the rest: which columns it has, and has not."""

from __future__ import annotations

import csv
import difflib
import gzip
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

from medsynth.store.quarantine import CohortError

DELIMITERS = "\t,;|"
NEAR = 0.85  # of a misspelt heading; `image_7.png` and `image` have less in common


class TableError(CohortError):
    """A table cannot be read; the message names the file, what is wrong and what to do.

    Attributes:
        reason: a key of :data:`medsynth.store.quarantine.REASONS`.
    """

    def __init__(self, message: str, reason: str = "damaged_table") -> None:
        super().__init__(message)
        self.reason = reason


class NotUtf8(TableError):
    """A table is no text in UTF-8."""


def squeeze(text: str) -> str:
    """A heading or word without letter case, blanks and signs."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def unquoted(cell: str | None) -> str:
    """A cell without the space and the quotes around it, as R writes them around all text."""
    cell = (cell or "").strip()
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        cell = cell[1:-1].strip().replace('""', '"')
    return cell


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed, whatever its name: browsers unpack and keep the ending."""
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def header_of(path: Path) -> tuple[int, list[str]]:
    """The number of ``#`` lines at the top, and the fields of the first other line (tabs).

    Raises:
        TableError: the file is empty or not text, or its gzip stream is damaged.
    """
    comments, line = first_line(path)
    return comments, line.split("\t")


def first_line(path: Path) -> tuple[int, str]:
    """The number of ``#`` lines at the top, and the first other line.

    Raises:
        TableError: see :func:`header_of`.
    """
    comments = 0
    try:
        opener = gzip.open if is_gzip(path) else open
        with opener(path, "rt", encoding="utf-8-sig") as stream:
            for line in stream:
                if not line.startswith("#"):
                    return comments, line.rstrip("\r\n")
                comments += 1
    except (EOFError, OSError, UnicodeDecodeError, zlib.error) as error:
        raise damaged(path, error) from None
    raise TableError(f"{path}: no header line, nothing to read; is this the right file?")


def fields_of(line: str, delimiter: str) -> list[str]:
    """The fields of one line."""
    return next(csv.reader([line], delimiter=delimiter), [])


def delimiter_of(line: str) -> str:
    """What divides the fields of a header: that which gives it the most."""
    return max(DELIMITERS, key=lambda each: len(fields_of(line, each)))


def headings_of(path: Path) -> list[str]:
    """The fields of the header of a table, whatever divides them, as :mod:`.delimited` reads them.

    Raises:
        TableError: see :func:`header_of`.
    """
    _, line = first_line(path)
    delimiter = delimiter_of(line)
    plain = unquoted if delimiter == "\t" else str.strip
    return [plain(field) for field in fields_of(line, delimiter)]


def repeated_column(wanted: Iterable[str], header: list[str]) -> str:
    """What is wrong with a header that has one of these columns twice; empty if it has none."""
    twice = next((heading for heading in wanted if header.count(heading) > 1), None)
    return f"column {twice!r} stands twice; rename one" if twice else ""


def missing_columns(missing: list[str], header: list[str]) -> str:
    """What is wrong with a table's first line, of which nothing is quoted that may be a row.

    Words are named that are nearly those expected, and have no number besides.
    """

    def plain(word: str) -> str:
        return re.sub(r"[^\w]|_", "", word.lower())

    near = []
    for expected in missing:
        numbers = set(re.findall(r"\d+", expected))
        words = {plain(n): n for n in header if not set(re.findall(r"\d+", n)) - numbers}
        close = difflib.get_close_matches(plain(expected), words, n=1, cutoff=NEAR)
        near += [words[word] for word in close]
    message = f"no column {', '.join(missing)} among the {len(header)} of its first line"
    hint = f"did you mean {', '.join(near)}?" if near else "add the header if it lacks"
    return f"{message}, which should be its header; {hint}"


def damaged(path: Path, error: Exception) -> TableError:
    """The error of a file that cannot be read, without the message of what failed."""
    # Messages of parsers quote the row, and with it patients; only their kind is passed on.
    kind, remedy = TableError, "download the file again"
    if isinstance(error, IsADirectoryError):
        remedy = "it is a folder; name the file in it"
    elif isinstance(error, PermissionError):
        remedy = "ask for the right to read it"
    elif isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
        kind, remedy = NotUtf8, "save it as text in UTF-8"
    return kind(f"{path}: cannot be read ({type(error).__name__}); {remedy}")
