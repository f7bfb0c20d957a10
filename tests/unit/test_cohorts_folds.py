"""Folds: cut once by patient, carried by manifest, people and predictions, compared by the gate."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

import check_evaluation
from medsynth.cohorts.assemble import assemble
from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.overlap import people_of_folds, training_patients
from medsynth.cohorts.splits import carry_labels, split_patients
from medsynth.runtime.settings import Split
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import in_split, manifest
from medsynth.store.quarantine import CohortError
from medsynth.store.tables.parquet import write_table


def cohort(patients: int = 23, items: int = 2) -> pd.DataFrame:
    """Used items, three labels in turn."""
    return manifest(
        [
            {"patient": f"p{i:02d}", "label": "ABC"[i % 3], "status": "used", "group": f"g{i}"}
            | {"item_id": f"p{i:02d}:{k}", "source_sha256": f"{i}-{k}"}
            for i in range(patients)
            for k in range(items)
        ]
    )


def test_folds_are_equal_in_every_label_and_leave_the_splits_as_they_are():
    index = cohort()
    plain = split_patients(index, Split(), seed=1)
    splits = split_patients(index, Split(folds=4), seed=1)
    assert splits[["patient", "split"]].equals(plain)
    assert "fold" not in plain
    of_label = splits.merge(index.drop_duplicates("patient")[["patient", "label"]], on="patient")
    sizes = of_label.groupby("label")["fold"].value_counts().unstack(fill_value=0)
    assert sizes.shape == (3, 4)
    assert (sizes.max(axis=1) - sizes.min(axis=1) <= 1).all()
    assert splits.groupby("fold").size().tolist() == [6, 6, 6, 5]


def test_more_folds_than_patients_are_refused():
    with pytest.raises(CohortError, match="there are 4 patients"):
        split_patients(cohort(4), Split(folds=5), seed=1)


def test_the_manifest_carries_the_fold_also_where_labels_come_late():
    index = cohort()
    splits = split_patients(index, Split(folds=4), seed=1)
    labels = index.drop_duplicates("group")[["group", "label", "status", "reason"]]
    late = carry_labels(splits, index, labels)
    for given, of_labels in ((splits, None), (late, late)):
        frame, _, _ = assemble(index, [index], given, of_labels)
        rows = in_split(frame, "train")
        assert (rows["fold"] == rows["patient"].map(splits.set_index("patient")["fold"])).all()
        found = leakage(frame)
        assert found["ok"]
        assert found["patients_in_two_folds"] == found["items_in_two_folds"] == 0


def test_a_patient_and_an_image_in_two_folds_are_found():
    frame = cohort(8).assign(split="train", fold=pd.array([0, 1] * 8, dtype="Int64"))
    found = leakage(frame)
    assert (found["patients_in_two_folds"], found["ok"]) == (8, False)
    frame["fold"] = frame["patient"].str[-1].astype("Int64")
    frame["source_sha256"] = "same"
    assert leakage(frame)["items_in_two_folds"] == 1


@pytest.fixture
def inputs(tmp_path):
    """A model of three folds; each fold's part is tested on its fold, chosen by the next."""
    frame = cohort(9, items=1).assign(split="train", label="A")
    frame["fold"] = frame["patient"].str[-1].astype("Int64") % 3
    paths = {name: str(tmp_path / name) for name in ("manifest", "table")}
    weights, people = str(tmp_path / "model"), str(tmp_path / "people.parquet")
    (tmp_path / "model").write_text("weights")
    folds = {
        k: (frame[frame["fold"] == (k + 2) % 3], frame[frame["fold"] == (k + 1) % 3])
        for k in range(3)
    }
    write_table(people_of_folds(folds, digest_file(weights)), people)
    write_table(frame, paths["manifest"])
    made = frame[["patient", "fold"]].assign(model_sha256=digest_file(weights))
    write_table(made, paths["table"])
    return SimpleNamespace(**paths, weights=[weights], people=[people], made=made, frame=frame)


def test_everybody_is_judged_by_the_part_that_has_not_seen_him(inputs):
    (found,) = check_evaluation.check(inputs).values()
    assert found == {
        "patients_seen": 0, "images_seen": 0, "list_of_these_weights": True, "ok": True
    }  # fmt: skip


@pytest.mark.parametrize("role", [1, 2], ids=["chose the step", "was trained on"])
def test_a_patient_predicted_in_another_fold_is_refused(inputs, role):
    wrong = inputs.made.copy()
    wrong.loc[0, "fold"] = (wrong.loc[0, "fold"] + 3 - role) % 3
    write_table(wrong, inputs.table)
    with pytest.raises(MedsynthError, match="1 patients and 1 images that it is judged by"):
        check_evaluation.check(inputs)


def test_a_model_without_folds_may_have_seen_nobody(inputs):
    digest = digest_file(inputs.weights[0])
    write_table(training_patients(inputs.frame[:1], digest), inputs.people[0])
    with pytest.raises(MedsynthError, match="1 patients and 1 images"):
        check_evaluation.check(inputs)


def test_a_fold_that_no_part_was_trained_for_is_refused(inputs):
    write_table(inputs.made.assign(fold=7), inputs.table)
    with pytest.raises(MedsynthError, match="is not the list of whom"):
        check_evaluation.check(inputs)
