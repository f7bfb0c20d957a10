"""What diagnosis trains on and predicts: patients with their images, tables and folds."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.metrics.diagnosis.determination import named_as, tell_classes, tell_survival
from medsynth.models.patients import PatientData, Positions
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import class_indices, classes_of, has_several, used
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table

OF = ":"  # between the names of table and column
SURVIVAL = ["months", "event", "survival_reason"]

log = logging.getLogger(__name__)


class UnfitPatients(MedsynthError):
    """The cohort's patients have no one class, or no folds."""


def training_data(inputs: Any, seed: int, validation_images: int) -> PatientData:
    """All patients of the cohort who have an image; models of folds divide them.

    Args:
        inputs: of the rule: `manifest`, `shards`, `patients`.
        seed: not used, nothing is drawn.
        validation_images: not used: all images of a fold's patients are looked at.

    Raises:
        UnfitPatients: images have several findings, or there are no folds.
    """
    manifest, table = read_table(inputs.manifest), read_table(inputs.patients)
    rows = used(manifest)
    if has_several(rows):
        raise UnfitPatients(
            f"{inputs.manifest}: images have several findings, and a patient has one diagnosis;"
            " set several: exclude, or take one class a patient"
        )
    if "fold" not in rows:
        raise UnfitPatients(f"{inputs.manifest} has no folds; set split.folds of the cohort")
    one_class = rows.groupby("patient")["label"].transform("nunique") == 1
    left_out = int(rows.loc[~one_class, "patient"].nunique())
    if left_out:
        log.warning("%d patients with images of several classes are left out", left_out)
    store = ImageStore(rows[one_class], Path(inputs.shards[0]).parent)
    of_patient = store.manifest.drop_duplicates("patient").sort_values("patient")
    patients = of_patient["patient"].tolist()
    described = table.set_index("patient").reindex(patients)
    columns: dict[str, list[str]] = {}
    for name in described.columns.drop(SURVIVAL, errors="ignore"):
        of, _, column = str(name).partition(OF)
        columns.setdefault(of, []).append(column)
    classes = classes_of(store.manifest)
    place = pd.Series(np.arange(len(patients)), index=patients)
    months = event = None
    if "months" in described:
        months = np.array(described["months"], dtype=np.float64)
        event = np.array(described["event"].fillna(False), dtype=bool)
    data = PatientData(
        images=store,
        patient=place[store.manifest["patient"]].to_numpy(),
        patients=patients,
        fold=of_patient["fold"].to_numpy(dtype=np.int64),
        tables={
            of: np.array(described[[f"{of}{OF}{c}" for c in own]], dtype=np.float32)
            for of, own in columns.items()
        },
        columns=columns,
        labels=class_indices(of_patient, classes),
        classes=classes,
        months=months,
        event=event,
        left_out=left_out,
        tell=lambda target, chosen: {},
    )
    numbers = described.drop(columns=SURVIVAL, errors="ignore")

    def tell(target: str, chosen: Positions) -> dict[str, str]:
        return columns_that_tell(data, numbers, target, chosen)

    return replace(data, tell=tell, folds=_rows_of_folds(data))


def columns_that_tell(
    data: PatientData, numbers: pd.DataFrame, target: str, chosen: Positions
) -> dict[str, str]:
    """Columns, as TABLE:COLUMN, that are the target of these patients, and why."""
    some, plain = numbers.iloc[chosen], {c: c.partition(OF)[2] for c in numbers}
    if target == "survival":
        assert data.months is not None
        assert data.event is not None
        named = named_as(["survival"], plain.values())
        told = tell_survival(some, data.months[chosen], data.event[chosen])
    else:
        named = named_as(data.classes, plain.values())
        told = tell_classes(some, data.labels[chosen], data.classes)
    return told | {c: named[name] for c, name in plain.items() if name in named}


def _rows_of_folds(data: PatientData) -> dict[int, tuple[pd.DataFrame, pd.DataFrame]]:
    """The rows of whom each fold's model is trained on, and of whom its step is chosen by.

    Of survival fewer may be used: who has none is among them all the same.
    """
    rows, fold = data.manifest, data.fold[data.patient]
    n = data.n_folds
    return {
        k: (rows[(fold != k) & (fold != (k + 1) % n)], rows[fold == (k + 1) % n]) for k in range(n)
    }


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    return [digest_file(inputs.manifest), digest_file(inputs.patients), *made_from(inputs.shards)]
