"""Taking out of texts what may tell who they are about.

Two guards, of which the second needs no knowledge of names: what has the form of a date, a time, an
address, a long number or a name after a title is masked; and so is each word that the texts of too
few patients hold (a small cell, as in tables of official statistics). The mark is that of MIMIC's
reports, three underscores.

Numbers of up to two digits, and one more after the point, stay where enough patients have them:
sizes in centimetres, grades and vertebrae. Ages, days, years and identifiers do not.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

from medsynth.text.identifiers import numbers, people
from medsynth.text.lines import with_stops

MARK = "___"

# Format characters, of direction too, would cut a title or a name in two.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# Control characters, as in UTF-8 that was read as another encoding, and what stands for bytes that
# are no UTF-8: in files, and on a command line.
_UNREADABLE = re.compile(r"[\ufffd\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_TAGS = re.compile(r"</?[a-zA-Z][^<>]*>")
# Vowels and accents of many scripts are no letters; cut at these, a name would be frequent parts.
_ACCENTS = "".join(c for c in map(chr, range(0x20000)) if unicodedata.category(c).startswith("M"))
_WORD = re.compile(rf"\d+(?:[.,]\d+)+|[^\W_](?:[^\W_]|[{_ACCENTS}])*")
_SMALL = re.compile(r"\d{1,2}[.,]\d")
_MARKS = re.compile(rf"{MARK}(?:[\s,./:-]*{MARK})+")


def without_identifiers(text: str) -> str:
    """The text in small letters and on one line, with what has a telling form masked."""
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _TAGS.sub(" ", html.unescape(text))))
    text = re.sub(r"_{2,}", MARK, text)
    text = numbers.FORMS[0].sub(_masked, text)  # an address may hold a title
    told: set[str] = set()

    def remembered(found: re.Match[str]) -> str:
        told.update(people.words_told(found[0].removeprefix(found.groupdict().get("kept", ""))))
        return _masked(found)

    for form in people.FORMS:
        text = form.sub(remembered, text)
    if told:  # who is named once by a title may stand without one elsewhere
        text = people.elsewhere(told).sub(_masked, text)
    for form in numbers.FORMS[1:]:
        text = form.sub(_masked, text)
    text = with_stops(text).lower()  # one line will not tell where a line ended
    return _tidy(_WORD.sub(lambda word: MARK if _is_long_number(word[0]) else word[0], text))


def known_words(texts: Iterable[str], patients: Iterable[str], min_patients: int) -> list[str]:
    """The words that enough patients have, sorted.

    Args:
        texts: as :func:`without_identifiers` leaves them.
        patients: whose each is.
    """
    of_patient: dict[str, set[str]] = {}
    for text, patient in zip(texts, patients, strict=True):
        of_patient.setdefault(patient, set()).update(_WORD.findall(text))
    counts = Counter(word for words in of_patient.values() for word in words)
    return sorted(word for word, n in counts.items() if n >= min_patients)


def only_known(text: str, known: Collection[str]) -> str:
    """The text with every other word masked; `known` is a set, if there are many."""
    return _tidy(_WORD.sub(lambda word: word[0] if word[0] in known else MARK, text))


def unknown_words(text: str, known: Collection[str]) -> list[str]:
    """The words of a text that :func:`only_known` would mask, each once, in their order."""
    return list(dict.fromkeys(word for word in _WORD.findall(text) if word not in known))


def is_no_text(text: str) -> bool:
    """Whether bytes are in it that are no UTF-8, or control characters."""
    return _UNREADABLE.search(text) is not None


def has_words(text: str) -> bool:
    """Whether anything but marks and punctuation is in it."""
    return _WORD.search(text) is not None


def _masked(found: re.Match[str]) -> str:
    return f"{found.groupdict().get('kept', '')} {MARK} "


def _is_long_number(word: str) -> bool:
    return sum(letter.isdigit() for letter in word) > 2 and not _SMALL.fullmatch(word)


def _tidy(text: str) -> str:
    text = " ".join(_MARKS.sub(MARK, text).split())
    return re.sub(rf"{MARK} (?=[,.;:)-])", MARK, text)
