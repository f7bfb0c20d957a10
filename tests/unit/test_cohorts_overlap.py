"""The gate before evaluation: it must fail whenever the real set was seen in training."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

import check_evaluation
from medsynth.cohorts.overlap import training_overlap, training_patients
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import manifest
from medsynth.store.tables.parquet import write_table

MODEL = "m" * 64
CLEAN = {"patients_seen": 0, "images_seen": 0, "list_of_these_weights": True, "ok": True}


def items(*rows):
    """(patient, source, split) each."""
    keys = ("patient", "source_sha256", "split")
    return manifest([dict(zip(keys, row, strict=True)) | {"status": "used"} for row in rows])


TRAIN = items(("a", "1", "train"), ("a", "1", "train"), ("b", "2", "train"))


VALIDATE = items(("d", "4", "validate"), ("d", "4", "validate"))


def test_the_list_has_every_file_once_and_says_what_it_did():
    people = training_patients(TRAIN, MODEL, (), VALIDATE)
    assert people.to_dict("records") == [
        {"patient": "a", "source_sha256": "1", "split": "train", "model_sha256": MODEL},
        {"patient": "b", "source_sha256": "2", "split": "train", "model_sha256": MODEL},
        {"patient": "d", "source_sha256": "4", "split": "validate", "model_sha256": MODEL},
    ]


def test_who_chose_the_step_may_not_judge_it():
    people = training_patients(TRAIN, MODEL, (), VALIDATE)
    patient, image = items(("d", "5", "test")), items(("e", "4", "test"))
    assert training_overlap(patient, people, MODEL) == CLEAN | {"patients_seen": 1, "ok": False}
    assert training_overlap(image, people, MODEL) == CLEAN | {"images_seen": 1, "ok": False}


@pytest.mark.parametrize(
    ("real", "model", "found"),
    [
        (items(("c", "3", "test")), MODEL, CLEAN),
        (
            items(("a", "4", "test"), ("a", "5", "test")),
            MODEL,
            CLEAN | {"patients_seen": 1, "ok": False},
        ),
        (items(("c", "2", "test")), MODEL, CLEAN | {"images_seen": 1, "ok": False}),
        (
            items(("c", "3", "test")),
            "n" * 64,
            CLEAN | {"list_of_these_weights": False, "ok": False},
        ),
    ],
    ids=["clean", "a patient", "an image under another name", "another model's list"],
)
def test_what_was_trained_on_is_found(real, model, found):
    assert training_overlap(real, training_patients(TRAIN, MODEL), model) == found


def test_an_empty_list_proves_nothing():
    assert not training_overlap(TRAIN, training_patients(TRAIN[:0], MODEL), MODEL)["ok"]


@pytest.fixture
def inputs(tmp_path):
    """Model and classifier, trained on patient a; c is held out."""
    paths = {name: str(tmp_path / name) for name in ("manifest", "table")}
    names = ("model", "classifier")
    weights = [str(tmp_path / name) for name in names]
    people = [str(tmp_path / f"{name}.parquet") for name in names]
    for path, listed in zip(weights, people, strict=True):
        with open(path, "w") as file:
            file.write(path)
        write_table(training_patients(items(("a", "1", "train")), digest_file(path)), listed)
    write_table(items(("a", "1", "train"), ("c", "3", "test")), paths["manifest"])
    write_table(pd.DataFrame({"model_sha256": [digest_file(weights[0])]}), paths["table"])
    return SimpleNamespace(**paths, weights=weights, people=people)


def test_held_out_patients_pass(inputs):
    assert list(check_evaluation.check(inputs).values()) == [CLEAN, CLEAN]


def test_a_training_patient_moved_to_test_afterwards_is_refused(inputs):
    write_table(items(("a", "1", "test"), ("c", "3", "test")), inputs.manifest)
    with pytest.raises(MedsynthError, match="1 patients and 1 images that it is judged by"):
        check_evaluation.check(inputs)


def test_the_classifiers_people_count_too(inputs):
    judge, listed = inputs.weights[1], inputs.people[1]
    write_table(training_patients(items(("c", "9", "train")), digest_file(judge)), listed)
    with pytest.raises(MedsynthError, match=r"a part in the training of \S*classifier"):
        check_evaluation.check(inputs)


def test_a_list_of_other_weights_is_refused(inputs):
    with open(inputs.weights[1], "a") as file:
        file.write("trained again")
    with pytest.raises(MedsynthError, match="is not the list of whom"):
        check_evaluation.check(inputs)


def test_images_of_another_model_are_refused(inputs):
    write_table(pd.DataFrame({"model_sha256": ["other"]}), inputs.table)
    with pytest.raises(MedsynthError, match="not of the model"):
        check_evaluation.check(inputs)
