"""Patients with several modalities, some of them missing, and what is to be told of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from medsynth.models.contract import TrainingData
from medsynth.store.shards import ImageStore

Positions = np.ndarray


class Told(NamedTuple):
    """What of the tables is the target under another name, as far as names and values show.

    Attributes:
        refused: why, by column, as TABLE:COLUMN.
        by_name_alone: columns that too few patients have for their values to be compared.
        not_compared: classes of which there are too few patients, or too few others.
    """

    refused: dict[str, str]
    by_name_alone: list[str]
    not_compared: list[str]


@dataclass(frozen=True)
class DescribedPatients:
    """All patients of a cohort as tables describe them, with their folds.

    The model of a fold is tested on that fold's patients, its step is chosen by those of the next
    fold, and it is trained on all others.

    Attributes:
        patients: ids, sorted.
        fold: of each patient, (n,) from 0.
        tables: by modality (n, p) float32, NaN where nothing is known.
        columns: names of the columns of each table.
        labels: class of each patient, (n,) indices into `classes`.
        classes: names.
        months, event: survival, (n,) float64 with NaN and bool; of cohorts that have it.
        left_out: patients of the cohort whose images are of several classes.
        tell: by which columns these patients' target is as good as known; takes the target and
            positions. Who trains need know no metrics.
    """

    patients: list[str]
    fold: np.ndarray
    tables: Mapping[str, np.ndarray]
    columns: Mapping[str, list[str]]
    labels: np.ndarray
    classes: list[str]
    months: np.ndarray | None
    event: np.ndarray | None
    left_out: int
    tell: Callable[[str, Positions], Told]

    def known(self, target: str) -> np.ndarray:
        """Of whom the target is known, (n,) bool."""
        if target == "label":
            return np.full(len(self.patients), True)
        assert self.months is not None, "the configuration asks for survival only where it is"
        return ~np.isnan(self.months)

    def parts(self, fold: int, target: str) -> tuple[Positions, Positions, Positions]:
        """Positions of the patients that a fold's model is trained on, chosen by, and tested on."""
        known, following = self.known(target), (fold + 1) % self.n_folds
        tested, chosen = self.fold == fold, self.fold == following
        trained = ~tested & ~chosen
        return (
            np.flatnonzero(known & trained),
            np.flatnonzero(known & chosen),
            np.flatnonzero(known & tested),
        )

    @property
    def n_folds(self) -> int:
        return int(self.fold.max()) + 1


@dataclass(frozen=True)
class PatientData(DescribedPatients, TrainingData):
    """What diagnosis trains on and predicts: patients with their images.

    Attributes:
        images: of all patients.
        patient: whose each image is, (len(images),) positions in `patients`.
    """

    images: ImageStore
    patient: Positions

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return self.images.manifest
