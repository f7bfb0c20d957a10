"""Taking out of texts what may tell who they are about.

Two guards, of which the second needs no knowledge of names: what has the form of a date, a time, an
address, a long number or a name after a title is masked; and so is each word that the texts of too
few patients hold (a small cell, as in tables of official statistics). The mark is that of MIMIC's
reports, three underscores.

Numbers of up to two digits, and one more after the point, stay where enough patients have them:
sizes in centimetres, grades and vertebrae. Ages, days, years and identifiers do not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable

MARK = "___"

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_NAME = r"(?:[A-Z][\w'’-]+|[A-Z]\b\.?)"
_NAMES = rf"{_NAME}(?:\s+{_NAME}){{0,2}}"
_TITLES = (
    # As written they are titles; in other capitals MR is magnetic resonance and MS a disease.
    rf"\b(?:Dr|Drs|Mr|Mrs|Ms|Miss|Prof|Professor|Doctor|Herr|Frau|Mme)\b\.?\s+(?:{_NAMES})"
    r"|\b(?i:drs?|mrs?|ms|prof)\.\s+[^\W\d_][\w'’-]*"
    r"|\b(?:dr|drs|prof|professor|doctor|DR|MRS|PROF|PROFESSOR|DOCTOR)\s+[^\W\d_][\w'’-]*"
)
_FORMS = [
    re.compile(r"\S+@\S+|\b(?:https?://|www\.)\S+"),
    re.compile(_TITLES),
    re.compile(rf"{_NAMES}(?=,?\s+(?:M\.?D|D\.?O|R\.?N|Ph\.?D|FRCR)\b)"),
    # Who signs has many patients.
    re.compile(
        r"\b(?P<kept>(?i:signed|read|dictated|reported|reviewed|approved|verified|transcribed"
        rf"|interpreted|attested|finalized)\s+(?i:by)\b)\s*:?\s+{_NAMES}"
    ),
    re.compile(r"\bx{3,}\b", re.IGNORECASE),  # as Open-i marks
    re.compile(rf"\b{_DAY}\s+(?:of\s+)?(?:{_MONTHS})\b\.?(?:,?\s+\d{{2,4}}\b)?", re.IGNORECASE),
    re.compile(rf"\b(?:{_MONTHS})\b\.?\s+{_DAY}\b(?:,?\s+\d{{2,4}}\b)?", re.IGNORECASE),
    re.compile(r"\b\d{1,4}/\d{1,4}(?:/\d{1,4})?\b"),
    re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?(?:\s*[ap]\.?m\b\.?)?", re.IGNORECASE),
    re.compile(r"\b\d+(?:[\s./-]+\d+){2,}\b"),  # 15.7.2019, 555 123 4567
    re.compile(r"\b\d{1,3}(?=[\s-]*(?:years?|yrs?|months?|y)\b[\s/-]*o)", re.IGNORECASE),
    re.compile(r"(?<=\baged)\s+\d{1,3}\b|(?<=\bage)\s+\d{1,3}\b", re.IGNORECASE),
]
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+")
_SMALL = re.compile(r"\d{1,2}[.,]\d")
_MARKS = re.compile(rf"{MARK}(?:[\s,./:-]*{MARK})+")


def without_identifiers(text: str) -> str:
    """The text in small letters and on one line, with what has a telling form masked."""
    text = re.sub(r"_{2,}", MARK, unicodedata.normalize("NFKC", text))
    for form in _FORMS:
        text = form.sub(lambda found: f"{found.groupdict().get('kept', '')} {MARK} ", text)
    text = _WORD.sub(lambda word: MARK if _is_long_number(word[0]) else word[0], text.lower())
    return _tidy(text)


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


def has_words(text: str) -> bool:
    """Whether anything but marks and punctuation is in it."""
    return _WORD.search(text) is not None


def _is_long_number(word: str) -> bool:
    return sum(letter.isdigit() for letter in word) > 2 and not _SMALL.fullmatch(word)


def _tidy(text: str) -> str:
    text = " ".join(_MARKS.sub(MARK, text).split())
    return re.sub(rf"{MARK} (?=[,.;:)-])", MARK, text)
