"""Which columns of a table are texts that somebody wrote about the images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from medsynth.store.tables.absence import present
from medsynth.store.tables.header import squeeze

# Ends of headings, without letter case, blanks and signs; the first that a table has is taken.
NAMES = ["report", "reports", "reporttext", "findings", "impression", "caption", "captions", "text"]
NAMES += [
    "notes",
    "note",
    "description",
    "narrative",
    "conclusion",
    "comment",
    "comments",
    "befund",
]
WORDS, FILLED = 4, 0.1  # of the median text, and share of the rows, in a column that is called one
WORDS_UNNAMED, FILLED_UNNAMED = 8, 0.5  # in any other
UNSPACED = "\u0e00-\u0eff\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff"  # Thai, Lao, Khmer, Kana, Han
WORD = rf"[{UNSPACED}]{{1,2}}|[^\s{UNSPACED}]+"  # of two letters, where no blanks divide words


def text_columns(cells_of: Mapping[str, pd.Series], rows: int) -> dict[str, str]:
    """Headings of free text, the likeliest first, with how many there are and how long.

    Args:
        cells_of: the cells that are filled, by heading.
        rows: of the table.
    """
    found = {}
    for heading, cells in cells_of.items():
        named = is_named(heading)
        # Names of places, and stages in many words, recur.
        is_free = named or cells.nunique() * 4 >= len(cells)
        words = cells.str.count(WORD).median() if len(cells) else 0
        enough = len(cells) >= rows * (FILLED if named else FILLED_UNNAMED)
        if is_free and enough and words >= (WORDS if named else WORDS_UNNAMED):
            found[heading] = f"{len(cells):,} cells of {words:.0f} words in the median"
    return {h: found[h] for h in sorted(found, key=lambda h: (_rank(h), -len(cells_of[h])))}


def is_named(heading: str) -> bool:
    """Whether the heading says that it is a text."""
    return _rank(heading) < len(NAMES)


def _rank(heading: str) -> int:
    name = squeeze(heading)
    return min((k for k, end in enumerate(NAMES) if name.endswith(end)), default=len(NAMES))


def why(texts: Mapping[str, str]) -> str:
    """The reason of the choice of the first."""
    (text, cells), *others = texts.items()
    chosen = "by its heading" if is_named(text) else "a guess; if it is the text, take away the #"
    besides = (
        f"; others that could be it: {', '.join(name for name, _ in others)}" if others else ""
    )
    return f"{chosen}: {cells}{besides}. Texts are learned by the families captioner and text_ddpm"


def without_images(tables: Iterable[tuple[Path, pd.DataFrame]]) -> str:
    """What is missing where tables hold texts and nothing else is recognised; "" if none does."""
    told = []
    for path, table in tables:
        filled = {h: present(table[h].replace("", None)).dropna() for h in table.columns}
        if texts := text_columns(filled, len(table)):
            told.append(f"{path.name} (column {next(iter(texts))})")
    if not told:
        return ""
    return (
        f" Texts are in {', '.join(told)}, but no images: give their folder, too, and a table of"
        " which a column names the files."
    )
