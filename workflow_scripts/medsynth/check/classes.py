"""Whether patients, as they will be divided, are enough of each class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from medsynth.cohorts.assemble import summary_of
from medsynth.cohorts.gates.fitness import UnfitCohort, check_fitness
from medsynth.cohorts.settings import CohortSettings
from medsynth.cohorts.splits import few_of_no_use, split_patients
from medsynth.genomics.evidence import Share
from medsynth.store.manifests import SPLITS, used


class Divided(NamedTuple):
    """A cohort's patients as the workflow will divide them.

    Attributes:
        splits: as :func:`split_patients` gives them.
        patients: how many are in each split.
        faults: what is wrong with that.
        idle: what of the settings changes nothing.
    """

    splits: pd.DataFrame
    patients: dict[str, int]
    faults: list[str]
    idle: list[str]


def divided(
    name: str, frame: pd.DataFrame, cohort: CohortSettings, seed: int, thresholds: dict[str, Any],
    shares: Iterable[Share],
) -> Divided:  # fmt: skip
    """Divide the patients, and judge whether they are enough.

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
    idle = list(few_of_no_use(splits, frame, cohort.split.few, seed))
    frame = frame.assign(split=frame["patient"].map(splits.set_index("patient")["split"]))
    summary = summary_of(frame, len(frame)) | {"cohort": name}
    counts = used(frame).groupby("split")["patient"].nunique()
    patients = {split: int(counts.get(split, 0)) for split in SPLITS}
    try:
        tables = [share._asdict() for share in shares]
        named = cohort.label_kind() != "table"
        check_fitness(summary, tables, expected=[], named=named, **thresholds)
    except UnfitCohort as error:
        return Divided(splits, patients, error.faults, idle)
    return Divided(splits, patients, [], idle)
