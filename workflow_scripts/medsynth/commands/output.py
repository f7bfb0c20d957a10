"""What commands print: lines, and tables, which only a terminal gets with colours and wrapped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TextIO

GAP = "  "


@dataclass(frozen=True)
class Table:
    """A row holds one text for each of the columns."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def write(parts: Iterable[str | Table], stream: TextIO) -> None:
    """Print one after the other; a reader that has enough, as `head`, ends it quietly."""
    try:
        for part in parts:
            if isinstance(part, str):
                print(part, file=stream)
            elif stream.isatty():
                _draw(part, stream)
            else:
                stream.writelines(f"{line}\n" for line in _aligned(part))
        stream.flush()
    except BrokenPipeError:  # Python would complain when it ends, too
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def looked_at() -> bool:
    """Whether all that is printed goes to a terminal."""
    return sys.stdout.isatty() and sys.stderr.isatty()


def _aligned(table: Table) -> Iterable[str]:
    rows = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield GAP.join(t.ljust(w) for t, w in zip(row, widths, strict=True)).rstrip()


def _draw(table: Table, stream: TextIO) -> None:
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(box=None, pad_edge=False, header_style="bold")
    for name in table.columns:
        drawn.add_column(name, overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))  # not read as markup, which a path may look like
    Console(file=stream).print(drawn)
