"""The gate of targets is asked before anything is trained: by `medsynth check`."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from PIL import Image

from medsynth.check.whole import check_file
from medsynth.cohorts import splits

PATIENTS = 24


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder of images with a class, and tables of which some columns are the class."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "images").mkdir()
    rng = np.random.default_rng(0)
    images = ["file,patient,idh,IDH_STATUS,state"]
    patients = ["case,age,IDH1_mut,cluster,TP53_mut,rare,months,dead,IDH2_mut"]
    for i in range(PATIENTS):
        shade = rng.integers(0, 256, (8, 8), np.uint8)
        Image.fromarray(shade).save(folder / "images" / f"{i}.png")
        state = ("wildtype", "mutant")[i % 2]
        images.append(f"{i}.png,p{i:02d},IDH-{state},{state},{state}")
        rare = i if i < 6 else "NA"
        gene = int(rng.random() < 0.5)
        row = f"p{i:02d},{rng.integers(20, 80)},{int(rng.random() < 0.5)},{7 + i % 2},{gene},{rare}"
        patients.append(f"{row},{rng.integers(1, 90)},{int(i < 2)},{int(i == 1)}")
    (folder / "images.csv").write_text("\n".join(images))
    (folder / "patients.csv").write_text("\n".join(patients))
    return folder


def told_of(study, columns, more=(), few=None, labels="idh", **train):
    keyed = {"path": str(study / "patients.csv"), "key": "case"}
    survival = {"months": "months", "event": "dead", "happened": "1", "censored": "0"}
    columns_of = {"file": "file", "patient": "patient", "labels": labels}
    cohort = {
        "kind": "images",
        "root": str(study / "images"),
        "index": {"table": str(study / "images.csv"), "columns": columns_of},
        "read": {"image_size": 8},
        "split": {"folds": 3, "few": few or {}},
        "patients": {
            "tables": {"all": keyed | {"columns": columns}},
            "survival": keyed | survival,
        },
    }
    experiment = {"name": "idh", "family": "fusion", "cohort": "c", "train": train}
    file = study / "my.yaml"
    file.write_text(yaml.safe_dump({"cohorts": {"c": cohort}, "experiments": [experiment, *more]}))
    told = check_file(file)
    return [str(m) for m in told.mistakes], "\n".join(map(str, told.notes))


def test_columns_that_are_the_target_are_named_and_how_the_others_were_judged_is_told(study):
    mistakes, notes = told_of(study, ["age", "IDH1_mut", "cluster", "TP53_mut", "rare"])
    assert len(mistakes) == 2
    assert "experiments.idh.train: all:IDH1_mut may tell the target itself" in mistakes[0]
    assert "its name and the label's share idh" in mistakes[0]
    assert "all:cluster tells the target itself: it tells IDH-wildtype" in mistakes[1]
    assert "train.accept" in mistakes[1]
    assert "of 5 columns 4 were judged by their names and, of 24 patients, by their values" in notes
    assert "by their names alone, since too few patients have a value: all:rare" in notes
    lists = {"name": ["a"], "family": "fusion", "cohort": ["c"]}
    assert len(told_of(study, ["age", "IDH1_mut"], [lists, 5])[0]) >= 4
    other = {"name": "other", "family": "fusion", "cohort": "c", "train": {"steps": -1}}
    mistakes, _ = told_of(study, ["age", "IDH1_mut"], [other])
    assert len(mistakes) == 2 and "experiments.other.train.steps" in mistakes[0]
    mistakes, _ = told_of(study, ["age", "IDH1_mut"], accept=["all:IDH1_mut"])
    assert mistakes == []


def test_patients_are_divided_once_for_all_that_is_asked(study, monkeypatch):
    asked, labels_of = [], splits._labels

    def counted(rows, seed):
        asked.append(seed)
        return labels_of(rows, seed)

    monkeypatch.setattr(splits, "_labels", counted)
    _, notes = told_of(study, ["age", "TP53_mut"])
    assert "of 2 columns 2 were judged" in notes and len(asked) == 1


def test_a_gene_that_few_have_is_known_by_the_classes_or_by_the_heading_of_the_label(study):
    for labels in ("idh", "IDH_STATUS"):
        (mistake,), _ = told_of(study, ["age", "IDH2_mut"], labels=labels)
        assert "all:IDH2_mut may tell the target itself" in mistake and "share idh" in mistake
    assert told_of(study, ["age", "IDH2_mut"], labels="state")[0] == []  # nothing says so


def test_what_else_a_training_would_refuse_is_told_with_the_counts(study):
    (mistake,), _ = told_of(study, ["age", "TP53_mut"], target="survival")
    assert "2 of 24 in all" in mistake and "patients.survival.happened" in mistake
    (mistake,), _ = told_of(study, ["age"], few={"IDH": 2})  # once, not of the diagnosis again
    assert "split.few: no patient has the class 'IDH'" in mistake
    (mistake,), _ = told_of(study, ["age"], accept=["all:kps"])
    assert "train.accept names all:kps; there are: all:age" in mistake
