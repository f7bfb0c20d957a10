"""A column of a patients' table as numbers, and what in it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from medsynth.cohorts.patients.settings import plain_word
from medsynth.genomics.ages import read_ages
from medsynth.store.privacy.fewest import FEWEST
from medsynth.store.quarantine import CohortError

MOST_WORDS = 10  # of a column that says no numbers
MOST_OF_A_NUMBER = 1e30  # more stands for what is unknown, and overflows when it is squared
FEWEST_OF_WORDS = 4  # patients, each with a word of his own: a name, a date, an identifier
MOST_STRANGE = 0.1  # of ages; where there are more it is another unit, or no age
RARE = "(rare)"
AGE = re.compile(r"(^|[\W_])age([\W_]|$)")
CODE = re.compile(r"-(1|9+)|9{2,}")  # programs of statistics write these for what is unknown
FAR = 3  # times as large as all else: then it is a code
COPIES_LOST = 2  # a column of copy numbers says -1, too, and nothing above
COPIES = re.compile(r"(^|[\W_])(s?cn[av]|gistic|cop(y|ies)|log2?|ratio)([\W_]|$)")
COMMA = re.compile(r"[+-]?\d+,\d+")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")  # or a decimal comma, as that of 0,125 is


class Read(NamedTuple):
    """A column as numbers.

    Attributes:
        numbers: of every patient, null where unknown.
        not_understood: cells that are unknown because they are no age.
        rare: words that count as one.
    """

    numbers: pd.DataFrame
    not_understood: int = 0
    rare: int = 0


def read_numbers(cells: pd.Series, where: str, place: str, unknown: Sequence[str] | None) -> Read:
    """A column as numbers; of a few words one column each, or one for both of two.

    Args:
        cells: of every patient, null where the cell says that nothing is known.
        where: the file and the column, for people.
        place: key of the table's settings.
        unknown: what else says that nothing is known; None: none, and no number may look so.

    Raises:
        CohortError: some cells are numbers and some are not, or some seem to stand for what is
            unknown; too many words, or words that name patients; a comma that may be a decimal one
            or of thousands; ages that mostly are none.
    """
    name = str(cells.name)
    if unknown:
        plain = cells.map(plain_word, na_action="ignore")
        cells = cells.mask(plain.isin([plain_word(word) for word in unknown]))
    numbers = _plain_numbers(cells)
    if (cells.notna() & numbers.isna()).any():
        cells = _with_points(cells, where)
        numbers = _plain_numbers(cells)
    if AGE.search(name.casefold()) and (ages := _ages(cells, numbers, where, place)):
        return ages
    strange = cells.notna() & numbers.isna()
    if not strange.any():
        if unknown is None and (code := _code_of_unknown(numbers.dropna(), place)):
            raise CohortError(
                f"{where}: {int((numbers == float(code)).sum())} of {cells.notna().sum()} cells are"
                f" {code}, far from all others, as if nothing were known; write {place}.unknown:"
                f" ['{code}'] if so, and [] if they are values"
            )
        return Read(pd.DataFrame({name: numbers}))
    if strange.sum() < cells.notna().sum():
        raise CohortError(
            f"{where}: {strange.sum()} of {cells.notna().sum()} cells are no numbers below"
            f" {MOST_OF_A_NUMBER:g}, the others are; correct them, name in {place}.unknown what"
            f" says that nothing is known, or leave the column out of {place}.columns"
        )
    return _as_words(cells, where, place)


def _plain_numbers(cells: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    return numbers.where(numbers.abs() < MOST_OF_A_NUMBER)


def _with_points(cells: pd.Series, where: str) -> pd.Series:
    """Decimal commas as points."""
    comma = decimal_commas(cells, where)
    if comma.any() and cells.str.fullmatch(r"[+-]?\d*\.\d+").fillna(False).any():
        raise _of_commas(comma, cells, where)
    return cells.mask(comma, cells.str.replace(",", "."))


def decimal_commas(cells: pd.Series, where: str) -> pd.Series:
    """Which cells are numbers with a decimal comma.

    Raises:
        CohortError: three digits follow every comma, as if they were thousands.
    """
    comma = cells.str.fullmatch(COMMA).fillna(False).astype(bool)
    if comma.any() and cells[comma].str.fullmatch(THOUSANDS).all():
        raise _of_commas(comma, cells, where)
    return comma


def _of_commas(comma: pd.Series, cells: pd.Series, where: str) -> CohortError:
    return CohortError(
        f"{where}: {comma.sum()} of {cells.notna().sum()} cells are numbers with a comma, which"
        " may be a decimal one or one of thousands; write decimals with a point, and no other"
    )


def _ages(cells: pd.Series, numbers: pd.Series, where: str, place: str) -> Read | None:
    """Ages in years, whatever unit they have; None if the column says something else."""
    years, faults = read_ages(cells, str(cells.name), newborns=True)
    filled, wrong = int(cells.notna().sum()), int(faults.notna().sum())
    if wrong <= MOST_STRANGE * filled:
        return Read(pd.DataFrame({str(cells.name): years}), wrong)
    if numbers.notna().any():
        raise CohortError(
            f"{where}: {wrong} of {filled} cells are no ages that a person can have; name the unit"
            f" in the heading, as in age_days, and in {place}.unknown what says that nothing is"
            " known, correct them, or, if they are no ages, the heading"
        )
    return None


def _code_of_unknown(numbers: pd.Series, place: str) -> str | None:
    """A number that seems to stand for what is unknown, as it is written; None if none does.

    Where heading or table are called so, -1 is a copy that is lost, or the log2 of half.
    """
    values = numbers.unique()
    of = {value: word for value in values if CODE.fullmatch(word := f"{value:.16g}")}
    if not of:
        return None
    others = pd.Series([value for value in values if value not in of], dtype=float)
    most = others.abs().max() if len(others) else 0.0
    copies = bool(COPIES.search(f"{place}.{numbers.name}".casefold())) or (
        (others % 1 == 0).all() and most <= COPIES_LOST
    )
    for value, code in of.items():
        among_positive = value < 0 <= others.min() and (value < -1 or not copies)
        if among_positive or (abs(value) > 9 and abs(value) >= FAR * most):
            return code
    return None


def _as_words(cells: pd.Series, where: str, place: str) -> Read:
    """A column of 0 and 1 for each word, in whatever case, null where nothing is known.

    A model's card names the words: those of fewer than FEWEST patients are one, unless there are
    two in all, of which either tells the other.
    """
    folded = cells.str.casefold()
    cells = folded.map(cells.groupby(folded).agg(lambda spellings: spellings.mode()[0]))
    name, words = str(folded.name), sorted(cells.dropna().unique())
    if len(words) > MOST_WORDS:
        raise CohortError(
            f"{where}: no numbers, but {len(words)} different words; more than {MOST_WORDS} say"
            f" nothing that can be learnt: leave the column out of {place}.columns"
        )
    if FEWEST_OF_WORDS <= len(words) == cells.notna().sum():
        raise CohortError(
            f"{where}: no two patients have the same word, as if it named them; nothing can be"
            f" learnt of it, and it would stand in the model's card: leave the column out of"
            f" {place}.columns"
        )
    counts = cells.value_counts()
    rare = counts.index[counts < FEWEST] if len(words) > 2 else counts.index[:0]
    cells = cells.mask(cells.isin(rare), RARE)
    words = sorted(cells.dropna().unique())
    shown = words[1:] if len(words) == 2 else words
    numbers = {f"{name}={w}": (cells == w).astype(float).where(cells.notna()) for w in shown}
    return Read(pd.DataFrame(numbers), rare=len(rare))
