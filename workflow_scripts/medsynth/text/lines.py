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
_PARAGRAPH = re.compile(r"\n[ \t]*\n")


def with_stops(text: str) -> str:
    """The text with a full stop after each line that ends a sentence without one."""
    lines = text.splitlines()
    width = max(NARROWEST, *map(len, lines)) if lines else 0
    cased = any(line[:1].isupper() for line in map(str.lstrip, lines))
    paragraphs = _PARAGRAPH.split("\n".join(lines))
    return "\n\n".join(_stopped(each.split("\n"), width, cased) for each in paragraphs)


def _stopped(lines: list[str], width: int, cased: bool) -> str:
    """A paragraph; one with as many lines that had room as others is a list.

    Nobody wraps so narrowly that among short lines, one of which begins with "no", small letters
    would go on.
    """
    pairs = [(line.rstrip(), following.split()) for line, following in pairwise(lines)]
    needed = [len(line) + 1 + len(next(iter(words), "")) for line, words in pairs]
    is_list = sum(each <= width for each in needed) * 2 >= len(needed)
    is_short = len(needed) > 1 and max(needed) <= NARROWEST
    cased = cased and not (
        is_short and any(words[:1] in (["no"], ["No"], ["NO"]) for _, words in pairs)
    )
    stopped = [
        f"{line}."
        if (is_list or each <= width or _asks(words)) and _may_end(line, words, cased)
        else line
        for (line, words), each in zip(pairs, needed, strict=True)
    ]
    return "\n".join([*stopped, lines[-1]])


def _asks(words: list[str]) -> bool:
    """Whether a line begins with "Effusion:" or "Pleural effusion:"."""
    return any(word.endswith(":") for word in words[:2])


def _may_end(line: str, following: list[str], cased: bool) -> bool:
    if not line.strip() or not following or line.endswith(_STOPPED):
        return False
    first = following[0]
    return not ((cased and first[0].islower()) or _GOES_ON.search(line) or _CONTINUES.match(first))
