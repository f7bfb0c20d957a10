"""What a text says about contrast medium, by :mod:`medsynth.imaging.ct.contrast.words`."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from medsynth.imaging.ct.contrast.words import (
    BOTH,
    ENHANCED,
    NEITHER,
    NEUTRAL,
    PHASE,
    PHRASES,
    PLAIN,
    WORDS,
)

# C(-), C+/-, C+, C-, +/-C, +C and -C. The hyphens of C-SPINE and 5MM-C are no minus.
SHORT, LONG = "c|ce|km|iv|inj|mdc", r"[ck]ontrast\w*|造影剤?|조영제"
EITHER = r"\+ ?/ ?-|- ?/ ?\+|±"
STARTS, ENDS, BEHIND = r"(?<![a-z0-9])", r"(?![a-z0-9])", r"(?=$|[^\w+-]|c[+-])"
SIGNED = [
    rf"{STARTS}(?P<name>{SHORT}|{LONG}) ?\( ?(?P<sign>{EITHER}|[+-]) ?\)",
    rf"{STARTS}(?P<name>{SHORT}|{LONG}) ?(?P<sign>{EITHER}){BEHIND}",
    rf"{STARTS}(?P<name>{SHORT})(?P<sign>[+-]){BEHIND}",
    rf"(?P<sign>{EITHER}) ?(?P<name>{SHORT}|{LONG}){ENDS}",
    rf"(?:{STARTS}|(?<=\w\w\w))(?P<sign>\+) ?(?P<name>{SHORT}){ENDS}",
    rf"{STARTS}(?P<sign>-)(?P<name>{SHORT}){ENDS}",
]
SIGN = {"+": "⊕", "-": "⊖"}
COMPOUND = re.compile(  # noncontrast, unenhanced, postcon, wcontrast
    r"\b(non|un|pre|prae|post|pos|without|with|wo|w)(?=contr|con\b|cont\b|enh|kontr|km\b|mdc\b|injec)"
)
IDEOGRAPH = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"  # written without spaces
TOKENS = re.compile(rf"{IDEOGRAPH}|(?:(?!{IDEOGRAPH})[^\W\d])+|\d+|[⊕⊖±+\-/&|]")
SEPARATORS = re.compile(r"[,;:()\[\]{}<>\"'?!=*\\]+")
QUANTITIES = {"?": "?", "...": "*"}
JOINT = "(?:[-/|] )?"  # NON-CONTRAST, NON (IV) CONTRAST
CUT = [word[:n] for word in ("contrast", "kontrast") for n in range(1, 8)]
CUT += ["intravenous"[:n] for n in range(3, 11)]
PLACES = {
    "END": r"(?=$|\| )",
    "NUMBER": r"(?=\d)",
    "CUT": f"(?:{'|'.join(CUT)}) $",
}


class Said(NamedTuple):
    """phase: "ct", "cect", "both", "neither" or None. words: those that said it."""

    phase: str | None
    words: str


@lru_cache(maxsize=4096)
def said(text: str, phases: bool = False) -> Said:
    """What a description says about contrast medium.

    Args:
        text: as it stands in the header or table.
        phases: whether "arterial" or "venous" mean the filling of the blood's vessels, as they do
            in the name of a series, but not in that of a protocol.

    Returns:
        "both" where phrases of both kinds stand in it, None where no known phrase does.
    """
    words, at = normalised(text), 0
    found: dict[str, str] = {}
    while at < len(words):
        fits = [(fit.end(), kind) for kind, p in PATTERNS if (fit := p.match(words, at))]
        end, kind = max(fits, key=lambda fit: fit[0], default=(words.index(" ", at) + 1, NEUTRAL))
        found.setdefault(kind, words[at:end].strip(" |-/"))
        at = end
    if phases and PHASE in found:
        found.setdefault(ENHANCED, found[PHASE])
    if BOTH not in found and {PLAIN, ENHANCED} <= set(found):
        found[BOTH] = f"{found[PLAIN]}, {found[ENHANCED]}"
    for kind in (BOTH, PLAIN, ENHANCED, NEITHER):
        if kind in found:
            return Said(kind, found[kind])
    return Said(None, "")


def names(text: str, words: str) -> bool:
    """Whether a normalised text holds any of the words, written as in a phrase of the table."""
    return bool(_anywhere(words).search(text))


@lru_cache(maxsize=64)
def _anywhere(words: str) -> re.Pattern[str]:
    return re.compile(f"(?:^|(?<= )){_alternatives(words)}")


def normalised(text: str) -> str:
    """The words, numbers and signs of a text, in lower case, each followed by a space."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)  # PreContrast
    letters = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(c for c in letters if unicodedata.category(c) != "Mn")
    text = unicodedata.normalize("NFC", text).replace("_", " ")
    for pattern in SIGNED:
        text = re.sub(pattern, lambda m: f" {m['name']} {SIGN.get(m['sign'], '±')} ", text)
    text = re.sub(r"\bnon[ -]+ionic", "nonionic", text)
    text = COMPOUND.sub(lambda m: "non " if m[1] == "un" else f"{m[1]} ", text)
    return "".join(f"{token} " for token in TOKENS.findall(SEPARATORS.sub(" | ", text)))


def _alternatives(element: str) -> str:
    """Regular expression of bar-divided words, names of words and places."""
    found = []
    for word in element.split("|"):
        if word in PLACES:
            found.append(PLACES[word])
        elif word in WORDS:
            found.append(_alternatives(WORDS[word]))
        else:
            ending = r"\w* " if word.endswith("*") else " "
            tokens = map(re.escape, normalised(word.removesuffix("*")).split())
            found.append(f" {JOINT}".join(tokens) + ending)
    return f"(?:{'|'.join(found)})"


def pattern(phrase: str) -> re.Pattern[str]:
    """Regular expression, on normalised text, of a phrase of the table."""
    parts = []
    for i, element in enumerate(phrase.split(" ")):
        mark = next((mark for mark in QUANTITIES if element.endswith(mark)), "")
        word = _alternatives(element.removesuffix(mark))
        parts.append(f"(?:{JOINT if i else ''}{word}){QUANTITIES.get(mark, '')}")
    return re.compile("".join(parts))


PATTERNS = [(kind, pattern(phrase)) for kind, phrase in PHRASES]
