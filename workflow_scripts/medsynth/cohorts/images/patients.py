"""What a second table, with a row a patient, says of the images."""

from __future__ import annotations

import pandas as pd

from medsynth.cohorts.images.table_settings import ImagesIndex, PatientColumns
from medsynth.cohorts.labels import read_csv
from medsynth.store.quarantine import CohortError


def with_columns_of_patients(
    table: pd.DataFrame, settings: ImagesIndex, beside: PatientColumns
) -> pd.DataFrame:
    """The images' table with the columns of the patients' table, null for patients it lacks.

    Raises:
        CohortError: it is missing, or lacks a column; both have one; it contradicts itself, or
            knows none of the patients.
    """
    wanted = [beside.key, *beside.columns]
    people = read_csv(beside.table, wanted)[wanted].drop_duplicates()
    if both := sorted(set(beside.columns) & set(table.columns)):
        raise CohortError(
            f"{beside.table}: {settings.table} has a column {both[0]!r}, too; rename one of them,"
            " or leave it out of index.patients.columns"
        )
    keys = plain_ids(people.pop(beside.key))
    people = people[keys.notna()].set_axis(keys.dropna())
    if twice := int(people.index.duplicated().sum()):
        raise CohortError(
            f"{beside.table}: {twice} rows contradict another one of the same patient; leave one"
            " row for each"
        )
    assert settings.columns.patient, "without patients a second table is refused"
    patients = plain_ids(table[settings.columns.patient])
    if not patients.isin(people.index).any():
        raise CohortError(
            f"{beside.table}: column {beside.key!r} has none of the patients of {settings.table};"
            " correct index.patients.key"
        )
    found = people.reindex(patients).set_axis(table.index)
    return table.assign(**{heading: found[heading] for heading in beside.columns})


def plain_ids(ids: pd.Series) -> pd.Series:
    """Identifiers: a spreadsheet makes 17.0 of 17 where a cell of the column is empty."""
    return ids.str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
