"""Which experiments there are and which files they need."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from medsynth.config import experiment_files
from medsynth.config.cohort_files import CohortFiles
from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.loading import parse_config
from medsynth.store.layout import Layout

DEMO = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
HERE = "results/experiments"
GENERATORS = [
    e["name"]
    for e in DEMO["experiments"]
    if e["family"] in ("ddpm", "text_ddpm", "progan", "cascade")
]


@pytest.fixture
def files() -> ExperimentFiles:
    return ExperimentFiles(parse_config(DEMO), Layout("results"))


def test_only_judged_cohorts_get_a_classifier_with_the_global_settings(files):
    assert list(files.classifiers) == ["cxr", "glioma"]
    assert files.settings("cxr_classifier", "train")["steps"] == DEMO["classifier"]["steps"]
    assert set(files.experiments) - set(files.listed) == {"cxr_classifier", "glioma_classifier"}
    alone = DEMO | {"experiments": [e for e in DEMO["experiments"] if e["cohort"] == "ct"]}
    assert not ExperimentFiles(parse_config(alone), Layout("results")).classifiers


def test_the_page_is_given_what_families_and_kinds_cite(files):
    cited = files.references()
    assert set(cited) == {e["family"] for e in DEMO["experiments"]} | {"classifier"}
    assert all("@" in text for text in cited.values())
    kinds = CohortFiles(parse_config(DEMO), Layout("results")).references()
    assert "MIMIC-CXR" in kinds["mimic_cxr"] and kinds["ct"] == ""


def test_each_schedule_of_a_cohorts_images_is_measured_once():
    raw = copy.deepcopy(DEMO)
    first = next(e for e in raw["experiments"] if e["name"] == "cxr_ddpm")
    alike, other, small = ({**copy.deepcopy(first), "name": name} for name in ("b", "c", "d"))
    alike["train"] |= {"steps": 7}
    other["train"] |= {"beta_end": 0.3}
    small["train"] |= {"image_size": 16}
    gan = next(e for e in raw["experiments"] if e["family"] == "progan")
    raw["experiments"] = [first, alike, other, small, {**gan, "cohort": "glioma"}]
    files = ExperimentFiles(parse_config(raw), Layout("results"))
    found = files.schedules("cxr")
    assert [one["experiments"] for one in found] == [["cxr_ddpm", "b"], ["c"]]
    assert [one["train"]["beta_end"] for one in found] == [first["train"]["beta_end"], 0.3]
    assert files.noised == ["cxr"]


def test_what_an_experiment_makes_follows_from_its_task(files):
    assert files.made("cxr_ddpm", ".h5") == f"{HERE}/cxr_ddpm/samples.h5"
    assert files.made("ct_cyclegan", ".png") == f"{HERE}/ct_cyclegan/translations.png"
    assert files.makers("samples") == GENERATORS
    assert files.makers("translations") == ["ct_cyclegan"]


def test_a_guide_is_trained_and_judged_but_makes_nothing():
    guide = {"name": "guide", "family": "guide", "cohort": "cxr"}
    one, *others = yaml.safe_load(yaml.safe_dump(DEMO["experiments"]))
    one |= {"inputs": {"guide": "guide"}, "sample": {"guide_scale": 1}}
    files = ExperimentFiles(
        parse_config(DEMO | {"experiments": [guide, one, *others]}), Layout("results")
    )
    assert "guide" in files.listed and "guide" not in files.productive + files.illustrated
    assert files.evaluation_gate("guide") == files._layout.split_gate.format(cohort="cxr")
    assert f"{HERE}/guide/model.safetensors" in files.input_files("cxr_ddpm")


def test_a_product_without_images_is_judged_by_the_tables_of_its_family(files, monkeypatch):
    toy = SimpleNamespace(PRODUCT="words", FORM="table", JUDGED=False, GPU_EVALUATION=False)
    known = experiment_files.task_of
    monkeypatch.setattr(
        experiment_files, "task_of", lambda e: toy if e.family == "cyclegan" else known(e)
    )
    table = f"{HERE}/ct_cyclegan/words.parquet"
    assert files.makers("words") == ["ct_cyclegan"]
    assert table in files.all_made(".parquet")
    assert f"{HERE}/ct_cyclegan/words.h5" not in files.all_made(".h5")
    assert files.illustrated == GENERATORS
    assert {e["name"]: e["makes"] for e in files.shown()}["ct_cyclegan"] == [".parquet"]
    assert files.evaluated("ct_cyclegan") == {
        "weights": f"{HERE}/ct_cyclegan/model.safetensors",
        "card": f"{HERE}/ct_cyclegan/model.json",
        "table": table,
        "pairs": "results/cohorts/ct/pairs.parquet",
    }
    assert files.evaluation_gate("ct_cyclegan") == f"{HERE}/ct_cyclegan/leakage.json"


def test_training_reads_the_tables_that_the_family_needs(files):
    assert files.tables("ct_cyclegan") == {"pairs": "results/cohorts/ct/pairs.parquet"}
    assert files.tables("glioma_progan") == {}


def test_a_generated_image_is_judged_by_its_cohorts_classifier_behind_a_gate(files):
    found = files.evaluated("glioma_progan")
    assert found["weights"] == f"{HERE}/glioma_classifier/model.safetensors"
    assert found["judge"] == f"{HERE}/glioma_classifier/metrics.json"
    assert files.evaluation_gate("glioma_progan") == f"{HERE}/glioma_progan/leakage.json"
    assert files.judged_with("glioma_progan") == ["glioma_progan", "glioma_classifier"]


def test_a_classifier_and_a_translation_are_judged_by_no_other(files):
    own = files.evaluated("glioma_classifier")
    gate = files.evaluation_gate("glioma_classifier")
    assert gate == "results/cohorts/glioma/leakage.json"
    assert own["weights"] == f"{HERE}/glioma_classifier/model.safetensors"
    assert not {"judge", "images"} & set(own)
    assert "judge" not in files.evaluated("ct_cyclegan")
    assert not files.evaluates_on_gpu("ct_cyclegan") and files.evaluates_on_gpu("cxr_classifier")


def test_scripts_are_given_the_modules_of_family_and_task(files):
    assert files.modules("cxr_ddpm", "sampling", "product") == [
        "medsynth.models.ddpm.sampling",
        "medsynth.tasks.generation.product",
    ]
    assert files.modules("ct_cyclegan", None, "evaluation") == [
        "medsynth.tasks.translation.evaluation"
    ]


def test_an_evaluation_is_given_the_subgroups_of_its_own_cohort(files):
    assert files.evaluation("cxr_ddpm")["subgroups"] == []
    raw = DEMO | {"evaluation": {"subgroups": {"cxr": ["view"]}}}
    files = ExperimentFiles(parse_config(raw), Layout("results"))
    found = {name: files.evaluation(name)["subgroups"] for name in files.experiments}
    assert found["cxr_ddpm"] == found["cxr_classifier"] == ["view"]
    assert found["ct_cyclegan"] == found["glioma_classifier"] == []
