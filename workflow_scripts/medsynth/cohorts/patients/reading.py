"""The tables that describe a cohort's patients, as numbers with a row a patient."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.cohorts.labels import check_columns, read_csv
from medsynth.cohorts.patients.columns import OF, TARGETS
from medsynth.cohorts.patients.counted import REASONS, in_words
from medsynth.cohorts.patients.numbers import read_numbers
from medsynth.cohorts.patients.settings import PatientTable, PatientTables, plain_word
from medsynth.cohorts.patients.survival import read_survival
from medsynth.genomics.barcodes import parse_barcodes
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.absence import present
from medsynth.store.tables.delimited import form_of

log = logging.getLogger(__name__)


def read_patients(
    patients: Sequence[str], settings: PatientTables, label: str | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """All tables, joined.

    Args:
        patients: of the cohort; others are passed over.
        settings: which tables, and which of their columns.
        label: heading of the cohort's label, if a table says it.

    Returns:
        DataFrame(patient, TABLE:COLUMN…, months, event, survival_reason), sorted: numbers
        with null where nothing is known; of ages years; of words TABLE:COLUMN=WORD, 1 or 0. months
        and event are null, and survival_reason (a key of REASONS) says why, where survival is not
        known; with the attribute TARGETS. And counts of rows, gaps and reasons by table.

    Raises:
        CohortError: a table or column is missing, no patient is in a table, a column says nothing
            or cannot be read (:mod:`.numbers`), or survival cannot (:mod:`.survival`).
    """
    frame = pd.DataFrame({"patient": sorted(set(patients))})
    counts: dict[str, Any] = {"patients": len(frame)}
    read = cache(lambda path: read_csv(path, []))  # several modalities may stand in one file
    for name, table in settings.tables.items():
        numbers, counts[name] = _read_table(frame["patient"], read(table.path), name, table)
        frame = pd.concat([frame, numbers.set_axis(frame.index)], axis=1)
    if settings.survival:
        cells = read(settings.survival.path)
        columns = [settings.survival.months, settings.survival.event]
        asked = settings.survival.path, settings.survival.key, columns, "patients.survival"
        rows, reasons = _rows(frame["patient"], cells, *asked)
        rows = rows.set_axis(frame.index)
        found, counts["survival"] = read_survival(rows, reasons, settings.survival)
        frame = pd.concat([frame, found], axis=1)
    survival = [settings.survival.months, settings.survival.event] if settings.survival else []
    frame.attrs[TARGETS] = {"label": [label] if label else [], "survival": survival}
    for name in settings.tables:
        log.info("%s: %s", name, in_words(counts[name], "patients", "columns"))
    if of := counts.get("survival"):
        log.info("survival: %s", in_words(of, "events", "censored"))
        if "doubt" in of:
            log.warning("survival: %s", of["doubt"])
    return frame, counts


def _read_table(
    patients: pd.Series, cells: pd.DataFrame, name: str, table: PatientTable
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The columns of one table as numbers, a row a patient, and counts of rows and gaps."""
    place = f"patients.tables.{name}"
    chosen = _chosen(cells, table, place)
    rows, reasons = _rows(patients, cells, table.path, table.key, chosen, place)
    parts = [
        read_numbers(rows[c], f"{table.path}: column {c!r}", place, table.unknown) for c in rows
    ]
    numbers = pd.concat([part.numbers for part in parts], axis=1).add_prefix(name + OF)
    if (alike := numbers.columns[numbers.columns.duplicated()]).size:
        heading = alike[0].partition(OF)[2].partition("=")[0]
        raise CohortError(
            f"{table.path}: the words of column {heading!r} become columns '{heading}=…', and"
            f" another column is called so; rename it, or leave it out of {place}.columns"
        )
    if numbers.isna().all(axis=None):
        raise CohortError(
            f"{table.path}: the columns of {place} say nothing of any of the {len(patients)}"
            f" patients ({_listed(reasons)}); name columns that are filled, or leave out {name}"
        )
    for column in set(table.columns) & set(rows):
        if rows[column].isna().all():
            raise CohortError(
                f"{table.path}: column {column!r} says nothing of any of the {len(patients)}"
                f" patients; leave it out of {place}.columns"
            )
    gaps = {
        "cells_not_understood": sum(part.not_understood for part in parts),
        "words_rare": sum(part.rare for part in parts),
        "columns_empty": int(numbers.isna().all().sum()),
        "columns_constant": int(((numbers.nunique() == 1) & (numbers.count() > 1)).sum()),
    }
    counts = {
        "patients": int(reasons.isna().sum()),
        "columns": numbers.shape[1],
        "cells_empty": int(numbers[reasons.isna().to_numpy()].isna().sum().sum()),
        **{gap: n for gap, n in gaps.items() if n},
    }
    return numbers, counts | reasons.value_counts().to_dict()


def _listed(reasons: pd.Series) -> str:
    """Why rows are not used, with counts, and how many cells are empty although they are."""
    counts = [f"{n} {REASONS[str(reason)]}" for reason, n in reasons.value_counts().items()]
    return "; ".join([*counts, f"{int(reasons.isna().sum())} have empty cells only"])


def _chosen(cells: pd.DataFrame, table: PatientTable, place: str) -> list[str]:
    """The columns that headings or patterns name, in the table's order."""
    there = [str(c) for c in cells if c != table.key]
    for pattern in table.columns:
        if not any(_is_named(column, pattern) for column in there):
            raise CohortError(
                f"{table.path} has no column {pattern!r}, which {place}.columns asks for;"
                " correct it, or leave it out"
            )
    return [c for c in there if any(_is_named(c, pattern) for pattern in table.columns)]


def _is_named(column: str, pattern: str) -> bool:
    """Whether a heading or pattern names the column: ``age [years]`` is the heading itself."""
    return column == pattern or fnmatchcase(column, pattern)


def _rows(
    patients: pd.Series, table: pd.DataFrame, path: Path, key: str, columns: list[str], place: str
) -> tuple[pd.DataFrame, pd.Series]:
    """The cells of every patient, null where nothing is known, and why there is no row.

    Of several rows each may say what others leave empty.
    """
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
    cells = cells.drop_duplicates().set_index("patient")
    twice = cells[cells.index.duplicated(keep=False)]
    words = twice.apply(lambda column: column.map(plain_word, na_action="ignore"))
    differ = (words.groupby(level=0).nunique() > 1).any(axis=1)
    once = pd.concat([cells.drop(twice.index), twice.groupby(level=0).first()[~differ]])
    reasons = pd.Series(None, patients.index, dtype="str")
    reasons = reasons.mask(~patients.isin(cells.index), "no_row")
    reasons = reasons.mask(patients.isin(differ.index[differ]), "rows_differ")
    return once.reindex(patients), reasons
