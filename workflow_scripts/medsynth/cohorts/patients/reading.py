"""The tables that describe a cohort's patients, as numbers with a row a patient."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.labels import check_columns, read_csv
from medsynth.cohorts.patients.settings import PatientTable, PatientTables, Survival, plain_word
from medsynth.genomics.barcodes import parse_barcodes
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.absence import present
from medsynth.store.tables.delimited import form_of

MOST_WORDS = 10  # of a column that says no numbers
MOST_OF_A_NUMBER = 1e30  # more stands for what is unknown, and overflows when it is squared
FEWEST_OF_WORDS = 4  # patients, each with a word of his own: a name, a date, an identifier
OF = ":"  # between the names of table and column
REASONS = {
    "no_row": "the table has no row of the patient",
    "rows_differ": "rows of the patient contradict each other",
    "months_unknown": "the months are empty or no number",
    "months_not_positive": "the months are zero or negative",
    "event_unknown": "the cell says neither that the event happened nor that it did not",
}

log = logging.getLogger(__name__)


def read_patients(
    patients: Sequence[str], settings: PatientTables
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """All tables, joined.

    Args:
        patients: of the cohort; others are passed over.
        settings: which tables, and which of their columns.

    Returns:
        DataFrame(patient, TABLE:COLUMN…, months, event, survival_reason), sorted: numbers
        with null where nothing is known; of words TABLE:COLUMN=WORD, 1 or 0. months and event are
        null, and survival_reason (a key of REASONS) says why, where survival is not known. And
        counts of rows, gaps and reasons by table.

    Raises:
        CohortError: a table or column is missing, no patient is in a table, a column holds neither
            numbers nor a few words, or nobody's survival is known.
    """
    frame = pd.DataFrame({"patient": sorted(set(patients))})
    counts: dict[str, Any] = {"patients": len(frame)}
    read = cache(lambda path: read_csv(path, []))  # several modalities may stand in one file
    for name, table in settings.tables.items():
        place, cells = f"patients.tables.{name}", read(table.path)
        chosen = _chosen(cells, table, place)
        rows, reasons = _rows(frame["patient"], cells, table.path, table.key, chosen, place)
        parts = [
            _as_numbers(rows[c], f"{table.path}: column {c!r}", place).add_prefix(name + OF)
            for c in rows
        ]
        numbers = pd.concat(parts, axis=1).set_axis(frame.index)
        if numbers.isna().all(axis=None):
            raise CohortError(
                f"{table.path}: the columns of {place} say nothing of any of the {len(frame)}"
                f" patients ({_listed(reasons)}); name columns that are filled, or leave out {name}"
            )
        frame = pd.concat([frame, numbers], axis=1)
        counts[name] = {
            "patients": int(reasons.isna().sum()),
            "columns": numbers.shape[1],
            "cells_empty": int(numbers[reasons.isna().to_numpy()].isna().sum().sum()),
        } | reasons.value_counts().to_dict()
    if settings.survival:
        cells = read(settings.survival.path)
        found, counts["survival"] = _survival(frame["patient"], cells, settings.survival)
        frame = pd.concat([frame, found], axis=1)
    for name, of in counts.items():
        log.info("%s: %s", name, of)
    return frame, counts


def _listed(reasons: pd.Series) -> str:
    """Why rows are not used, with counts, and how many cells are empty although they are."""
    counts = [f"{n} {REASONS[str(reason)]}" for reason, n in reasons.value_counts().items()]
    return "; ".join([*counts, f"{int(reasons.isna().sum())} have empty cells only"])


def _chosen(cells: pd.DataFrame, table: PatientTable, place: str) -> list[str]:
    """The columns that headings or patterns name, in the table's order."""
    there = [str(c) for c in cells if c != table.key]
    for pattern in table.columns:
        if not any(fnmatchcase(column, pattern) for column in there):
            raise CohortError(
                f"{table.path} has no column {pattern!r}, which {place}.columns asks for;"
                " correct it, or leave it out"
            )
    return [c for c in there if any(fnmatchcase(c, pattern) for pattern in table.columns)]


