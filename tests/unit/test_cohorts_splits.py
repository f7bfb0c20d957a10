"""Division of patients: complete, disjoint, stratified, stable; and the gate that proves it."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest

from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.splits import split_patients
from medsynth.runtime.settings import Split
from medsynth.store.manifests import manifest
from medsynth.store.quarantine import CohortError


def cohort(labels: dict[str, list[str]]) -> pd.DataFrame:
    """One used row for every label of every patient."""
    rows = [
        {"patient": patient, "label": label, "status": "used", "item_id": f"{patient}{i}"}
        for patient, own in labels.items()
        for i, label in enumerate(own)
    ]
    return manifest(rows)


def counts(index: pd.DataFrame, split: pd.DataFrame) -> pd.DataFrame:
    joined = index.merge(split, on="patient", suffixes=("_", ""))
    return joined.groupby(["label", "split"])["patient"].nunique().unstack(fill_value=0)


def test_every_label_is_divided_by_the_fractions():
    index = cohort({f"p{i}": ["A"] if i < 60 else ["B"] for i in range(100)})
    split = split_patients(index, Split(validate_fraction=0.15, test_fraction=0.2), seed=1)
    assert split["patient"].tolist() == sorted(index["patient"].unique())
    table = counts(index, split)
    assert table.loc["A"].to_dict() == {"test": 12, "train": 39, "validate": 9}
    assert table.loc["B"].to_dict() == {"test": 8, "train": 26, "validate": 6}


def test_order_is_the_hash_of_seed_and_patient():
    patients = [f"p{i}" for i in range(10)]
    index = cohort({p: ["A"] for p in patients})
    split = split_patients(index, Split(validate_fraction=0, test_fraction=0.3), seed=5)
    ranked = sorted(patients, key=lambda p: hashlib.sha256(f"5:{p}".encode()).hexdigest())
    assert set(split.loc[split["split"] == "test", "patient"]) == set(ranked[:3])
    other = split_patients(index, Split(validate_fraction=0, test_fraction=0.3), seed=6)
    assert not split.equals(other)
    shuffled = index.sample(frac=1, random_state=0)
    assert split.equals(
        split_patients(shuffled, Split(validate_fraction=0, test_fraction=0.3), seed=5)
    )


@pytest.mark.parametrize("seed", range(40))
def test_small_and_mixed_labels_reach_train_and_test(seed):
    rng = np.random.default_rng(seed)
    labels = {}
    for i in range(int(rng.integers(3, 14))):
        k = int(rng.integers(1, 4))
        labels[f"p{i}"] = rng.choice(["A", "B", "C"], size=k, p=[0.7, 0.2, 0.1]).tolist()
    index = cohort(labels)
    table = counts(index, split_patients(index, Split(), seed))
    for label, patients in index.groupby("label")["patient"].nunique().items():
        if patients >= 3:
            assert table.loc[label].get("train", 0) >= 1, (label, labels)
            assert table.loc[label].get("test", 0) >= 1, (label, labels)


def test_patients_without_usable_rows_are_left_out():
    index = cohort({"p1": ["A"], "p2": ["A"], "p3": ["A"]})
    index.loc[index["patient"] == "p2", "status"] = "quarantined"
    assert split_patients(index, Split(), 1)["patient"].tolist() == ["p1", "p3"]


def test_official_split():
    index = cohort({"p1": ["A", "A"], "p2": ["A"], "p3": ["A"]})
    official = Split(official=True)
    with pytest.raises(CohortError, match="4 images have no published split"):
        split_patients(index, official, 1)
    index["split_hint"] = ["train", "train", "validate", "test"]
    split = split_patients(index, official, 1)
    assert split["split"].tolist() == ["train", "validate", "test"]
    index["split_hint"] = ["train", "test", "validate", None]
    with pytest.raises(CohortError, match="1 images have no published split"):
        split_patients(index, official, 1)
    index["split_hint"] = ["train", "test", "validate", "test"]
    with pytest.raises(CohortError, match="1 patients in two splits"):
        split_patients(index, official, 1)


def test_leakage_counts_patients_and_repeated_items():
    rows = manifest(
        [
            {"patient": "p1", "split": "train", "source_sha256": "s1", "status": "used"},
            {"patient": "p1", "split": "train", "source_sha256": "s2", "status": "used"},
            {"patient": "p2", "split": "test", "source_sha256": "s3", "status": "used"},
            {"patient": "p2", "split": None, "source_sha256": "s1", "status": "excluded"},
        ]
    )
    clean = {"patients_in_two_splits": 0, "items_twice": 0, "ok": True}
    assert leakage(rows) == clean
    rows.loc[1, "split"] = "test"
    assert leakage(rows) == {"patients_in_two_splits": 1, "items_twice": 0, "ok": False}
    rows.loc[1, "split"], rows.loc[2, "source_sha256"] = "train", "s1"
    assert leakage(rows) == {"patients_in_two_splits": 0, "items_twice": 1, "ok": False}
    # two tiles of one slide are two items
    tiles = rows.assign(x=[0, 32, 64, 0], y=0)
    assert leakage(tiles) == clean
    assert leakage(tiles.assign(x=0))["items_twice"] == 1
