"""Headings of reports that are not in English: put into it as the settings say, or told of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from medsynth.store.privacy.fewest import FEWEST
from medsynth.text.cleaning import MARK, without_identifiers
from medsynth.text.headings import names_views, says_nothing, sections_named

COLUMNS = ["patient", "text", "findings", "impression"]  # of a table of reports
MOST = 12  # headings that are told
_START = r"(?:^|(?<=[.;。；]))[ \t]*"
_COLON = r"[ \t]*[:：]"  # noqa: RUF001
_LIKE = re.compile(  # not after a full stop, which may be that of Dr.
    rf"(?:^|(?<=[。；]))[ \t]*(?P<before_colon>[^\W\d_][^\n:：.,;。，；]{{1,38}}){_COLON}"  # noqa: RUF001
    r"|^[ \t]*(?P<alone>[^\W\d_a-z][^\W\d_]+(?:[ \t][^\W\d_]+){0,2})[ \t]*$",
    re.MULTILINE,
)


def in_english(text: str, headings: Mapping[Any, Sequence[str]]) -> str:
    """The report with its own headings replaced by those that sections are found by.

    Args:
        headings: by section, as {"findings": ["BEFUND"]}; they stand, in any case, before a colon
            at the start of a line or sentence, or alone on a line.
    """
    for section, names in headings.items():
        name = "|".join(r"\s+".join(map(re.escape, each.split())) for each in names)
        form = rf"{_START}(?:{name}){_COLON}|^[ \t]*(?:{name})[ \t]*$"
        text = re.sub(form, f"\n{section.upper()}:", text, flags=re.IGNORECASE | re.MULTILINE)
    return text


def unread_headings(
    reports: Iterable[Sequence[str]], headings: Mapping[Any, Sequence[str]]
) -> dict[str, int]:
    """In how many reports a heading opens no section, so that what stands below it may be lost.

    Args:
        reports: :data:`COLUMNS` of each, "" where there is none.
        headings: with which they were divided.

    Returns:
        By heading in capitals, the most frequent first; none with the form of a name, and only
        those that FEWEST patients have, for others might be names, too.
    """
    counts: Counter[str] = Counter()
    patients: dict[str, set[str]] = {}
    for patient, text, *read in reports:
        for heading in _unread(in_english(text, headings), read):
            counts[heading] += 1
            patients.setdefault(heading, set()).add(patient)
    usual = {name: n for name, n in counts.most_common() if len(patients[name]) >= FEWEST}
    return dict(list(usual.items())[:MOST])


def _unread(text: str, read: Sequence[str]) -> set[str]:
    lines = ((match["before_colon"] or match["alone"], match[0]) for match in _LIKE.finditer(text))
    return {
        " ".join(name.upper().split())
        for name, line in lines
        if not _is_none(name) and not any(line.strip() in section for section in read)
    }


@lru_cache(10_000)  # those of a hospital are few
def _is_none(name: str) -> bool:
    """Whether it opens a section, says nothing, or names somebody."""
    known = sections_named(name) or names_views(name) or says_nothing(name)
    return bool(known) or MARK in without_identifiers(f"{name}:")
