"""A column of splits of a user's table."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.splits import split_patients
from medsynth.store.quarantine import CohortError
from tests.unit.image_files import cohort, indexed, pngs, row


def test_a_column_of_splits_is_followed(tmp_path):
    names = [f"{k}.png" for k in range(6)]
    words = ["train", "Training", "val", "test", "train", "train"]
    rows = [row(n, f"p{k}", s=w) for k, (n, w) in enumerate(zip(names, words, strict=True))]
    settings = cohort(tmp_path, pngs(*names), rows, {"split": "s"})
    frame = indexed(settings)
    splits = split_patients(frame, settings.split, seed=1).set_index("patient")["split"]
    expected = ["train", "train", "validate", "test", "train", "train"]
    assert list(splits[[f"p{k}" for k in range(6)]]) == expected
    assert leakage(frame.assign(split=frame["patient"].map(splits)))["ok"]


@pytest.mark.parametrize(
    ("words", "match"),
    [(["train", "test"], "puts 1 patients in two splits"), (["train", "fold 1"], "in 1 rows")],
)
def test_splits_that_contradict_or_are_unknown(tmp_path, words, match):
    rows = [row("a.png", s=words[0]), row("b.png", s=words[1])]
    settings = cohort(tmp_path, pngs("a.png", "b.png"), rows, {"split": "s"})
    with pytest.raises(CohortError, match=match):
        indexed(settings)


@pytest.mark.parametrize(
    ("columns", "official"), [({"split": "label"}, False), ({}, True)], ids=["column", "official"]
)
def test_column_and_setting_of_the_split_agree(tmp_path, columns, official):
    with pytest.raises(ValidationError, match="index.columns.split"):
        cohort(tmp_path, {}, [row("a")], columns, split={"official": official})


def test_an_empty_cell_of_a_split_is_told_as_that(tmp_path):
    rows = [row("a.png", s="train"), row("b.png", "p2", s=""), row("c.png", "p3", "", s="")]
    settings = cohort(tmp_path, pngs("a.png", "b.png", "c.png"), rows, {"split": "s"})
    with pytest.raises(CohortError, match="column 's' is empty in 1 rows"):
        indexed(settings)