def _rows(
    patients: pd.Series, table: pd.DataFrame, path: Path, key: str, columns: list[str], place: str
) -> tuple[pd.DataFrame, pd.Series]:
    """The cells of every patient, null where nothing is known, and why there is no row."""
    check_columns(table, path, [key, *columns])
    own = table[key].where(table[key].isin(set(patients)))
    if own.isna().any():  # a sample's barcode names its patient
        cases = parse_barcodes(table[key].fillna(""))["case"].set_axis(table.index)
        own = own.fillna(cases.where(cases.isin(set(patients))))
    if own.isna().all():
        seen = table[key].dropna()
        forms = [form_of(str(one)) for one in (patients.iloc[0], *seen.iloc[:1])]
        raise CohortError(
            f"{path}: none of the {len(patients)} patients stands in column {key!r}; the cohort's"
            f" are written as {', the column as '.join(forms)} (a stands for a letter, 0 for a"
            f" digit); correct {place}.key"
        )
    cells = table[columns].apply(present).assign(**{"patient": own}).dropna(subset=["patient"])
    cells = cells.drop_duplicates()
    twice = cells["patient"].duplicated(keep=False)
    found = cells[~twice].set_index("patient").reindex(patients)
    reasons = pd.Series(None, patients.index, dtype="str")
    reasons = reasons.mask(~patients.isin(cells["patient"]), "no_row")
    return found, reasons.mask(patients.isin(cells.loc[twice, "patient"]), "rows_differ")


def _as_numbers(cells: pd.Series, where: str, place: str) -> pd.DataFrame:
    """A column as numbers; of a few words one column each, or one for both of two."""
    name = str(cells.name)
    numbers = pd.to_numeric(cells, errors="coerce").astype(float)
    numbers = numbers.where(numbers.abs() < MOST_OF_A_NUMBER)
    strange = cells.notna() & numbers.isna()
    if not strange.any():
        return pd.DataFrame({name: numbers})
    words = sorted(cells.dropna().unique())
    if strange.sum() < cells.notna().sum():
        raise CohortError(
            f"{where}: {strange.sum()} of {cells.notna().sum()} cells are no numbers below"
            f" {MOST_OF_A_NUMBER:g}, the others"
            f" are; correct them, write NA where nothing is known, or leave the column out of"
            f" {place}.columns"
        )
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
    shown = words[1:] if len(words) == 2 else words
    return pd.DataFrame(
        {f"{name}={w}": (cells == w).astype(float).where(cells.notna()) for w in shown}
    )


def _survival(
    patients: pd.Series, table: pd.DataFrame, settings: Survival
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """months (float), event (boolean) and survival_reason of every patient, and their counts."""
    columns, place = [settings.months, settings.event], "patients.survival"
    rows, reasons = _rows(patients, table, settings.path, settings.key, columns, place)
    months = pd.to_numeric(rows[settings.months], errors="coerce").set_axis(patients.index)
    words = rows[settings.event].map(plain_word, na_action="ignore").set_axis(patients.index)
    happened = words == plain_word(settings.happened)
    known = happened | (words == plain_word(settings.censored))
    unknown = reasons.isna()
    reasons = reasons.mask(unknown & ~np.isfinite(months), "months_unknown")
    reasons = reasons.mask(unknown & (months <= 0), "months_not_positive")
    reasons = reasons.mask(reasons.isna() & ~known, "event_unknown")
    used = reasons.isna()
    if not used.any():
        raise CohortError(
            f"{settings.path}: nobody's survival is known: {reasons.value_counts().to_dict()};"
            f" correct patients.survival (happened is {settings.happened!r}, censored"
            f" {settings.censored!r})"
        )
    frame = pd.DataFrame(
        {
            "months": months.where(used),
            "event": happened.astype("boolean").where(used),
            "survival_reason": reasons,
        }
    )
    event = happened & used
    counts: dict[str, Any] = {"events": int(event.sum()), "censored": int((used & ~event).sum())}
    for name, of in (("events", event), ("censored", used & ~event)):
        if of.any():
            counts[f"median_months_of_{name}"] = float(months[of].median())
    says_yes = plain_word(settings.happened) in ("1", "true", "yes")
    if "cens" in settings.event.casefold() and says_yes:
        counts["doubt"] = (
            f"{settings.event!r} sounds as if {settings.happened} meant censored; the settings say"
            " that it means the event"
        )
        log.warning("survival: %s", counts["doubt"])
    return frame, counts | reasons.value_counts().to_dict()
