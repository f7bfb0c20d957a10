"""Whose the bytes of an image's files are, in the index, in the shard and at the gate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.overlap import training_overlap, training_patients
from tests.unit.image_files import cohort, encoded, indexed, levels, made

NAMES = "abcdef"
FILES = {name: encoded(levels() // (k + 1)) for k, name in enumerate(NAMES)}
FILES |= {f"{name}2": FILES[name] for name in NAMES}  # the same bytes once more
ROLES = {"file": {"before": "image", "after": "after"}}


def told(root, rows: list[dict], columns: dict | None = None) -> list[str | None]:
    """The reason of every row, in their order; null if it is used."""
    frame = indexed(cohort(root, FILES, rows, columns)).set_index("source")
    reasons = [frame.loc[row["image"], "reason"] for row in rows]
    return [None if pd.isna(reason) else reason for reason in reasons]


def row(image: str, patient: str, **others: str) -> dict:
    return {"image": image, "patient": patient, "label": "x"} | others


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (row("a", "1", after="b"), row("c", "2", after="b")),
        (row("a", "1", after="b"), row("c", "2", after="b2")),
        (row("a", "1", after="b"), row("b2", "2", after="c")),
        (row("a", "1", after="b"), row("c", "2", after="a2")),
    ],
    ids=["after", "bytes of after", "after and before", "before and after"],
)
def test_a_file_of_two_patients_is_nobodys_in_any_role(tmp_path, one, other):
    third = row("d", "3", after="e")
    assert told(tmp_path, [one, other, third], ROLES) == ["whose_bytes"] * 2 + [None]


def test_a_file_of_one_patient_may_stand_in_several_roles(tmp_path):
    rows = [row("a", "1", after="b"), row("b2", "1", after="c")]  # first, second, third visit
    assert told(tmp_path, rows, ROLES) == [None, None]


@pytest.mark.parametrize("after", ["a", "a2"])
def test_two_roles_of_the_same_bytes_are_not_two_images(tmp_path, after):
    rows = [row("a", "1", after=after), row("b", "2", after="c")]
    assert told(tmp_path, rows, ROLES) == ["role_copy", None]


@pytest.mark.parametrize("mask", ["a", "a2"])
def test_an_image_is_not_its_own_mask(tmp_path, mask):
    rows = [row("a", "1", mask=mask), row("b", "2", mask="")]
    assert told(tmp_path, rows, {"mask": "mask"}) == ["role_copy", None]


def test_a_mask_that_is_the_image_of_another_patient_is_nobodys(tmp_path):
    rows = [row("a", "1", mask="b"), row("b", "2", mask="c"), row("d", "3", mask="e")]
    assert told(tmp_path, rows, {"mask": "mask"}) == ["whose_bytes"] * 2 + [None]


@pytest.mark.parametrize(("inside", "reason"), [(0, None), (1, None), (0.5, "whose_bytes")])
def test_only_a_mask_without_content_is_of_several_patients(tmp_path, inside, reason):
    mask = np.zeros((12, 16), np.uint8)
    mask[: round(12 * inside)] = 1
    rows = [row("a", "1", mask="m"), row("b", "2", mask="n"), row("c", "3", mask="c_mask")]
    own = encoded(levels() > 99)
    files = FILES | {"m": encoded(mask), "n": encoded(mask), "c_mask": own}
    frame = made(cohort(tmp_path, files, rows, {"mask": "mask"}), tmp_path / "0.h5")
    found = frame.set_index("item_id")["reason"].reindex(["a", "b", "c"]).fillna("-")
    assert found.tolist() == [reason or "-"] * 2 + ["-"]


@pytest.mark.parametrize(
    ("columns", "one", "other"),
    [
        ({"labels": ["label", "grade"]}, {"grade": "G1"}, {"grade": "G2"}),
        ({"covariates": {"age": "years"}}, {"years": "30"}, {"years": "60"}),
        ({"covariates": {"age": "years"}}, {"years": "30"}, {"years": ""}),
        ({"text": "note"}, {"note": "calm"}, {"note": "ill"}),
        ({"mask": "mask"}, {"mask": "b"}, {"mask": "c"}),
    ],
    ids=["label", "age", "empty", "text", "mask"],
)
def test_copies_that_are_described_differently_are_set_aside(tmp_path, columns, one, other):
    rows = [row("a", "1", **one), row("a2", "1", **other), row("d", "2", **one)]
    if "mask" in one:
        rows[2]["mask"] = "e"
    assert told(tmp_path, rows, columns) == ["copies_differ"] * 2 + [None]


def test_copies_that_are_described_alike_are_used_once(tmp_path):
    columns = {"mask": "mask", "text": "note", "group": "study"}
    rows = [row("a", "1", mask="b", note="n", study="s"), row("a2", "1", mask="b2", note="n")]
    rows[1]["study"] = "t"
    assert told(tmp_path, rows, columns) == [None, "copy"]


def items(**columns: list) -> pd.DataFrame:
    frame = pd.DataFrame({"patient": ["1", "2"], "split": ["train", "test"]} | columns)
    return frame.assign(status="used")


@pytest.mark.parametrize(
    ("columns", "twice"),
    [
        ({"source_sha256": ["a", "b"], "source_after_sha256": ["c", "d"]}, 0),
        ({"source_sha256": ["a", "b"], "source_after_sha256": ["c", "c"]}, 1),
        ({"source_sha256": ["a", "b"], "source_after_sha256": ["b", "d"]}, 1),
        ({"source_sha256": ["a", "b"], "mask_sha256": ["m", "m"], "mask_share": [0.2, 0.2]}, 1),
        ({"source_sha256": ["a", "b"], "mask_sha256": ["m", "m"], "mask_share": [0.0, 0.0]}, 0),
    ],
    ids=["none", "after", "across", "mask", "empty mask"],
)
def test_the_gates_look_at_every_file_of_an_image(columns, twice):
    frame = items(**columns)
    assert leakage(frame)["items_twice"] == twice
    people = training_patients(frame[:1], "m")
    assert training_overlap(frame[1:], people, "m")["images_seen"] == twice
