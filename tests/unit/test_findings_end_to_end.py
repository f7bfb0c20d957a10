"""A tiny cohort with several findings: from files and a table to metrics and the page's parts."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import medsynth
from medsynth.cohorts.assemble import assemble
from medsynth.cohorts.overlap import training_patients
from medsynth.cohorts.splits import split_patients
from medsynth.imaging.scale import PIXELS
from medsynth.lineage.mlflow.measurements import numbers
from medsynth.metrics.settings import Evaluation
from medsynth.models.classifier import training as classifier
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.conditioning import LabelError
from medsynth.models.ddpm import sampling as ddpm_sampling
from medsynth.models.ddpm import training as ddpm
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.models.progan import sampling as progan_sampling
from medsynth.models.progan import training as progan
from medsynth.models.progan.settings import ProganSampling, ProganTraining
from medsynth.report import tables
from medsynth.report.singles import write_singles
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.settings import ImageForm
from medsynth.store.atomic import write_json
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples, write_samples
from medsynth.store.manifests import in_split
from medsynth.store.models import save_model
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.classification.evaluation import evaluate as judge_classifier
from medsynth.tasks.classification.view import view as classifier_view
from medsynth.tasks.generation.evaluation import evaluate as judge_images
from medsynth.tasks.generation.product import write_product
from medsynth.tasks.generation.view import view as images_view
from medsynth.tasks.labelled import training_data
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment
from tests.unit.image_files import cohort, encoded, made

FINDINGS = ["left", "right", "No Finding"]
SHORT = {"steps": 4, "batch": 8, "checkpoint_every": 4, "log_every": 2}
FORM = ImageForm(8, 1, "uint8")
CFG = Evaluation(bootstrap=20, kid_subsets=4, kid_subset_size=5).model_dump()


def files_and_rows() -> tuple[dict[str, bytes], list[dict]]:
    """72 patients: left, right, both, none; one of each kind of row that must not be used."""
    rng, files, rows = np.random.default_rng(0), {}, []
    shown = [*list(product([0, 1], repeat=2)) * 18, (1, 0), (1, 1)]
    for i, (left, right) in enumerate(shown):
        image = rng.integers(0, 60, (8, 8), dtype=np.uint8)
        image[2:6, :3] += 150 * np.uint8(left)
        image[2:6, 5:] += 150 * np.uint8(right)
        files[f"{i}.png"] = encoded(image)
        healthy = int(not left and not right)
        rows.append(
            {"image": f"{i}.png", "patient": f"p{i}", "left": left, "right": right}
            | {"No Finding": healthy, "sex": "fm"[i % 2]}
        )
    rows[-2]["No Finding"] = 1
    rows[-1]["right"] = ""
    return files, rows


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> SimpleNamespace:
    """The cohort and its trained classifier, where the workflow would put them."""
    results = tmp_path_factory.mktemp("results")
    folder = results / "cohorts" / "c"
    (folder / "shards").mkdir(parents=True)
    columns = {"labels": None, "findings": FINDINGS, "covariates": {"sex": "sex"}}
    settings = cohort(results, *files_and_rows(), columns, split={"test_fraction": 0.4})
    rows = made(settings, folder / "shards" / "0.h5")
    splits = split_patients(rows, settings.split, seed=1)
    empty = rows[rows["status"] != "used"]
    manifest, _, summary = assemble(empty, [rows[rows["status"] == "used"]], splits, None)
    write_table(manifest, folder / "manifest.parquet")
    write_json({"ok": True}, folder / "leakage.json")
    inputs = SimpleNamespace(
        manifest=str(folder / "manifest.parquet"), shards=[str(folder / "shards" / "0.h5")]
    )
    own = results / "experiments" / "c_classifier"
    own.mkdir(parents=True)
    of_training = ClassifierTraining(
        steps=120, batch=16, channels=4, features=8, lr=5e-3, checkpoint_every=120
    )
    trained = classifier.train(
        training_data(inputs, 1, 64), of_training, TrainingRun(1, "cpu", own)
    )
    inputs.weights, inputs.card = str(own / "model.safetensors"), str(own / "model.json")
    save_model(trained.state, trained.card, inputs.weights, inputs.card)
    found = judge_classifier(inputs, CFG, {}, Run(1, "cpu"))
    inputs.judge = str(own / "metrics.json")
    write_json(found, inputs.judge)
    people = training_patients(in_split(manifest, "train"), digest_file(inputs.weights))
    write_table(people, own / "people.parquet")
    return SimpleNamespace(
        inputs=inputs, results=results, manifest=manifest, summary=summary, found=found
    )


def test_images_with_several_findings_are_used_with_all(study):
    counts = study.manifest["label"].value_counts().to_dict()
    assert counts == {"left": 18, "right": 18, "left + right": 18, "No Finding": 18}
    left_out = study.manifest.loc[study.manifest["status"] != "used", "reason"]
    assert sorted(left_out) == ["empty_finding", "finding_contradiction"]
    data = training_data(study.inputs, 1, 64)
    assert data.classes == ["No Finding", "left", "right"] and data.labels.shape[1] == 3
    assert data.labels.sum() == sum(1 + ("+" in label) for label in data.manifest["label"])
    image, target = medsynth.cohort(study.results / "cohorts" / "c").dataset("train")[0]
    assert image.shape == (1, 8, 8) and target.tolist() == data.labels[0].tolist()


def test_the_classifier_answers_each_finding(study):
    found = study.found
    assert list(found["per_class"]) == ["No Finding", "left", "right"] and "confusion" not in found
    prevalence = in_split(study.manifest, "test")["label"].str.contains("left").mean()
    assert found["per_class"]["left"]["average_precision"]["chance"] == pytest.approx(prevalence)
    assert found["metrics"]["auroc"]["value"] > 0.9
    assert found["metrics"]["auroc"]["interval"][0] > found["metrics"]["auroc"]["chance"] == 0.5
    shown = ShownExperiment("c_classifier", "classifier", "", found)
    page = classifier_view(ShownCohort("c", [], None, PIXELS), [shown]).appendix
    assert "Always the prevalence" in page and "Confusion" not in page


@pytest.fixture(scope="module")
def drawn(study, tmp_path_factory) -> SimpleNamespace:
    """A hardly trained model and its images, of one combination that it never saw."""
    folder = study.results / "experiments" / "model"
    folder.mkdir()
    unet = {"channels": 8, "multipliers": [1], "attention": []}
    settings = DdpmTraining(**SHORT, timesteps=4, beta_start=0.3, beta_end=0.95, unet=unet)
    trained = ddpm.train(
        training_data(study.inputs, 1, 64), settings, TrainingRun(1, "cpu", folder)
    )
    outputs = SimpleNamespace(
        weights=str(folder / "model.safetensors"), card=str(folder / "model.json"),
        images=folder / "samples.h5", table=folder / "samples.parquet", grid=folder / "samples.png",
    )  # fmt: skip
    save_model(trained.state, trained.card, outputs.weights, outputs.card)
    labels = ["right + left", "right", "left", "right + No Finding"]
    cfg = DdpmSampling(per_class=12, labels=labels).model_dump()
    write_product(ddpm_sampling, outputs, outputs, cfg, FORM, Run(2, "cpu"), folder)
    return outputs


def test_samples_say_what_the_model_never_saw(study, drawn, tmp_path):
    card = json.loads(Path(drawn.card).read_text())
    rows = in_split(study.manifest, "train")["label"].value_counts()
    assert card["combinations"] == rows.sort_index().to_dict()
    table = read_table(drawn.table)
    first = table.drop_duplicates("label").set_index("label")["training_images"].to_dict()
    names = ["left + right", "right", "left"]
    assert first == {name: rows[name] for name in names} | {"No Finding + right": 0}
    write_singles(Samples(drawn.images, drawn.table).read([36]), table.iloc[[36]], "png",
                  tmp_path / "one")  # fmt: skip
    file = tmp_path / "one" / "no-finding-right-000036.png"
    assert b"training_images\x000" in file.read_bytes()


def test_a_model_is_asked_for_several_findings_from_python(study, drawn):
    model = medsynth.load(Path(drawn.weights).parent, "cpu")
    images, labels = model.sample("left + right", 2, seed=2, batch=64)
    assert labels == ["left + right"] * 2
    stored = Samples(drawn.images, drawn.table)
    assert np.abs(images.astype(int) - stored.read([0, 1])).max() <= 1  # another batch may round
    with pytest.raises(medsynth.Error, match="no label 'up'; the model knows 'No Finding'"):
        model.sample("left + up")
    usual = {label for label, n in model.card["combinations"].items() if n >= 10}
    assert set(model.request(None, 1, {}).rows["label"]) == usual


def test_images_of_any_origin_are_judged_by_their_findings(study, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (12, 8, 8), dtype=np.uint8)
    where = study.results / "cohorts" / "c"
    labels = ["right + left", "left"] * 6
    found = medsynth.evaluate(images, where, labels, device="cpu", bootstrap=5)
    assert list(found["per_class"]) == ["left", "left + right"]
    for name in ("left-right", "left + right"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(encoded(images[0]))
    found = medsynth.evaluate(tmp_path, where, device="cpu", bootstrap=5)
    assert list(found["per_class"]) == ["left + right"] and found["n_generated"] == 2
    with pytest.raises(medsynth.Error, match="up: no label of the cohort; there are No Finding,"):
        medsynth.evaluate(images, where, ["left + up"] * 12, device="cpu")


def test_images_are_judged_by_their_findings(study, drawn):
    inputs = SimpleNamespace(**vars(study.inputs) | {"images": drawn.images, "table": drawn.table})
    found = judge_images(inputs, CFG, {"experiment": "model"}, Run(3, "cpu"))
    json.dumps(found, allow_nan=False)
    tested = in_split(study.manifest, "test")["label"]
    compared = tested[tested != "No Finding"]
    assert found["not_compared"] == {"images": len(tested) - len(compared), "combinations": 1}
    assert found["n_real"] == len(compared) and sum(found["mix"].values()) == found["n"] > 5
    assert found["metrics"]["kid"]["value"] is not None
    assert found["metrics"]["inception_score"]["value"] is None
    assert "no distribution" in found["metrics"]["inception_score"]["reason"]
    agreement = found["metrics"]["finding_agreement"]
    assert agreement["chance"] == 0.5 and agreement["judge"]["figure"] == "mean AUROC"
    assert list(found["per_finding"]) == ["No Finding", "left", "right"]
    assert list(found["per_class"]) == ["No Finding + right", "left", "left + right", "right"]
    assert found["per_class"]["No Finding + right"]["kid"]["value"] is None
    assert len(dict(numbers(found))) > 20

    store = ImageStore(study.manifest, Path(study.inputs.shards[0]).parent)
    labels = tables.labels_of(tables.cells_of(study.summary, study.manifest))
    shown = ShownExperiment("model", "ddpm", "", found, Samples(drawn.images, drawn.table))
    view = images_view(ShownCohort("c", labels, store, PIXELS), [shown])
    assert "are not compared" in view.metrics and "findings asked for" in view.metrics
    assert "mean AUROC" in view.metrics
    assert "No Finding + right (never seen together in training)" in view.pictures
    assert "left + right (never" not in view.pictures


def test_images_of_combinations_that_no_real_image_has_are_judged_as_far_as_can_be(study, tmp_path):
    files = {"images": tmp_path / "x.h5", "table": tmp_path / "x.parquet"}
    images = np.random.default_rng(0).integers(0, 255, (24, 8, 8, 1), dtype=np.uint8)
    asked = ["No Finding + left", "No Finding + right"] * 12
    write_samples(images, asked, *files.values(), seed=1, model_sha256="", extra={})
    found = judge_images(SimpleNamespace(**vars(study.inputs) | files), CFG, {}, Run(3, "cpu"))
    tested = in_split(study.manifest, "test")["label"]
    assert found["not_compared"] == {"images": len(tested), "combinations": tested.nunique()}
    assert found["n"] == 0 and list(found["per_class"]) == sorted(set(asked))
    for name in ("fid", "kid", "precision"):
        assert found["metrics"][name]["value"] is None
        assert "no generated images of" in found["metrics"][name]["reason"]
    assert found["per_finding"]["left"]["finding_agreement"]["value"] is not None
    assert found["metrics"]["label_agreement"]["value"] is not None
    store = ImageStore(study.manifest, Path(study.inputs.shards[0]).parent)
    labels = tables.labels_of(tables.cells_of(study.summary, study.manifest))
    shown = ShownExperiment("m", "ddpm", "", found, Samples(*files.values()))
    view = images_view(ShownCohort("c", labels, store, PIXELS), [shown])
    assert "are not compared" in view.metrics


def test_a_finding_that_the_judge_cannot_be_judged_by_takes_nothing_from_the_others(
    study, drawn, tmp_path
):
    found = json.loads(Path(study.inputs.judge).read_text())
    unknown = {"value": None, "interval": None, "better": "higher", "reason": "no images with left"}
    found["per_class"]["left"]["auroc"] = unknown | {"chance": 0.5}
    write_json(found, tmp_path / "judge.json")
    files = {"images": drawn.images, "table": drawn.table, "judge": tmp_path / "judge.json"}
    found = judge_images(SimpleNamespace(**vars(study.inputs) | files), CFG, {}, Run(3, "cpu"))
    left, right = (found["per_finding"][name]["finding_agreement"] for name in ("left", "right"))
    assert left["value"] is None and left["judge"]["reason"] == "no images with left"
    assert left["reason"].startswith("means nothing")
    assert right["value"] is not None and right["judge"]["figure"] == "AUROC"
    assert found["metrics"]["finding_agreement"]["value"] is not None
    assert "left" in found["metrics"]["finding_agreement"]["reason"]


def test_a_group_with_only_combinations_that_are_not_compared_stays_in_the_table(
    study, drawn, tmp_path
):
    healthy = study.manifest["label"] == "No Finding"
    ward = np.where(healthy, "screening", "clinic")
    write_table(study.manifest.assign(ward=pd.Series(ward, dtype="str")), tmp_path / "m.parquet")
    files = {"images": drawn.images, "table": drawn.table, "manifest": str(tmp_path / "m.parquet")}
    cfg = CFG | {"subgroups": ["ward"], "subgroup_patients": 5}
    found = judge_images(SimpleNamespace(**vars(study.inputs) | files), cfg, {}, Run(3, "cpu"))
    clinic, screening = (found["subgroups"]["ward"][name] for name in ("clinic", "screening"))
    n = int((in_split(study.manifest, "test")["label"] == "No Finding").sum())
    assert (screening["n_images"], screening["not_compared"]) == (0, n)
    assert screening["reason"].endswith("more of combinations that are not compared")
    assert clinic["n_images"] == found["n_real"] and "not_compared" not in clinic
    shown = ShownExperiment("model", "ddpm", "", found, Samples(drawn.images, drawn.table))
    store = ImageStore(study.manifest, Path(study.inputs.shards[0]).parent)
    labels = tables.labels_of(tables.cells_of(study.summary, study.manifest))
    view = images_view(ShownCohort("c", labels, store, PIXELS), [shown])
    assert "screening" in view.metrics and f"{n} more of combinations" in view.metrics


def test_real_images_of_both_findings_are_told_from_others(study, tmp_path):
    """What a perfect model would get: images of other patients, asked for as what they are."""
    train = in_split(study.manifest, "train")
    store = ImageStore(train, Path(study.inputs.shards[0]).parent)
    images = store.read(np.arange(len(store)))
    files = {"images": tmp_path / "x.h5", "table": tmp_path / "x.parquet"}
    write_samples(images, train["label"], *files.values(), seed=1, model_sha256="", extra={})
    found = judge_images(SimpleNamespace(**vars(study.inputs) | files), CFG, {}, Run(3, "cpu"))
    assert found["not_compared"] == {"images": 0, "combinations": 0}
    assert found["metrics"]["finding_agreement"]["value"] > 0.95
    assert found["metrics"]["label_agreement"]["value"] > 0.7
    assert found["metrics"]["label_agreement"]["chance"] < 0.4


def test_many_combinations_are_put_together_on_the_page():
    labels = [f"a + {chr(98 + k)}" for k in range(14)]
    rows = pd.DataFrame(
        {"label": np.repeat(labels, range(1, 15)), "split": "train", "status": "used"}
    )
    rows["patient"] = "p"
    every = rows.groupby(["label", "split"])["patient"].agg(items="size", patients="nunique")
    summary = {"by_label_split": every.reset_index().to_dict("records"), "by_finding_split": []}
    cells = {cell["label"]: cell["items"] for cell in tables.cells_of(summary, rows)}
    assert len(cells) == 12 and cells["other combinations"] == 1 + 2 + 3
    assert cells["a + o"] == 14 and sum(cells.values()) == len(rows)


def test_progan_takes_several_findings(study, tmp_path):
    settings = ProganTraining(**SHORT, phase_images=[8], channels=8, latent=8)
    trained = progan.train(
        training_data(study.inputs, 1, 64), settings, TrainingRun(1, "cpu", tmp_path)
    )
    paths = SimpleNamespace(weights=str(tmp_path / "m.safetensors"), card=str(tmp_path / "m.json"))
    save_model(trained.state, trained.card, paths.weights, paths.card)
    outputs = SimpleNamespace(**{k: tmp_path / k for k in ("images", "table", "grid")})
    cfg = ProganSampling(per_class=2, at_least=9).model_dump()
    write_product(progan_sampling, paths, outputs, cfg, FORM, Run(1, "cpu"), tmp_path)
    expected = sorted(label for label, n in trained.card["combinations"].items() if n >= 9)
    assert list(read_table(outputs.table)["label"].unique()) == expected
    with pytest.raises(LabelError, match="lower at_least"):
        rare = cfg | {"at_least": 99}
        write_product(progan_sampling, paths, outputs, rare, FORM, Run(1, "cpu"), tmp_path)
