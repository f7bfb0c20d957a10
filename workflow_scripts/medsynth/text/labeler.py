"""Which findings a radiology report states, denies or doubts, by rules.

After the labeler of CheXpert (Irvin et al. 2019, AAAI 33:590): mentions are found, each is classed
by the words around it in its sentence, and the mentions of a report are summed up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from medsynth.text import phrases
from medsynth.text.answers import PART, WHERE, as_sentences
from medsynth.text.lines import with_stops

# As the tables of CheXpert and MIMIC-CXR write them; what is not mentioned has no entry.
STATED, DENIED, DOUBTED = 1.0, 0.0, -1.0
NO_FINDING, DEVICES = "No Finding", "Support Devices"
FINDINGS = (NO_FINDING, *phrases.MENTIONS)
REACH = 500  # characters before and after a mention that are looked at


def _any(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in patterns))


_NAMED = {name: _any(patterns) for name, patterns in phrases.MENTIONS.items()}
_NORMAL = {name: _any(patterns) for name, patterns in phrases.ABSENT.items()}
_HEALTHY = re.compile(phrases.HEALTHY)
_CONTRACTED = re.compile(r"n['’]t\b|(?<=\bcan)not\b")  # noqa: RUF001
_WITH = re.compile(r"\bw/(?:(o)\b|(?=\s))")
_POSSIBLE = re.compile(phrases.POSSIBLE)
_PSEUDO = re.compile(phrases.PSEUDO)
_ENDS, _ENDS_BEFORE = map(re.compile, (phrases.ENDS, phrases.ENDS_BEFORE))
_NOT_EXCLUDED = re.compile(phrases.NOT_EXCLUDED)
_ASKED = re.compile(phrases.ASKED)
_CHANGE_DENIED, _CHANGE_DOUBTED = map(re.compile, (phrases.CHANGE_DENIED, phrases.CHANGE_DOUBTED))
_CHANGED = re.compile(phrases.CHANGED_AFTER)
_OWN_BEFORE, _OWN_STATE, _OWN_CHANGE = map(
    re.compile, (phrases.OWN_BEFORE, phrases.OWN_STATE, phrases.OWN_CHANGE)
)
_NEW = re.compile(r"^ ?new\b")
_TOLD, _CLAUSE, _SAYS, _NO_ITEM = map(
    re.compile, (phrases.TOLD, phrases.CLAUSE, phrases.SAYS, phrases.NO_ITEM)
)
_NEXT_CLAUSE = re.compile(phrases.NEXT_CLAUSE)
_LIST = re.compile(phrases.LIST_AFTER)
_ONLY_ADJECTIVES = re.compile(phrases.ONLY_ADJECTIVES)
_JOINED = re.compile(r"\b(?:and|or|nor)\b")
_DENIED = re.compile(phrases.DENIED_BEFORE), re.compile(phrases.DENIED_AFTER)
_DOUBTED = re.compile(phrases.DOUBTED_BEFORE), re.compile(phrases.DOUBTED_AFTER)
# At full stops that end a sentence, not those of 3.4 cm and Dr. X; at list numbers and empty lines.
_SENTENCES = re.compile(r"(?<!\bdr)(?<!\bvs)[.!;:](?=\s|$)|[.;](?=[a-z]{3})|\n\s*\n|\b\d\)\s")


class Mention(NamedTuple):
    """A finding in a sentence; `status` is STATED, DENIED or DOUBTED."""

    finding: str
    status: float


def label_report(text: str) -> dict[str, float]:
    """The findings that a report mentions, each STATED, DENIED or DOUBTED.

    A finding that is stated anywhere is stated, else doubted if it is anywhere. "No Finding" is
    STATED where none but Support Devices is stated or doubted, and has no entry otherwise; of a
    text that neither denies a finding nor calls anything normal, which CheXpert's labeler takes for
    one without findings, nothing is known.

    Args:
        text: findings and impression; not the indication, which asks and does not tell.
    """
    found: dict[str, float] = {}
    for finding, status in mentions(text):
        ranked = (found.get(finding, DENIED), status)
        found[finding] = STATED if STATED in ranked else DOUBTED if DOUBTED in ranked else DENIED
    others = [status for name, status in found.items() if name != DEVICES]
    if all(status == DENIED for status in others) and (others or _HEALTHY.search(text.lower())):
        found[NO_FINDING] = STATED
    return found


def keywords_of(text: str) -> dict[str, float]:
    """The same by words alone, whatever is said of them: what a labeler has to beat."""
    sentences = list(_sentences(text))
    named = {n for n, pattern in _NAMED.items() if any(pattern.search(s) for s in sentences)}
    return dict.fromkeys(named or {NO_FINDING}, STATED)


def mentions(text: str) -> Iterator[Mention]:
    """Every mention of a finding, sentence by sentence."""
    asked = ""
    for sentence in _sentences(text):
        if asked and (part := PART.fullmatch(sentence)):
            sentence = f"{asked} {part[1]}"
        for finding, pattern in _NORMAL.items():
            if pattern.search(sentence):
                yield Mention(finding, DENIED)
        named = [(each, found) for each in _NAMED for found in _NAMED[each].finditer(sentence)]
        for finding, found in named:
            if (status := _said(sentence, found)) is not None:
                yield Mention(finding, status)
        if named:
            asked = max((found for _, found in named), key=lambda found: found.end())[0]
        elif not WHERE.fullmatch(sentence):
            asked = ""


def _said(sentence: str, found: re.Match[str]) -> float | None:
    """The status of a finding named in a sentence; None if nothing is said of it."""
    start, end = found.span()
    before = sentence[max(0, start - REACH) : start]
    is_item = not _NO_ITEM.search(before + found[0])
    before = _ENDS_BEFORE.split(before)[-1]
    after = _clause(_ENDS.split(sentence[end : end + REACH])[0])
    if is_item:
        after = _LIST.sub("", after)
    own = _own(before, found[0], after)
    if _NOT_EXCLUDED.search(own):
        return DOUBTED
    if _ASKED.search(own):
        return None
    changed = _unchanged(before, after)
    return _status(own, found[0], after) if changed is None else changed


def _sentences(text: str) -> Iterator[str]:
    for sentence in _SENTENCES.split(as_sentences(with_stops(text).lower())):
        if sentence and sentence.strip():
            told = _CONTRACTED.sub(" not", " ".join(sentence.split()))
            told = _WITH.sub(lambda found: "without" if found[1] else "with", told)
            yield _PSEUDO.sub(" ", _POSSIBLE.sub("possible", told))


def _clause(after: str) -> str:
    """What follows a mention, up to an "and" that begins another clause."""
    for found in re.finditer(" and ", after):
        first, second = after[: found.start()], after[found.end() :]
        if _OWN_STATE.search(first) and _NEXT_CLAUSE.search(second):
            return first
    return after


def _own(before: str, named: str, after: str) -> str:
    """What of the words before a mention is said of it.

    After a comma only these, if they or what follows say something of the mention itself, unless it
    belongs to a list: "no pneumothorax, effusion or edema is seen". After "and", if it has changed
    or begins a clause.
    """
    told = named + _JOINED.split(re.split("[,;]", after, maxsplit=1)[0], maxsplit=1)[0]
    changed = _OWN_CHANGE.search(told)
    listed, comma, words = before.rpartition(",")
    if comma and not _JOINED.search(words) and not _ONLY_ADJECTIVES.search(listed):
        *_, since = _DENIED[0].split(listed)
        is_open = "," in since and not _JOINED.search(since)
        is_told = _OWN_STATE.search(told) and not is_open
        is_new = _NEW.search(words) and not _JOINED.search(after)
        if _OWN_BEFORE.search(words) or is_told or is_new or changed:
            return words
    first, joined, second = before.rpartition(" and ")
    *_, since = _DENIED[0].split(first)
    is_clause = (_CLAUSE.search(second) or _TOLD.search(since)) and _SAYS.search(second + told)
    if joined and (is_clause or _OWN_BEFORE.search(second)):
        return second
    return second if joined and changed and not _DOUBTED[0].search(before) else before


def _unchanged(before: str, after: str) -> float | None:
    """The status of a finding of which it is denied or doubted that it has changed."""
    if not _CHANGED.search(after):
        return None
    if _CHANGE_DENIED.search(before):
        return STATED
    return DOUBTED if _CHANGE_DOUBTED.search(before) else None


def _status(before: str, named: str, after: str) -> float:
    """Doubt outweighs denial: "pneumonia cannot be excluded" and "no definite" differ by it."""
    denied = _DENIED[0].search(before)
    if _DOUBTED[1].search(after.partition(",")[0] if denied else after):
        return DOUBTED
    if denied or _DENIED[1].search(after):
        return DENIED
    if _DOUBTED[0].search(before) or _DOUBTED[0].search(named):
        return DOUBTED
    return STATED
