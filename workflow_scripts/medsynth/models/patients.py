"""Patients with several modalities, some of them missing, and what is to be told of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from medsynth.models.contract import TrainingData
from medsynth.store.shards import ImageStore

Positions = np.ndarray


@dataclass(frozen=True)
class PatientData(TrainingData):
    """What diagnosis trains on and predicts: all patients of a cohort, with their folds.

    The model of a fold is tested on that fold's patients, its step is chosen by those of the next
    fold, and it is trained on all others.

    Attributes:
        images: of all patients.
        patient: whose each image is, (len(images),) positions in `patients`.
        patients: ids, sorted.
        fold: of each patient, (n,) from 0.
        tables: by modality (n, p) float32, NaN where nothing is known.
        columns: names of the columns of each table.
        labels: class of each patient, (n,) indices into `classes`.
        classes: names.
        months, event: survival, (n,) float64 with NaN and bool; of cohorts that have it.
        left_out: patients of the cohort whose images are of several classes.
        tell: columns, as TABLE:COLUMN, by which these patients' target is as good as known, and
            why; takes the target and positions. Who trains need know no metrics.
    """

    images: ImageStore
    patient: Positions
    patients: list[str]
    fold: np.ndarray
    tables: Mapping[str, np.ndarray]
    columns: Mapping[str, list[str]]
    labels: np.ndarray
    classes: list[str]
    months: np.ndarray | None
    event: np.ndarray | None
    left_out: int
    tell: Callable[[str, Positions], dict[str, str]]

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return self.images.manifest

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
