"""Classifiers of real and of synthetic images: what they are trained on and how judged."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from medsynth.cohorts.splits import few_of_no_use, split_patients
from medsynth.config.loading import parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.metrics.moments import moments, told_by_moments
from medsynth.metrics.substitution import balanced, substituted
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import train
from medsynth.runtime.run import Run
from medsynth.runtime.settings import Split
from medsynth.store.errors import MedsynthError
from medsynth.store.generated import Samples, write_samples
from medsynth.store.manifests import SPARE, TRAIN, manifest
from medsynth.store.quarantine import CohortError
from medsynth.store.shards import ShardWriter
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.generation.synthetic_training import train_on_synthetic, training_rows
from tests.unit.test_config_mistakes import changed

CLASSES = ["left", "right"]
SIZE = 16
SMALL = ClassifierTraining(steps=40, batch=16, channels=4, features=8, lr=3e-3)


def sided(labels: np.ndarray, seed: int) -> np.ndarray:
    """Grey noise, brighter on the left (0) or right (1): no moment tells the classes apart."""
    rng = np.random.default_rng(seed)
    images = rng.normal(100, 20, (len(labels), SIZE, SIZE, 1))
    for image, label in zip(images, labels, strict=True):
        image[:, SIZE // 2 * label : SIZE // 2 * (label + 1)] += 60
    return images.clip(0, 255).astype(np.uint8)


def cohort(folder: Path, synthetic: np.ndarray) -> SimpleNamespace:
    """40 left and 3 right training images, 30 right spared, 40 to test on; `synthetic` of both."""
    folder.mkdir(exist_ok=True)
    splits = [("train", 0, 40), ("train", 1, 3), (SPARE, 1, 30), ("test", 0, 20), ("test", 1, 20)]
    rows = []
    with ShardWriter(folder / "0.h5", {"made_from": "test"}) as shard:
        for split, label, n in splits:
            for image in sided(np.full(n, label), len(rows)):
                item = {"item_id": str(len(rows)), "patient": f"p{len(rows)}", "split": split}
                item |= {"label": CLASSES[label], "shard": 0, "row": shard.append(image, "i")}
                apart = {"status": "excluded", "reason": "spare"}
                rows.append(item | (apart if split == SPARE else {"status": "used"}))
    write_table(manifest(rows), folder / "manifest.parquet")
    labels = np.arange(len(synthetic)) % 2
    made = {"images": folder / "samples.h5", "table": folder / "samples.parquet"}
    names = [CLASSES[label] for label in labels]
    write_samples(synthetic, names, *made.values(), seed=1, model_sha256="0", extra={})
    return SimpleNamespace(manifest=folder / "manifest.parquet", shards=[folder / "0.h5"], **made)


def judged(folder: Path, synthetic: np.ndarray) -> dict:
    work = folder / "work"
    work.mkdir(parents=True)
    inputs = cohort(folder, synthetic)
    return train_on_synthetic(inputs, SMALL, 2, 100, Run(1, "cpu"), work)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    """Synthetic images as good as real ones."""
    return judged(tmp_path_factory.mktemp("good"), sided(np.arange(80) % 2, 7))


def test_good_synthetic_images_teach_as_real_ones_do(found):
    rows = found["classifier"]
    assert list(rows) == ["real", "synthetic", "real and synthetic", "real, no class rare"]
    for name in ("synthetic", "real and synthetic", "real, no class rare"):
        accuracy = rows[name]["balanced_accuracy"]
        assert accuracy["interval"][0] > accuracy["chance"] == 0.5, name
    assert found["seeds"] == [1, 2] and all(len(row["by_seed"]) == 2 for row in rows.values())
    assert found["n_real"] == found["patients"] == 40 and found["split"] == "test"


def test_moments_alone_tell_less_where_they_are_the_same(found):
    for name, row in found["moments_alone"].items():
        accuracy = row["balanced_accuracy"]["value"]
        assert abs(accuracy - 0.5) < 0.2, name
        if name != "real":
            assert accuracy < found["classifier"][name]["balanced_accuracy"]["interval"][0]


def test_synthetic_images_of_the_wrong_class_teach_what_is_wrong(tmp_path: Path):
    rows = judged(tmp_path / "wrong", sided(1 - np.arange(80) % 2, 7))["classifier"]
    accuracy, gain = rows["synthetic"]["balanced_accuracy"], rows["synthetic"]["gain"]
    assert accuracy["interval"][1] < 0.5 and "not above chance" in accuracy["reason"]
    assert gain["interval"][1] < 0


def test_each_row_is_trained_on_what_it_says(found, tmp_path: Path):
    assert found["trained_on"] == {
        "real": {"left": 40, "right": 3},
        "synthetic": {"left": 40, "right": 40},
        "real and synthetic": {"left": 40, "right": 40},
        "real, no class rare": {"left": 40, "right": 33},
    }
    inputs = cohort(tmp_path, sided(np.arange(80) % 2, 7))
    samples = Samples(inputs.images, inputs.table)
    rows = training_rows(read_table(inputs.manifest), tmp_path, samples, CLASSES, 1)
    both = rows["real and synthetic"]
    real, made = both.images.read(np.arange(43)), both.images.read(np.arange(43, 80))
    assert (real == rows["real"].images.read(np.arange(43))).all()
    synthetic = {image.tobytes() for image in samples.read(np.arange(1, 80, 2))}
    assert {image.tobytes() for image in made} <= synthetic and len(made) == 37


@pytest.mark.parametrize("absent", [0, 1])  # the last class is the one that no count shows
def test_a_class_without_synthetic_images_is_refused_before_any_training(tmp_path: Path, absent):
    inputs, work = cohort(tmp_path, sided(np.arange(8) % 2, 7)), tmp_path / "work"
    work.mkdir()
    made = read_table(inputs.table).assign(label=CLASSES[1 - absent])
    write_table(made, inputs.table)
    with pytest.raises(MedsynthError, match=f"no synthetic training images of {CLASSES[absent]}"):
        train_on_synthetic(inputs, SMALL, 1, 10, Run(1, "cpu"), work)
    assert not list(work.iterdir())


def test_an_experiment_that_draws_some_classes_is_refused_before_it_is_trained():
    with pytest.raises(ConfigError, match="cxr_ddpm draws no Cardiomegaly, Pleural Effusion"):
        parse_config(
            changed(
                ("synthetic_training.experiments", ["cxr_ddpm"]),
                ("experiments.0.sample.labels", ["No Finding"]),
            )
        )
    with pytest.raises(ConfigError, match="steps: must be") as wrong:  # which is no other mistake
        parse_config(
            changed(
                ("synthetic_training.experiments", ["cxr_ddpm"]), ("experiments.0.train.steps", -1)
            )
        )
    assert "no experiment" not in str(wrong.value)


def test_what_was_killed_goes_on(tmp_path: Path, monkeypatch, found):
    inputs, work = cohort(tmp_path, sided(np.arange(80) % 2, 7)), tmp_path / "work"
    work.mkdir()
    module = "medsynth.tasks.generation.synthetic_training"
    trainings = []

    def killed(data, settings, run):
        trainings.append(run.work.name)
        if len(trainings) == 4:
            raise KeyboardInterrupt
        return train(data, settings, run)

    monkeypatch.setattr(f"{module}.train", killed)
    with pytest.raises(KeyboardInterrupt):
        train_on_synthetic(inputs, SMALL, 2, 100, Run(1, "cpu"), work)
    assert train_on_synthetic(inputs, SMALL, 2, 100, Run(1, "cpu"), work) == found


def test_images_with_several_findings_are_refused(tmp_path: Path):
    rows = [{"item_id": "1", "patient": "p", "label": "A + B", "status": "used", "split": "train"}]
    write_table(manifest(rows), tmp_path / "manifest.parquet")
    inputs = SimpleNamespace(manifest=tmp_path / "manifest.parquet")
    with pytest.raises(MedsynthError, match="several findings"):
        train_on_synthetic(inputs, SMALL, 1, 0, Run(1, "cpu"), tmp_path)


def test_balanced_accuracy_and_gain_are_means_over_classes_and_seeds():
    labels, patients = np.array([0] * 6 + [1] * 2), np.arange(8)
    real = np.array([[0] * 8, [0] * 8])
    made = np.array([[0] * 6 + [1, 1], [0] * 3 + [1] * 3 + [1, 0]])
    found = substituted({"real": real, "b": made}, labels, patients, CLASSES, 50, 1, "real")
    assert found["real"]["balanced_accuracy"]["value"] == 0.5
    assert found["b"]["by_seed"] == [1.0, 0.5]
    assert found["b"]["balanced_accuracy"]["value"] == pytest.approx(0.75)
    assert found["b"]["gain"]["value"] == pytest.approx(0.25)
    assert found["b"]["recall"]["right"]["value"] == pytest.approx(0.75)
    assert balanced(np.array([[1, 1.0], [1, 0.0]])) == 0.5


def test_moments_tell_what_brightness_tells():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.normal(80 + 40 * labels[:, None, None, None], 10, (60, 8, 8, 3)).astype(np.uint8)
    of = moments(images)
    assert of.shape == (60, 6)
    np.testing.assert_allclose(of[:, :3], images.mean((1, 2)))
    assert (told_by_moments(of[:40], labels[:40], of[40:], 2) == labels[40:]).all()
    with pytest.raises(ValueError, match=r"class index \[1\]"):
        told_by_moments(of[:2], np.zeros(2, int), of, 2)


def test_few_leaves_so_many_training_patients_of_a_class_and_spares_the_others():
    rows = [
        {"patient": f"p{i}", "label": "AB"[i % 2], "status": "used", "item_id": f"{i}{k}"}
        for i in range(80)
        for k in range(2)
    ]
    index = manifest(rows)
    whole = split_patients(index, Split(), 1).set_index("patient")["split"]
    few = split_patients(index, Split(few={"B": 5}), 1).set_index("patient")["split"]
    changed = whole != few
    assert set(whole[changed]) == {TRAIN} and set(few[changed]) == {SPARE}
    label = index.drop_duplicates("patient").set_index("patient")["label"]
    left = few[few == TRAIN].index
    assert label[left].value_counts().to_dict() == {
        "A": (whole[label == "A"] == TRAIN).sum(),
        "B": 5,
    }
    assert not list(few_of_no_use(few.reset_index(), index, {"B": 5}, 1))


def test_few_of_a_class_that_there_is_not_or_that_has_no_more_is_told():
    rows = [
        {"patient": f"p{i}", "label": label, "status": "used", "item_id": f"{i}"}
        for i, label in enumerate([*"AB" * 15, "Tom Miller"])
    ]
    index = manifest(rows)
    with pytest.raises(CohortError, match=r"split\.few: no patient has the class 'a'; there are A"):
        split_patients(index, Split(few={"a": 5}), 1)
    with pytest.raises(CohortError, match=r"'C'; there are A \(15 patients\), B .*'D'") as error:
        split_patients(index, Split(few={"C": 5, "D": 1}), 1)
    assert "Miller" not in str(error.value)  # so few may be a name
    asked = Split(few={"A": 40, "B": 2})
    splits = split_patients(index, asked, 1)
    trained = (splits.set_index("patient")["split"] == TRAIN)[[f"p{i}" for i in range(0, 30, 2)]]
    (told,) = few_of_no_use(splits, index, asked.few, 1)
    assert told.startswith(f"40 patients of A make nothing rare: {trained.sum()} of the training")


def test_what_is_asked_for_must_be_an_experiment_that_makes_images_of_classes():
    with pytest.raises(ConfigError, match=r"no experiment 'cxr_ddmp'.*cxr_ddpm"):
        parse_config(changed(("synthetic_training.experiments", ["cxr_ddmp"])))
    with pytest.raises(ConfigError, match="ct_cyclegan"):
        parse_config(changed(("synthetic_training.experiments", ["ct_cyclegan"])))
    asked = changed(("synthetic_training.experiments", ["cxr_ddpm"]))
    assert parse_config(asked).synthetic_training.seeds == 3
