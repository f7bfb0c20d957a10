"""Headings of reports that are not in English: put into it as the settings say, or told of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from medsynth.store.privacy.fewest import FEWEST
from medsynth.text.heading_words import is_known_heading
from medsynth.text.headings import names_views, says_nothing, sections_named

COLUMNS = ["patient", "text", "findings", "impression"]  # of a table of reports
MOST = 12  # headings that are told
_START = r"(?:^|(?<=[.;。；]))[ \t*#]*"  # **Befund:**, ## Befund
_COLON = r"[ \t*]*[:：][*]*"  # noqa: RUF001
_IN_BRACKETS = r"(?:[ \t]*\([^()\n]{1,38}\))?"  # Befund (Thorax):
_AND = r"(?:[ \t]*[/,&+][ \t]*|[ \t]+(?:and|und|et|y|e|en|och|og|i)[ \t]+)"
_LIKE = re.compile(  # not after a full stop, which may be that of Dr.
    rf"(?:^|(?<=[。；]))[ \t*#]*(?P<before_colon>[^\W\d_][^\n:：.,;。，；*]{{1,38}}){_COLON}"  # noqa: RUF001
    r"|^[ \t*#]*(?P<alone>[^\W\d_a-z][^\W\d_]+(?:[ \t][^\W\d_]+){0,2})[ \t*]*$",
    re.MULTILINE,
)


class Unread(NamedTuple):
    """Headings that open no section.

    Attributes:
        named: in how many reports each stands, in capitals, the most frequent first.
        others: how many further lines look like one and are not shown, as they may be names.
    """

    named: dict[str, int]
    others: int


def in_english(text: str, headings: Mapping[Any, Sequence[str]]) -> str:
    """The report with its own headings replaced by those that sections are found by.

    Args:
        headings: by section, as {"findings": ["BEFUND"]}; they stand, in any case, before a colon
            at the start of a line or sentence, or alone on a line, bold, with more in brackets, or
            joined: "Befund und Beurteilung:" fills both sections.
    """
    names = [
        (section, r"\s+".join(map(re.escape, name.split())))
        for section, own in headings.items()
        for name in own
    ]
    if not names:
        return text
    any_name = "|".join(sorted((name for _, name in names), key=len, reverse=True))
    joined = rf"(?:{any_name})(?:{_AND}(?:{any_name}))*"
    form = re.compile(
        rf"{_START}(?P<line>{joined}){_IN_BRACKETS}{_COLON}|^[ \t*#]*(?P<alone>{joined})[ \t*]*$",
        re.IGNORECASE | re.MULTILINE,
    )

    def replaced(found: re.Match[str]) -> str:
        parts = re.findall(any_name, found["line"] or found["alone"], re.IGNORECASE)
        opened = [
            next(section for section, name in names if re.fullmatch(name, part, re.IGNORECASE))
            for part in parts
        ]
        return f"\n{' AND '.join(dict.fromkeys(opened)).upper()}:"

    return form.sub(replaced, text)


def unread_headings(
    reports: Iterable[Sequence[str]], headings: Mapping[Any, Sequence[str]]
) -> Unread:
    """In how many reports a heading opens no section, so that what stands below it may be lost.

    A line that looks like a heading may be a name, of whoever signs all reports. So only those are
    named that are made of the words of headings, whether or not they were read with the section
    before; others are counted, where no section has them.

    Args:
        reports: :data:`COLUMNS` of each, "" where there is none.
        headings: with which they were divided.

    Returns:
        Only what FEWEST patients have.
    """
    counts: dict[str, int] = {}
    patients: dict[str, set[str]] = {}
    for patient, text, *read in reports:
        for heading in set(_unread(in_english(text, headings), read)):
            counts[heading] = counts.get(heading, 0) + 1
            patients.setdefault(heading, set()).add(patient)
    usual = [name for name in counts if len(patients[name]) >= FEWEST]
    named = sorted(filter(is_known_heading, usual), key=lambda name: -counts[name])
    return Unread({name: counts[name] for name in named[:MOST]}, len(usual) - len(named))


def _unread(text: str, read: Sequence[str]) -> Iterator[str]:
    for match in _LIKE.finditer(text):
        name = re.sub(r"\([^()]*\)?", "", match["before_colon"] or match["alone"])
        name = " ".join(name.upper().split())
        if sections_named(name) or names_views(name) or says_nothing(name):
            continue
        if is_known_heading(name) or not any(match[0].strip() in section for section in read):
            yield name
