"""Words that programs and people write into a cell that has no value."""

from __future__ import annotations

import re

import pandas as pd

from medsynth.store.tables.covariates import UNKNOWN

ABSENT = {  # without spaces and brackets, folded
    *("", "-", "--", "---", "–", "—", "?", ".", "na", "n/a", "n.a.", "n.a", "<na>"),
    *("#n/a", "#na", "#nv"),
    *("nan", "-nan", "nat", "none", "null", "nil", "nd", "n/d", "n.d.", "unknown", "missing"),
    *("notavailable", "notapplicable", "notknown", "notreported", "notrecorded", "unspecified"),
    *("notevaluated", "nottested", "notassessed", "notdetermined", "notdone", "notprovided"),
    *("k.a.", "k.a", "k/a", "keineangabe", "unbekannt", "fehlt", "inconnu", "desconocido"),
    *("#null!", "#value!", "#ref!", "#num!", "#name?", "#div/0!", "#wert!", "#bezug!", "#zahl!"),
}
BESIDE = re.compile(r"[\s\[\]()]")


def says_nothing(word: str) -> bool:
    """Whether a word, or an empty one, says that there is no value."""
    return BESIDE.sub("", word).casefold() in ABSENT


def is_absent(cells: pd.Series) -> pd.Series:
    """Which cells say that there is no value; those that are null do not say it."""
    words = cells.dropna().unique().tolist()  # pandas reads its own strings one by one slowly
    return cells.isin([word for word in words if says_nothing(word)])


def present(cells: pd.Series) -> pd.Series:
    """The cells, null where they say that there is no value."""
    return cells.mask(is_absent(cells))


def known_words(covariate: pd.Series) -> pd.Series:
    """Values as words, null where they are null or say "unknown": only that word, in any case."""
    words = covariate.astype("str")
    return words.mask(words.str.casefold() == UNKNOWN)
