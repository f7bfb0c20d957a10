"""Ages in tables: in years, whatever the unit they are written in.

The unit is told by the value's own words (``51 years 108 days``), else by the heading
(``age_days``), else by how large the values of the column are. The GDC's ``age_at_diagnosis`` and
``days_to_birth`` are days (https://docs.gdc.cancer.gov/Data_Dictionary/viewer/), ``age_at_index``
and cBioPortal's ``AGE`` years; other tables write years under ``age_at_diagnosis``.
"""

from __future__ import annotations

import re

import pandas as pd

PER_YEAR = {"years": 1.0, "months": 12.0, "weeks": 365.25 / 7, "days": 365.25}
OLDEST = 120  # years
# Days that cannot be mistaken for years, months or a code (999): ten years.
FEWEST_DAYS = 3653
UNITS = {
    **dict.fromkeys(["years", "year", "yrs", "yr", "y", "yo", "a"], "years"),
    **dict.fromkeys(["months", "month", "mos", "mo", "mths", "m"], "months"),
    **dict.fromkeys(["weeks", "week", "wks", "wk", "w"], "weeks"),
    **dict.fromkeys(["days", "day", "d"], "days"),
}
WORDS = sorted(UNITS, key=len, reverse=True)
NUMBER = r"\d+(?:[.,]\d+)?"
PART = re.compile(
    rf"({NUMBER})[\s\-_]*({'|'.join(WORDS)})(?![a-z])\.?(?:\s*/\s*o)?(?:[\s\-]*olds?|\s*of age)?"
)
# A comma before three digits: a decimal one, or that of thousands.
AMBIGUOUS = re.compile(r"(?<!\d)\d{1,3},\d{3}(?!\d)")
# 65M: of months, or a man of 65; W: weeks, or a woman; D: days, or neither of both.
LETTER = re.compile(rf"{NUMBER}[\s\-_]*[dwm]\.?")
AGE_STRING = re.compile(r"\d{3}[dwmy]")  # DICOM PS3.5, value representation AS
WITH_SEX = re.compile(r"\d+[\s\-_]*f\.?")  # beside one of these 065M is no AS, either
# At least so old: ages above 89 are published so (45 CFR 164.514, "safe harbor").
AT_LEAST = re.compile(
    rf"(?:>=?|≥|over|above|older than|at least)\s*({NUMBER})"
    rf"|({NUMBER})\s*(?:\+|(?:or|and) (?:older|above|over|more))"
)


def read_ages(
    texts: pd.Series, heading: str, *, newborns: bool = False
) -> tuple[pd.Series, pd.Series]:
    """Ages in years, and why the others cannot be read.

    Args:
        texts: the cells of a column, stripped, null where there is none.
        heading: the column's name.
        newborns: whether 0 is an age; clinical tables of adults write it for none.

    Returns:
        years: float, null where missing or not readable; of ``>89`` and ``90+`` the number.
        faults: text, null where there is an age or no cell; it names the value.
    """
    different = pd.Series(texts.dropna().unique(), dtype="str")  # many patients have one age
    cells = different.str.strip().str.lower().str.replace(r"\by\.\s?o\b\.?", "yo", regex=True)
    plain = pd.to_numeric(cells.map(_plain), errors="coerce")
    unit = _unit(heading, plain.dropna())
    with_sex = cells.str.fullmatch(WITH_SEX).any()
    years, faults = {}, {}
    for text, cell in zip(different.tolist(), cells.tolist(), strict=True):
        bare = _plain(cell)
        if AMBIGUOUS.search(cell):
            age = None
        elif LETTER.fullmatch(cell) and (with_sex or not AGE_STRING.fullmatch(cell)):
            age = None
        elif bare is not None:
            age = _plausible(float(bare), unit, heading)
        else:
            age = _worded(cell)
        if age is None or (age == 0 and not newborns):
            read = f"in {unit}" if bare is not None and unit else "as an age"
            faults[text] = f"{text[:60]!r} is not plausible {read}"
        else:
            years[text] = age
    each = texts.tolist()
    return (
        pd.Series([years.get(text) for text in each], texts.index, dtype="float64"),
        pd.Series([faults.get(text) for text in each], texts.index, dtype="str"),
    )


def _plain(cell: str | None) -> str | None:
    """The number of a cell that is nothing but a number, or null."""
    if isinstance(cell, str) and re.fullmatch(rf"[+-]?{NUMBER}", cell):
        return cell.replace(",", ".")
    return None


def _unit(heading: str, values: pd.Series) -> str | None:
    """The unit of a column's bare numbers; null if neither heading nor values tell."""
    words = re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).lower())
    said = {UNITS[word] for word in words if len(word) > 1 and word in UNITS}
    if len(said) == 1:
        return said.pop()
    if said:
        return None
    as_years = ((values > 0) & (values <= OLDEST)).any()
    as_days = ((values >= FEWEST_DAYS) & (values <= OLDEST * PER_YEAR["days"])).any()
    if as_days and (not as_years or words[-3:] == ["age", "at", "diagnosis"]):
        return "days"
    return "years"


def _plausible(value: float, unit: str | None, heading: str) -> float | None:
    """A bare number as an age in years, or null if it is none."""
    if unit is None:
        return None
    if unit == "days" and "birth" in heading.lower():
        value = abs(value)  # the GDC counts them backwards
    if unit == "days" and "day" not in heading.lower() and value < FEWEST_DAYS:
        return None  # may as well be years
    years = value / PER_YEAR[unit]
    return years if 0 <= years <= OLDEST else None


def _worded(cell: str) -> float | None:
    """An age with its units, or a lower bound, in years; null if it is neither."""
    if bound := AT_LEAST.fullmatch(re.sub(r"\s*(?:years?|yrs?|y)(?:\s*old)?\b", "", cell).strip()):
        years = float((bound[1] or bound[2]).replace(",", "."))
        return years if 0 <= years <= OLDEST else None
    return with_units(re.sub(r"^p(?=\d)", "", cell))


def with_units(cell: str) -> float | None:
    """A time with its units, as ``2 years 3 months``, in years; null if it is none, or too long.

    Args:
        cell: in small letters.
    """
    parts = PART.findall(cell)
    rest = re.sub(r"[\s,;.&]|and", "", PART.sub("", cell))
    units = [UNITS[word] for _, word in parts]
    if not parts or rest or len(set(units)) < len(units):
        return None
    years = sum(
        float(number.replace(",", ".")) / PER_YEAR[unit]
        for (number, _), unit in zip(parts, units, strict=True)
    )
    return years if 0 <= years <= OLDEST else None
