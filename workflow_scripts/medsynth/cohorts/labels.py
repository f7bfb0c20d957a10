"""Label tables: how they are read, which row is whose, and whether a class is among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from medsynth.runtime.settings import TableLabel
from medsynth.store.manifests import by_finding, classes_of
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.delimited import read_table
from medsynth.store.tables.findings import JOINT
from medsynth.store.tables.header import headings_of, missing_columns, repeated_column
from medsynth.store.tables.spelling import did_you_mean

SHOWN = 12  # classes in a message


def read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """Read a CSV or TSV as text, as it is written but for the space around it.

    Only empty cells are null: ``NA``, ``None`` and ``null`` are words like others.

    Raises:
        CohortError: see :func:`.delimited.read_table`, or some of `columns` are not there, or
            twice.
    """
    table = read_table(path)
    check_columns(table, path, columns)
    return table.replace({"": None})


def check_columns(table: pd.DataFrame, path: Path, columns: list[str]) -> None:
    """Refuse a table in which columns are missing, or stand twice.

    Raises:
        CohortError: it is one.
    """
    if missing := [c for c in columns if c not in table.columns]:
        raise CohortError(f"{path}: {missing_columns(missing, list(table.columns))}")
    if twice := repeated_column(columns, headings_of(path)):
        raise CohortError(f"{path}: {twice}")


def read_labels(settings: TableLabel, *others: str) -> pd.DataFrame:
    """The label table, indexed by its key column, with a column "label"; empty cells are null.

    Args:
        settings: the table and its columns.
        others: columns that are used, too, if the table has them.

    Raises:
        CohortError: file or columns missing, or one key with two labels, or two values of another
            column that is used.
    """
    table = read_csv(settings.path, [settings.key, settings.value])
    check_classes(table[settings.value], f"{settings.path}: column {settings.value!r}")
    table = table.assign(label=table[settings.value]).dropna(subset=[settings.key])
    others = tuple(column for column in others if column in table)
    table = table.drop_duplicates([settings.key, "label", *others]).set_index(settings.key)
    if twice := table.index.duplicated().sum():
        columns = " or ".join(map(repr, (settings.value, *others)))
        raise CohortError(
            f"{settings.path}: {twice} keys in {settings.key!r} have two different values in"
            f" {columns}; leave one row for each image"
        )
    return table


def check_classes(labels: pd.Series, where: str) -> None:
    """Refuse classes that look like several findings of one image.

    Raises:
        CohortError: one does.
    """
    if joint := labels.dropna()[lambda words: words.str.contains(JOINT, regex=False)].nunique():
        raise CohortError(
            f"{where}: {joint} classes hold {JOINT!r}, which stands between several findings of one"
            " image; write them in another way"
        )


def absent_classes(
    frame: pd.DataFrame, wanted: Iterable[str], min_patients: int
) -> Iterator[tuple[str, str]]:
    """Classes that no used row has, and what to do about each.

    Values of fewer than `min_patients` patients are not shown: of a wrong column they may be names.
    """
    found = classes_of(frame)
    if not (absent := [name for name in wanted if name not in found]):
        return
    rows = by_finding(frame.dropna(subset=["label"]))
    patients = (
        rows.groupby("label")["patient"].nunique().sort_values(ascending=False, kind="stable")
    )
    shown = patients[patients >= min_patients][:SHOWN]
    listed = ", ".join(f"{name} ({n} patients)" for name, n in shown.items())
    for name in absent:
        there = f"there are {listed or f'no classes of {min_patients} patients'}"
        near = did_you_mean(name, [other for other in shown.index if other != name])
        yield name, f"{there}; {near or 'correct the class, or leave it out'}"


def check_names(files: list[Path], root: Path, table: pd.DataFrame) -> None:
    """Refuse a table that labels several files by one key.

    Archives number the slices of every series alike; a bare name would label all of them.

    Raises:
        CohortError: it does.
    """
    keys = Counter(_key_of(table, file, root) for file in files)
    if twice := sum(n > 1 for key, n in keys.items() if key is not None):
        raise CohortError(
            f"{twice} keys of the label table belong to several files each; give paths relative to"
            " root"
        )


def row_of(table: pd.DataFrame, file: Path, root: Path) -> pd.Series | None:
    """The label row whose key is the file's path below `root` or its name, with or without suffix.

    The path goes before the name.
    """
    key = _key_of(table, file, root)
    return None if key is None else table.loc[key]


def _key_of(table: pd.DataFrame, file: Path, root: Path) -> str | None:
    path = file.relative_to(root)
    for whole in (path, Path(path.name)):
        unpacked = whole.with_name(whole.name.removesuffix(".gz"))  # also of .nii.gz the suffix
        for key in (whole, whole.with_suffix(""), unpacked.with_suffix("")):
            if key.as_posix() in table.index:
                return key.as_posix()
    return None
