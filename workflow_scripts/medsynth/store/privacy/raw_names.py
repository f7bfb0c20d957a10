"""Keeping the names of raw files out of what is written down or shown: they name patients.

The configured paths are the user's own words and may be shown; what lies below one of them was
found there. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

HIDDEN = "***"
# Jobs find the paths here, in whatever process they run: {path: whether all below is shown}.
VARIABLE = "MEDSYNTH_RAW_PATHS"
LONGEST = 1 << 16  # characters; the system takes 2**17 a variable
# What a path is not followed by, if it ends here.
END = r"(?=[/\s\"'`,;:)\]}>|\\]|\.(?:\s|$)|$)"


def declare(raw: Iterable[Path], shown: Iterable[Path]) -> None:
    """Tell this process and those that it starts what to hide.

    Args:
        raw: configured files and folders; names below them are hidden.
        shown: folders below which all is shown, also inside of a raw one, unless a raw one lies in
            them in turn.
    """
    paths = {spelled: True for path in shown for spelled in _spellings(path)}
    paths |= {spelled: False for path in raw for spelled in _spellings(path)}
    if len(json.dumps(paths)) > LONGEST:  # of many files listed one by one
        paths = {path: below for path, below in paths.items() if not os.path.isfile(path)}
    os.environ[VARIABLE] = json.dumps(paths)


def _spellings(path: Path) -> set[str]:
    return {str(path), os.path.abspath(path), os.path.realpath(path)} - {"", ".", "/"}


def without_raw_names(text: str) -> str:
    """`text` with :data:`HIDDEN` for what follows a raw path.

    A path in quotes goes to the closing quote; of others nobody knows where they end, for names
    hold blanks and commas: the rest of the line is hidden.
    """
    written = os.environ.get(VARIABLE)
    if not written:
        return text
    shown_below, pattern = _known(written)
    kept, at = [], 0
    for found in pattern.finditer(text):
        below = found.end()
        if found.start() < at or text[below : below + 1] != "/" or shown_below[found[0]]:
            continue
        kept += [text[at : below + 1], HIDDEN]
        at = _end_of_path(text, below, text[found.start() - 1 : found.start()])
    return "".join([*kept, text[at:]])


@lru_cache(maxsize=1)
def _known(written: str) -> tuple[dict[str, bool], re.Pattern[str]]:
    paths = json.loads(written)
    longest_first = sorted(paths, key=len, reverse=True)
    absolute, relative = (
        "|".join(re.escape(path) for path in longest_first if path.startswith("/") == slash)
        for slash in (True, False)
    )
    # A relative one may be the end of another path.
    pattern = rf"(?<![\w.~-])(?:{absolute or '(?!)'}){END}"
    pattern += rf"|(?<![\w.~/-])(?:{relative or '(?!)'}){END}"
    return paths, re.compile(pattern, re.MULTILINE)


def _end_of_path(text: str, at: int, quote: str) -> int:
    line = text.find("\n", at)
    line = len(text) if line < 0 else line
    if quote and quote in "'\"`":
        closed = re.compile(rf"(?:\\.|[^\\{quote}\n])*(?={quote})").match(text, at)
        return closed.end() if closed else line
    return line
