"""How long patients were followed and what ended it, as tables write it, which is in many ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

from medsynth.cohorts.patients.counted import in_words
from medsynth.cohorts.patients.numbers import decimal_commas
from medsynth.cohorts.patients.settings import Survival, plain_word
from medsynth.genomics.ages import AMBIGUOUS, PER_YEAR, UNITS, with_units
from medsynth.store.privacy.fewest import FEWEST
from medsynth.store.quarantine import CohortError

LONGEST = 900  # months, 75 years
LONG = 360  # months: half of a cohort is hardly followed for 30 years
CODE = re.compile(r"9{3,}(\.0+)?")
DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}.*")


def read_survival(
    rows: pd.DataFrame, reasons: pd.Series, settings: Survival
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """months (float), event (boolean) and survival_reason of every patient, and their counts.

    Args:
        rows: the cells of both columns, null where nothing is known.
        reasons: why a patient has no row, null where he has one.
        settings: what the columns are called, and what their words mean.

    Raises:
        CohortError: months are dates or days, or nobody's survival is known.
    """
    months = read_months(rows[settings.months], f"{settings.path}: column {settings.months!r}")
    words = rows[settings.event].map(plain_word, na_action="ignore")
    happened = words == plain_word(settings.happened)
    known = happened | (words == plain_word(settings.censored))
    unknown = reasons.isna()
    reasons = reasons.mask(unknown & months.isna(), "months_unknown")
    reasons = reasons.mask(unknown & (months <= 0), "months_not_positive")
    reasons = reasons.mask(reasons.isna() & ~known, "event_unknown")
    used = reasons.isna()
    if not used.any():
        why = in_words(reasons.value_counts().to_dict())
        raise CohortError(
            f"{settings.path}: nobody's survival is known ({why});"
            f" correct patients.survival (happened is {settings.happened!r}, censored"
            f" {settings.censored!r}; {_frequent(rows[settings.event], settings.event)})"
        )
    frame = pd.DataFrame(
        {
            "months": months.where(used),
            "event": happened.astype("boolean").where(used),
            "survival_reason": reasons,
        }
    )
    parts = {"events": months[happened & used], "censored": months[used & ~happened]}
    counts: dict[str, Any] = {name: len(of) for name, of in parts.items()}
    for name, of in parts.items():
        if len(of) >= FEWEST:  # the median of few is a patient's own survival
            counts[f"median_months_of_{name}"] = float(of.median())
    if doubts := list(_doubts(settings, parts)):
        counts["doubt"] = "; ".join(doubts)
    return frame, counts | reasons.value_counts().to_dict()


def read_months(cells: pd.Series, where: str) -> pd.Series:
    """Months of every patient, null where they cannot be read.

    The unit is told by the cell's own words (``12 mo``, ``2 years 3 months``), else by the heading
    (``days_to_death``), else they are months.

    Raises:
        CohortError: cells are dates, longer than anybody is followed, or have a comma that may be
            one of thousands.
    """
    text = cells.str.casefold()
    if dates := int(text.str.fullmatch(DATE).fillna(False).sum()):
        raise CohortError(
            f"{where}: {dates} of {cells.notna().sum()} cells are dates; patients.survival.months"
            " is the time from the diagnosis to the event or the last contact"
        )
    with_points = text.mask(decimal_commas(text, where), text.str.replace(",", "."))
    bare = pd.to_numeric(with_points, "coerce")
    worded = text.where(bare.isna() & ~text.str.contains(AMBIGUOUS, na=False))
    words = worded.map(with_units, na_action="ignore").astype(float)
    found = (bare * (12 / PER_YEAR[_unit(str(cells.name))])).fillna(words * 12)
    is_code = text.str.fullmatch(CODE).fillna(False).astype(bool)  # or, of days, a time
    found = found.mask(is_code & (found > LONGEST))
    if too_long := int((found > LONGEST).sum()):
        raise CohortError(
            f"{where}: {too_long} of {found.notna().sum()} times are longer than {LONGEST} months,"
            " as if they were days; say so in the heading, as in survival_days, or correct them"
        )
    return found


def _unit(heading: str) -> str:
    """The unit that a heading names; months if it names none, or several."""
    named = {
        UNITS[word]
        for word in re.split(r"[^a-z]+", heading.casefold())
        if len(word) > 1 and word in UNITS
    }
    return named.pop() if len(named) == 1 else "months"


def _frequent(cells: pd.Series, name: str) -> str:
    """The words of a column that several patients have: others may say who one is."""
    counts = cells.value_counts()
    shown = [f"{word!r} ({n})" for word, n in counts[counts >= FEWEST].head(4).items()]
    return f"{name!r} says {', '.join(shown) or f'nothing of {FEWEST} patients'}"


def _doubts(settings: Survival, parts: dict[str, pd.Series]) -> Iterator[str]:
    """What seems wrong, and nothing in the table can show to be."""
    says_yes = plain_word(settings.happened) in ("1", "true", "yes")
    if "cens" in settings.event.casefold() and says_yes:
        yield (
            f"{settings.event!r} sounds as if {settings.happened} meant censored; the settings say"
            " that it means the event"
        )
    for name, word in (("events", settings.happened), ("censored", settings.censored)):
        if parts[name].empty:
            yield f"no patient has the word {word!r} for {name}"
    every = pd.concat(parts.values())
    if len(every) >= FEWEST and every.median() > LONG:
        yield f"half of the patients are followed for more than {LONG} months, as if it were days"
