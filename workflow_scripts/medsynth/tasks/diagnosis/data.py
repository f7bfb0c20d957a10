"""What diagnosis trains on and predicts: patients with their images, tables and folds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.patients.columns import OF, TARGETS
from medsynth.metrics.diagnosis.determination import Judged, tell_classes, tell_survival
from medsynth.metrics.diagnosis.names import named_as_label, named_as_survival
from medsynth.models.patients import DescribedPatients, PatientData, Positions, Told
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import class_indices, classes_of, has_several, used
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table

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
    rows = used(read_table(inputs.manifest))
    of = described(rows, read_table(inputs.patients), inputs.manifest)
    chosen = rows[rows["patient"].isin(of.patients)]
    store = ImageStore(chosen, Path(inputs.shards[0]).parent)
    place = pd.Series(np.arange(len(of.patients)), index=of.patients)
    data = PatientData(**vars(of), images=store, patient=place[chosen["patient"]].to_numpy())
    return replace(data, folds=_rows_of_folds(data))


def described(rows: pd.DataFrame, table: pd.DataFrame, where: str) -> DescribedPatients:
    """The patients of rows, of whom each has one class, as tables describe them.

    Args:
        rows: DataFrame(patient, label, fold), of used images.
        table: of the rule read_patients.
        where: the file of the rows, for people.

    Raises:
        UnfitPatients: images have several findings, or there are no folds.
    """
    if has_several(rows):
        raise UnfitPatients(
            f"{where}: images have several findings, and a patient has one diagnosis; set several:"
            " exclude, or take one class a patient"
        )
    if "fold" not in rows:
        raise UnfitPatients(f"{where} has no folds; set split.folds of the cohort")
    one_class = rows.groupby("patient")["label"].transform("nunique") == 1
    left_out = int(rows.loc[~one_class, "patient"].nunique())
    if left_out:
        log.warning("%d patients with images of several classes are left out", left_out)
    of_patient = rows[one_class].drop_duplicates("patient").sort_values("patient")
    patients, classes = of_patient["patient"].tolist(), classes_of(of_patient)
    by_patient = table.set_index("patient").reindex(patients)
    numbers = by_patient.drop(columns=SURVIVAL, errors="ignore")
    columns: dict[str, list[str]] = {}
    for name in numbers:
        of, _, column = str(name).partition(OF)
        columns.setdefault(of, []).append(column)
    labels, months, event = class_indices(of_patient, classes), None, None
    called = table.attrs.get(TARGETS, {"label": [], "survival": []})
    plain = {str(c): str(c).partition(OF)[2] for c in numbers}
    if "months" in by_patient:
        months = np.array(by_patient["months"], dtype=np.float64)
        event = np.array(by_patient["event"].fillna(False), dtype=bool)

    def tell(target: str, chosen: Positions) -> Told:
        some = numbers.iloc[chosen]
        if target == "label":
            named = named_as_label(called["label"], classes, plain.values())
            return _told(plain, named, tell_classes(some, labels[chosen], classes))
        assert months is not None
        assert event is not None
        named = named_as_survival(called["survival"], plain.values())
        return _told(plain, named, tell_survival(some, months[chosen], event[chosen]))

    return DescribedPatients(
        patients=patients,
        fold=of_patient["fold"].to_numpy(dtype=np.int64),
        tables={
            of: np.array(numbers[[f"{of}{OF}{c}" for c in own]], dtype=np.float32)
            for of, own in columns.items()
        },
        columns=columns,
        labels=labels,
        classes=classes,
        months=months,
        event=event,
        left_out=left_out,
        tell=tell,
    )


def _told(plain: Mapping[str, str], named: Mapping[str, str], by_value: Judged) -> Told:
    """What names and values tell, of columns as TABLE:COLUMN, whose plain names are given.

    A name alone is no proof.
    """
    by_name = {c: named[name] for c, name in plain.items() if name in named}
    alone = [c for c in by_value.too_few if c not in by_name]
    reasons = {c: [of[c] for of in (by_name, by_value.found) if c in of] for c in plain}
    refused = {
        c: f"{'tells' if c in by_value.found else 'may tell'} the target itself: {'; '.join(why)}"
        for c, why in reasons.items()
        if why
    }
    return Told(refused, alone, by_value.not_compared)


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
