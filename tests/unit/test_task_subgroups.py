"""The evaluations of all tasks by subgroup: from files to metrics.json, and onto the page."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from markupsafe import Markup

from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import SubgroupError
from medsynth.models.classifier.network import Classifier
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import model_card
from medsynth.report.downloads import subgroup_rows
from medsynth.runtime.run import Run
from medsynth.store.atomic import write_json
from medsynth.store.generated import write_samples
from medsynth.store.manifests import manifest
from medsynth.store.models import save_model
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import write_table
from medsynth.tasks.classification import view as classification
from medsynth.tasks.classification.evaluation import evaluate as evaluate_classification
from medsynth.tasks.generation import view as generation
from medsynth.tasks.generation.evaluation import evaluate as evaluate_generation
from medsynth.tasks.translation import evaluation
from medsynth.tasks.translation import view as translation
from medsynth.tasks.translation.evaluation import evaluate as evaluate_translation
from medsynth.tasks.viewing.subgroups import subgroup_tables

CLASSES = ["ap", "pa"]
IDENTITY = {"experiment": "e", "cohort": "c", "family": "f"}
PLAIN = Evaluation(kid_subsets=4, kid_subset_size=5, bootstrap=10)
SETTINGS = PLAIN.model_copy(update={"subgroups": ["sex", "age"], "subgroup_patients": 6})
SEXES = ["female"] * 14 + ["male"] * 12 + [None] * 2  # of test patients
AGES = [17.9, 18, 64, 65] * 6 + [None] * 4


def cohort(folder: Path, draw, dtype, labels=CLASSES) -> SimpleNamespace:
    """Two images of 40 training and 28 test patients each, one of each label."""
    people = [("train", f"a{i}", SEXES[i % 28], AGES[i % 28]) for i in range(40)]
    people += [("test", f"b{i}", SEXES[i], AGES[i]) for i in range(28)]
    rows = []
    with ShardWriter(folder / "0.h5", {"made_from": "test"}) as shard:
        for split, patient, sex, age in people:
            for label in labels:
                row = {"split": split, "patient": patient, "sex": sex, "age": age, "label": label}
                row |= {"item_id": f"{patient}-{label}", "shard": 0, "status": "used"}
                row["row"] = shard.append(draw(patient, label).astype(dtype), row["item_id"])
                rows.append(row)
    write_table(manifest(rows).astype({"sex": "str", "age": float}), folder / "manifest.parquet")
    return SimpleNamespace(manifest=folder / "manifest.parquet", shards=[folder / "0.h5"])


@pytest.fixture(scope="module")
def radiographs(tmp_path_factory) -> SimpleNamespace:
    """A cohort with an untrained classifier, its metrics, and samples that carry the sex."""
    folder, rng = tmp_path_factory.mktemp("cxr"), np.random.default_rng(0)
    inputs = cohort(folder, lambda *_: rng.integers(60, 200, (8, 8, 1)), np.uint8)
    torch.manual_seed(0)
    card = model_card(
        ClassifierTraining(channels=4, features=4), CLASSES, image_channels=1, image_size=8
    )
    inputs.weights, inputs.card = folder / "model.safetensors", folder / "model.json"
    save_model(Classifier(8, 1, 2, 4, 4).state_dict(), card, inputs.weights, inputs.card)
    inputs.judge = folder / "judge.json"
    write_json(evaluate_classification(inputs, {}, {}, Run(1, "cpu")), inputs.judge)
    made = rng.integers(60, 200, (80, 8, 8, 1)).astype(np.uint8)
    inputs.images, inputs.table = folder / "samples.h5", folder / "samples.parquet"
    asked = np.repeat(CLASSES, 40), inputs.images, inputs.table
    extra = {"sex": ["female", "male"] * 40}
    write_samples(made, *asked, seed=1, model_sha256="ab", extra=extra)
    return inputs


@pytest.fixture(scope="module")
def slices(tmp_path_factory) -> SimpleNamespace:
    """CT slices with contrast medium 100 HU brighter, which is added in full for women only."""
    folder = tmp_path_factory.mktemp("ct")
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    body = (x**2 + y**2 < 0.6)[..., None]

    def draw(patient: str, label: str) -> np.ndarray:
        return np.where(body, 140 if label == "cect" else 40, -1000)

    inputs = cohort(folder, draw, np.int16, ["ct", "cect"])
    made = [np.where(body, 140 if sex == "female" else 90, -1000).astype(np.int16) for sex in SEXES]
    inputs.images, inputs.table = folder / "made.h5", folder / "made.parquet"
    items = {key: [f"b{i}-{key}" for i in range(28)] for key in ("ct", "cect")}
    extra = {"source_item": items["ct"], "target_item": items["cect"]}
    asked = ["ct_to_cect"] * 28, inputs.images, inputs.table
    write_samples(made, *asked, seed=1, model_sha256="ab", extra=extra)
    inputs.card = folder / "model.json"
    write_json({"hu_range": [-1000, 400]}, inputs.card)
    return inputs


def metrics_of(task, inputs: SimpleNamespace, settings: Evaluation = SETTINGS) -> dict:
    found = task(inputs, settings.model_dump(), IDENTITY, Run(1, "cpu"))
    return json.loads(json.dumps(found, allow_nan=False))


TASKS = [
    (evaluate_classification, "radiographs"),
    (evaluate_generation, "radiographs"),
    (evaluate_translation, "slices"),
]


@pytest.mark.parametrize(("task", "inputs"), TASKS)
def test_without_the_setting_metrics_are_as_they_were_and_with_it_the_rest_is(
    task, inputs, request
):
    files = request.getfixturevalue(inputs)
    plain, divided = metrics_of(task, files, PLAIN), metrics_of(task, files)
    assert not {"subgroups", "subgroup_gaps"} & set(plain)
    subgroups, gaps = divided.pop("subgroups"), divided.pop("subgroup_gaps")
    of_classes = divided.pop("subgroup_gaps_per_class", None)
    assert (of_classes is not None) == (task is evaluate_classification)
    assert json.dumps(divided) == json.dumps(plain)
    assert list(subgroups["sex"]) == ["female", "male", "unknown"]
    assert list(subgroups["age"]) == ["0-17", "18-39", "40-64", "65+", "unknown"]
    assert {g: s["n_patients"] for g, s in subgroups["sex"].items()} == {
        "female": 14,
        "male": 12,
        "unknown": 2,
    }
    assert set(subgroups["age"]["0-17"]["metrics"]) == set(gaps["age"]) == set(gaps["sex"])
    assert subgroups["sex"]["unknown"]["metrics"] == {}
    assert subgroups["sex"]["unknown"]["reason"].startswith("too few (2 patients")


@pytest.mark.parametrize(("task", "inputs"), TASKS)
def test_a_covariate_that_the_manifest_lacks_is_told_with_those_it_has(task, inputs, request):
    settings = SETTINGS.model_copy(update={"subgroups": ["scanner"]})
    with pytest.raises(SubgroupError, match=r"manifest\.parquet has no column scanner.*sex, age"):
        metrics_of(task, request.getfixturevalue(inputs), settings)


def test_translations_of_men_are_worse_beside_the_untranslated(slices):
    found = metrics_of(evaluate_translation, slices)
    women, men = (found["subgroups"]["sex"][sex]["metrics"] for sex in ("female", "male"))
    assert (women["mae_hu"]["value"], men["mae_hu"]["value"]) == (0, 50)
    assert women["mae_hu_do_nothing"]["value"] == men["mae_hu_do_nothing"]["value"] == 100
    assert (women["mae_hu_gain"]["value"], men["mae_hu_gain"]["value"]) == (100, 50)
    gap = found["subgroup_gaps"]["sex"]["mae_hu"]
    assert (gap["value"], gap["best"], gap["worst"]) == (50, "female", "male")


def test_patients_of_whom_nothing_can_be_measured_hide_nobody(slices, monkeypatch):
    """Of 14 women the targets of nine show no body: the figure would be one of five."""

    def bodiless(pairs, hu_range):
        measured = measure_pairs(pairs, hu_range)
        return measured.assign(body=measured.index >= 9)

    measure_pairs = evaluation.measure_pairs
    monkeypatch.setattr(evaluation, "measure_pairs", bodiless)
    sexes = metrics_of(evaluate_translation, slices)["subgroups"]["sex"]
    women = sexes["female"]
    assert (women["n_images"], women["n_patients"], women["metrics"]) == (5, 5, {})
    assert sexes["male"]["metrics"]["mae_hu"]["value"] == 50


def test_samples_of_the_subgroup_are_used_where_they_say_what_they_are(radiographs):
    found = metrics_of(evaluate_generation, radiographs)["subgroups"]
    assert {s.get("generated") for s in found["sex"].values()} == {"of the subgroup", None}
    assert {s.get("generated") for s in found["age"].values()} == {"all", None}
    assert {s.get("n") for s in found["sex"].values()} == {24, None}


def test_a_classifier_is_compared_in_what_does_not_depend_on_the_mix_and_by_class(radiographs):
    found = metrics_of(evaluate_classification, radiographs)
    gaps, by_class = (found[f"subgroup_gaps{kind}"]["sex"] for kind in ("", "_per_class"))
    assert gaps["accuracy"]["value"] is None and gaps["balanced_accuracy"]["interval"]
    assert list(by_class) == CLASSES and by_class["ap"]["recall"]["interval"]
    shown = text_of(found, classification.METRICS)
    assert "see balanced accuracy" in shown and "judged in every known group: ap, pa" in shown
    assert "The recall by sex of each one apart" in shown
    rows = [r for r in subgroup_rows({"one": found}) if r.get("class") == "ap"]
    assert [r["subgroup"] for r in rows if r["covariate"] == "sex"][:2] == ["female", "male"]
    assert rows[2]["subgroup"].startswith("largest gap") and rows[2]["metric"] == "recall"


def text_of(results: dict, titles: dict) -> str:
    cells = Markup(str(subgroup_tables(results, titles)).replace("<", " <"))
    return " ".join(cells.striptags().split())


def test_the_page_shows_every_group_its_number_and_the_gap(radiographs, slices):
    shown = text_of(metrics_of(evaluate_translation, slices), translation.METRICS)
    assert "Images (patients) 14 (14) 12 (12) 2 (2)" in shown
    assert "MAE (HU), untranslated 100" in shown and "too few (2)" in shown
    assert "male against female" in shown
    shown = text_of(metrics_of(evaluate_generation, radiographs), generation.METRICS)
    assert "Compared are 24 images a side" in shown
    assert "images do not say their age" in shown and "not say their sex" not in shown
    assert subgroup_tables({"metrics": {}}, {}) == Markup()
    nobody = {"n_images": 3, "n_patients": 3, "reason": "too few (3 patients)", "metrics": {}}
    none = {"subgroups": {"view": {"AP": nobody}}, "subgroup_gaps": {"view": {}}}
    assert "Metrics too few (3)" in text_of(none, {})
    nobody["not_compared"] = 7
    assert "too few (3) 7 more of combinations that are not compared" in text_of(none, {})


def test_the_table_to_save_has_a_row_for_every_figure_and_for_who_has_none(slices):
    found = metrics_of(evaluate_translation, slices)
    rows = subgroup_rows({"one": found, "other": {"metrics": {}, "per_class": {}}})
    of_sex = [row for row in rows if row["covariate"] == "sex" and row.get("metric") == "mae_hu"]
    assert [(row["subgroup"], row["value"]) for row in of_sex] == [
        ("female", 0),
        ("male", 50),
        ("largest gap: male to female", 50),
    ]
    (unknown,) = (r for r in rows if r["subgroup"] == "unknown" and r["covariate"] == "sex")
    assert (unknown["n_patients"], unknown["reason"][:7], "value" in unknown) == (
        2,
        "too few",
        False,
    )
