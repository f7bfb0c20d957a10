"""Whether the data have the classes that a configuration names, and patients enough of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from medsynth.cohorts.assemble import summary_of
from medsynth.cohorts.fitness import UnfitCohort, check_fitness
from medsynth.cohorts.settings import CohortSettings
from medsynth.cohorts.splits import split_patients
from medsynth.genomics.evidence import Share
from medsynth.store.manifests import SPLITS, by_finding, classes_of, used
from medsynth.store.tables.spelling import did_you_mean

SHOWN = 12  # classes in a message


def absent_classes(
    frame: pd.DataFrame, wanted: Iterable[str], min_patients: int
) -> Iterator[tuple[str, str]]:
    """Classes that no used row has, and what to do about each.

    Values of fewer than `min_patients` patients are not shown: of a wrong column they may be names.
    """
    found = classes_of(frame)
    rows = by_finding(frame.dropna(subset=["label"]))
    patients = (
        rows.groupby("label")["patient"].nunique().sort_values(ascending=False, kind="stable")
    )
    shown = patients[patients >= min_patients][:SHOWN]
    listed = ", ".join(f"{name} ({n} patients)" for name, n in shown.items())
    for name in wanted:
        if name not in found:
            there = f"there are {listed or f'no classes of {min_patients} patients'}"
            near = did_you_mean(name, [other for other in shown.index if other != name])
            yield name, f"{there}; {near or 'correct the class, or leave it out'}"


def divided(
    name: str, frame: pd.DataFrame, cohort: CohortSettings, seed: int, thresholds: dict[str, Any],
    shares: Iterable[Share],
) -> tuple[dict[str, int], list[str]]:  # fmt: skip
    """Patients of each split as the workflow will divide them, and what is wrong with that.

    Args:
        name, cohort: of the cohort.
        frame: index manifest with labels, without digests.
        seed: of the configuration.
        thresholds: min_patients and max_quarantined.
        shares: of its genotype tables.

    Raises:
        CohortError: an official split that is absent, incomplete or contradicts itself.
    """
    splits = split_patients(frame, cohort.split, seed)
    frame = frame.assign(split=frame["patient"].map(splits.set_index("patient")["split"]))
    summary = summary_of(frame, len(frame)) | {"cohort": name}
    counts = used(frame).groupby("split")["patient"].nunique()
    patients = {split: int(counts.get(split, 0)) for split in SPLITS}
    try:
        tables = [share._asdict() for share in shares]
        named = cohort.label_kind() != "table"
        check_fitness(summary, tables, expected=[], named=named, **thresholds)
    except UnfitCohort as error:
        return patients, error.faults
    return patients, []
