"""Where a line of a report ends a sentence that has no full stop.

Reports are wrapped, or have one finding a line. A line that had room for the first word of the next
one was ended on purpose.
"""

from __future__ import annotations

import re
from itertools import pairwise

NARROWEST = 35  # characters; nobody wraps a report to fewer
_GOES_ON = re.compile(
    r"(?<![:=?] )(?:[,/&–—-]|\b(?:and|or|nor|no|not|of|the|an?|with|without|for|in|to|is|are"  # noqa: RUF001
    r"|was|were|by|at|on|from|but|than|has|have|been|may|be))$",
    re.IGNORECASE,
)
_CONTINUES = re.compile(
    r"(?:and|or|nor|but|with|without|is|are|was|were|has|have|of|in|at|on|to|due|than|may|be|not)\b"
    r"|[,;.)&]",
    re.IGNORECASE,
)
_STOPPED = (".", "!", "?", ":", ";")


def with_stops(text: str) -> str:
    """The text with a full stop after each line that ends a sentence without one."""
    lines = text.splitlines()
    width = max(NARROWEST, *map(len, lines)) if lines else 0
    cased = any(line[:1].isupper() for line in map(str.lstrip, lines))
    stopped = [
        f"{line}." if _ends_sentence(line.rstrip(), following.split(), width, cased) else line
        for line, following in pairwise([*lines, ""])
    ]
    return "\n".join(stopped)


def _ends_sentence(line: str, following: list[str], width: int, cased: bool) -> bool:
    if not line.strip() or not following or line.endswith(_STOPPED):
        return False
    first = following[0]
    if len(line) + 1 + len(first) > width or (cased and first[0].islower()):
        return False
    return not (_GOES_ON.search(line) or _CONTINUES.match(first))
