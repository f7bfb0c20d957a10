"""Dividing the free text of a radiology report into its sections.

MIMIC-CXR's reports were dictated: headings are spelt, joined, placed and left out as the speaker
liked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from medsynth.text.headings import SECTION_OF, names_views, says_nothing, sections_named, strength

SECTIONS = ["findings", "impression", "indication", "history", "comparison", "technique"]
WORDED = {"findings", "impression"}  # of several paragraphs and with subheadings (LUNGS:)
BEFORE = {"indication", "history", "comparison", "technique", "exam"}  # these come before them
NEXT_TO_FINDINGS = {"comparison", "technique"}
LONGEST_NAME = 80


def _alternatives(names: list[str]) -> str:
    name = "|".join(re.escape(n).replace(r"\ ", r"[ \t]+") for n in sorted(names, key=len)[::-1])
    return rf"(?:{name})(?:[ \t]*(?:/|,|&|\+|\b(?:and|AND)\b)[ \t]*(?:{name}))*"


_ANY = f"(?i:{_alternatives(list(SECTION_OF))})"
_CAPITALS = _alternatives([name.upper() for name in SECTION_OF])
_HEADING = re.compile(
    rf"^[ \t]*(?P<line>{_ANY})[ \t]*:"  # Findings: at the start of a line
    rf"|^[ \t]*(?P<bare>{_CAPITALS})[ \t]*$"  # FINDINGS on a line of its own
    # after an empty line also Findings on a line of its own, FINDINGS. and FINDINGS - and, with
    # its colon left out, FINDINGS The lungs
    rf"|^[ \t]*(?P<alone>{_ANY}(?=[ \t]*$)|{_CAPITALS}(?=[ \t]*(?:[.;]|-\s)|[ \t]+[A-Z][a-z]))"
    r"[ \t]*[.;-]?"
    r"|^[ \t]*(?P<misspelt>[A-Z]{7,})[ \t]*$"  # FINDIGNS
    rf"|(?<=\s)(?P<inside>{_CAPITALS})[ \t]*:"  # FINDINGS: in the middle of a line
    rf"|(?:(?<=[.!?]\s)|(?<=[.!?]\s\s))(?=[A-Z])(?P<sentence>{_ANY})[ \t]*:"  # normal. Findings:
    # FINDIGNS: or AP CHEST, 5:40 A.M.: at the start of a line
    rf"|^[ \t]*(?=(?P<other>[A-Za-z][^\n]{{0,{LONGEST_NAME}}}?)[ \t]*:(?![\d_]))"
    r"|^[ \t]*(?P<rule>_{10,})[ \t]*$",
    re.MULTILINE,
)
OWN_LINE = {"line", "bare", "alone"}
_FINAL = re.compile(r"^[ \t]*FINAL REPORT\b[ \t]*:?", re.MULTILINE)
_WET_READ = re.compile(
    r"^[ \t]*(?:WET ?READ(?:ING)?\b|PRELIMINARY (?:READ|REPORT)\b|Wet [Rr]ead(?:ing)?(?=[ \t]*:)"
    r"|(?:PROVISIONAL FINDINGS IMPRESSION[ \t]*)?\(?PFI\b\)?)[ \t]*:?",
    re.MULTILINE,
)
_END_OF_WET_READ = re.compile(r"^[ \t]*(?:_{10,}|FINAL REPORT\b|WET ?READ)", re.MULTILINE)
_SIGNED = re.compile(r"[\d_]:[\d_]+[ \t]*[AP]M[ \t]*$", re.IGNORECASE)
# Between paragraphs; the second and later points of a list belong to the one before.
_PHRASE = re.compile(r"[A-Z][A-Z /-]*[ \t]")  # OTHER, before FINDINGS:
_EMPTY_LINE = re.compile(r"\n[ \t]*\n(?!\s*(?:[2-9]|\d\d)[.)])")


class Heading(NamedTuple):
    """start, end: of the heading in the text. sections: empty for the name of views and for a line
    across the page. kind: the group of the pattern that found it; "views"; or "phrase" where it
    ends a longer name in capitals.
    """

    start: int
    end: int
    name: str
    kind: str
    sections: frozenset[str]

    @property
    def style(self) -> tuple[bool, bool, bool]:
        """Capitals, small letters, with a colon: what the headings of one report share."""
        first = self.name.split()[0]
        return first.isupper(), first.islower(), self.kind in ("line", "inside", "sentence")


class Block(NamedTuple):
    """What stands below a heading; `loose` are the paragraphs after the one it is a heading of."""

    sections: frozenset[str]
    words: str
    loose: str


def sections_of(text: str) -> dict[str, str]:
    """The sections of a report.

    A heading stands at the start of a line in any case with a colon and with at most one typing
    mistake, alone on its line, or in capitals with a colon anywhere. FINDINGS AND IMPRESSION fills
    both; where a heading is repeated, the last one that says something counts. Within findings and
    impression, words like "Comparison:" that are written unlike the headings of the report, or
    that it has already had, belong to the text; so does SUMMARY: beside an impression.

    Without findings, what stands under the name of the views (PORTABLE AP CHEST:) is taken for
    them, or what has no heading where they belong: after comparison or technique, or before the
    impression. Preliminary text (a wet read, an addendum) before the line FINAL REPORT is left out;
    a wet read stands for a report that says nothing else.

    Returns:
        Those of :data:`SECTIONS` that are there, verbatim pieces of the text without surrounding
        white space; "last_paragraph" where there is neither findings nor impression: what has no
        heading after the last section, the last paragraph of a report without headings, or the
        wet read.
    """
    final = _FINAL.search(text)
    body = text[final.end() :] if final and text[final.end() :].strip() else text
    blocks = list(_blocks(body))
    found: dict[str, str] = {}
    for block in blocks:
        found |= dict.fromkeys(block.sections, block.words) if block.words else {}
    unheaded = _unheaded(blocks)
    if "findings" not in found:
        if "views" in found:
            found["findings"] = found["views"]
        elif unheaded and ("impression" in found or unheaded.sections & NEXT_TO_FINDINGS):
            found["findings"] = unheaded.loose
    if not found.keys() & WORDED and (words := _stand_in(unheaded) or _wet_read(text)):
        found["last_paragraph"] = words
    return {name: words for name, words in found.items() if name in (*SECTIONS, "last_paragraph")}


def _blocks(body: str) -> Iterator[Block]:
    """The text from heading to heading; what stands before the first one has none."""
    headings = [*_headings(body), Heading(len(body), len(body), "", "", frozenset())]
    yield Block(frozenset(), "", _told(body[: headings[0].start]))
    for heading, following in pairwise(headings):
        words = body[heading.end : following.start].strip()
        if heading.sections & WORDED:
            yield Block(heading.sections, words, "")
        elif heading.kind == "views":
            yield Block(frozenset({"views"}), _told(words), "")
        else:
            first = _EMPTY_LINE.split(words)[0].rstrip()  # what follows has no heading
            yield Block(heading.sections, first, _told(words[len(first) :]))


def _headings(body: str) -> Iterator[Heading]:
    """The headings that are none of words within a section."""
    found = [heading for match in _HEADING.finditer(body) if (heading := _heading(match, body))]
    own_line = [heading for heading in found if heading.kind in OWN_LINE]
    styles = {heading.style for heading in own_line}
    styles_of_words = {heading.style for heading in own_line if heading.sections & WORDED}
    proper = {s for h in found if h.kind not in ("sentence", "phrase") for s in h.sections}
    strongest = min((strength(h.name) for h in found if "impression" in h.sections), default=0)
    current: frozenset[str] = frozenset()
    had: set[str] = set()

    def is_inner(heading: Heading) -> bool:
        within = bool(current & WORDED)
        if heading.kind == "views":
            line = body[heading.end :].partition("\n")[0]
            goes_on = bool(current & {"technique", "exam"} and line.strip()) and says_nothing(line)
            return within or "views" in current or goes_on  # TECHNIQUE: Chest: frontal
        if heading.kind in ("inside", "phrase") and heading.sections <= current:
            return True
        if heading.kind == "phrase":
            return heading.sections <= proper
        if within and heading.sections == {"impression"} and strength(heading.name) > strongest:
            return True
        comes_before = heading.sections <= BEFORE
        if heading.kind == "sentence":
            if not comes_before:
                return heading.sections <= proper
            return within or bool(styles and heading.style not in styles)
        unlike = bool(styles_of_words) and heading.style not in styles_of_words
        again = heading.kind == "inside" or heading.sections <= had
        return comes_before and within and (again or unlike)

    end = 0
    for heading in found:
        if heading.kind == "rule":
            current = frozenset()
        elif heading.start < end or is_inner(heading):
            continue
        else:
            current = heading.sections or frozenset({"views"})
            had |= current
        end = heading.end
        yield heading


def _heading(match: re.Match[str], body: str) -> Heading | None:
    """What the pattern found, if it is a heading."""
    kind = match.lastgroup
    assert kind  # every branch of the pattern has a name
    name, end = match[kind], match.end()
    before, _, line = body[: match.start()].rpartition("\n")
    if kind == "alone" and before.rpartition("\n")[2].strip():
        return None
    if kind == "inside" and _PHRASE.fullmatch(line.lstrip()):
        kind = "phrase"
    sections = frozenset() if kind == "rule" else sections_named(name)
    if kind == "misspelt":
        if not sections:
            return None
        kind = "bare"
    if kind == "other":
        if not sections and not names_views(name):
            return None
        kind, end = "line" if sections else "views", body.index(":", match.end(kind)) + 1
    return Heading(match.start(), end, name, kind, sections)


def _unheaded(blocks: list[Block]) -> Block | None:
    """The last block before findings and impression with something in it that has no heading."""
    last = None
    for block in blocks:
        if block.sections & WORDED:
            break
        if block.loose and not block.sections & {"preliminary", "afterwards"}:
            last = block
    return last


def _stand_in(unheaded: Block | None) -> str | None:
    """What stands for a report that has neither findings nor impression."""
    if unheaded and not unheaded.sections:
        return _told(unheaded.loose, only_last=True)
    return unheaded and unheaded.loose


def _wet_read(text: str) -> str | None:
    """The last wet read that says something, without its signature."""
    found = None
    for match in _WET_READ.finditer(text):
        end = _END_OF_WET_READ.search(text, match.end())
        words = text[match.end() : end.start() if end else None]
        line, _, others = words.partition("\n")
        found = _told(others if says_nothing(line) or _SIGNED.search(line) else words) or found
    return found


def _told(text: str, only_last: bool = False) -> str:
    """From the first paragraph that says something to the last, or the last alone."""
    edges = [0, *(at for match in _EMPTY_LINE.finditer(text) for at in match.span()), len(text)]
    spans = zip(edges[::2], edges[1::2], strict=True)
    telling = [span for span in spans if not says_nothing(text[slice(*span)])]
    if not telling:
        return ""
    return text[telling[-1 if only_last else 0][0] : telling[-1][1]].strip()
