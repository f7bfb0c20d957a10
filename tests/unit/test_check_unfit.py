"""An experiment that does not fit its cohort is a mistake; its data are then not judged by it."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import yaml
from PIL import Image

from medsynth.check.whole import check_file


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder of images with classes, and a table of their patients without survival."""
    folder = tmp_path_factory.mktemp("study")
    rows = [["file", "patient", "class", "age"]]
    for i in range(24):
        shade = np.random.default_rng(i).integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(shade).save(folder / f"{i}.png")
        rows.append([f"{i}.png", f"p{i:02d}", "ab"[i % 2], 20 + i * 7 % 50])
    with (folder / "table.csv").open("w") as file:
        csv.writer(file).writerows(rows)
    return folder


def told_of(folder, *experiments, **cohort):
    table = str(folder / "table.csv")
    columns = {"file": "file", "patient": "patient", "labels": "class"}
    images = {"kind": "images", "root": str(folder), "read": {"image_size": 8}}
    index = {"table": table, "columns": columns, "pattern": "*.png"}
    tables = {"all": {"path": table, "key": "patient", "columns": ["age"]}}
    if cohort.pop("patients", False):
        cohort["patients"] = {"tables": tables}
    file = folder / "my.yaml"
    config = {
        "cohorts": {"c": images | {"index": index} | cohort},
        "experiments": [{"cohort": "c"} | one for one in experiments],
    }
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    told = check_file(file)
    return told.mistakes, "\n".join(map(str, told.notes))


@pytest.mark.parametrize(
    ("family", "needs"),
    [
        ("captioner", "needs texts"),
        ("text_ddpm", "needs texts"),
        ("fusion", "needs patients"),
        ("cyclegan", "needs pairs"),
    ],
)
def test_what_the_cohort_lacks_is_told_with_its_line(study, family, needs):
    mistakes, notes = told_of(study, {"name": "x", "family": family})
    (mistake,) = [one for one in mistakes if one.place == "experiments.x.cohort"]
    assert needs in mistake.text and mistake.line.startswith(str(study / "my.yaml:"))
    assert "24 of 24 files have a row" in notes  # the cohort is looked at all the same


def test_survival_that_no_table_tells_is_one_mistake(study):
    wrong = {"name": "x", "family": "fusion", "train": {"target": "survival"}}
    (mistake,), _ = told_of(study, wrong, patients=True, split={"folds": 3})
    assert mistake.place == "experiments.x.train.target"


def test_experiments_beside_a_wrong_one_are_judged(study):
    wrong = {"name": "x", "family": "captioner"}
    right = {"name": "y", "family": "fusion"}
    mistakes, notes = told_of(study, wrong, right, patients=True, split={"folds": 3})
    assert [one.place for one in mistakes] == ["experiments.x.cohort"]
    assert "experiments.y.train: of 1 columns 1 were judged" in notes
