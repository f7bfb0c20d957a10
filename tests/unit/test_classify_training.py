from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from medsynth.metrics.baselines import without_baseline
from medsynth.metrics.classification import held_out_metrics
from medsynth.models.classifier import training
from medsynth.models.classifier.extraction import extract
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import class_weights, model_card, random_shift
from medsynth.models.contract import LabelledImages
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import generator

torch.set_num_threads(1)
SMALL = ClassifierTraining(
    steps=6, batch=4, checkpoint_every=3, log_every=1, channels=4, features=8, lr=1e-3
)


class Images:
    """A store in memory; `reads` left before the process "is killed"."""

    def __init__(self, images: np.ndarray, reads: int = 10**9):
        self.images, self.reads = images, reads

    def __len__(self) -> int:
        return len(self.images)

    def read(self, positions) -> np.ndarray:
        if self.reads == 0:
            raise InterruptedError
        self.reads -= 1
        return self.images[positions]


def sided(labels: np.ndarray, seed: int) -> np.ndarray:
    """A bright square on the left (0) or on the right (1) in noise, (n, 16, 16, 1) uint8."""
    images = np.random.default_rng(seed).integers(0, 120, (len(labels), 16, 16, 1), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[5:11, 2 + 8 * label : 6 + 8 * label] += 100
    return images


def train(images: Images, labels: np.ndarray, settings: ClassifierTraining, work: Path, seed=1):
    data = LabelledImages(images, labels, ["left", "right"])
    trained = training.train(data, settings, TrainingRun(seed, "cpu", work))
    return trained.state, trained.history


def card_of(settings: ClassifierTraining) -> dict:
    return model_card(settings, ["left", "right"], image_channels=1, image_size=16)


def test_a_killed_run_resumed_equals_an_uninterrupted_one(tmp_path: Path):
    labels = np.arange(10) % 2
    images = sided(labels, seed=0)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    expected, history = train(Images(images), labels, SMALL, whole)
    with pytest.raises(InterruptedError):
        train(Images(images, reads=6), labels, SMALL, killed)  # one for the shape, five steps
    store = Images(images)
    found, resumed_history = train(store, labels, SMALL, killed)
    assert 10**9 - store.reads == 1 + 3  # resumed after step 3 of 6
    assert all(torch.equal(found[k], expected[k]) for k in expected)
    assert resumed_history.read_text() == history.read_text()


def test_the_seed_decides_the_weights(tmp_path: Path):
    labels = np.arange(10) % 2
    images = Images(sided(labels, seed=0))
    states = []
    for i, seed in enumerate([1, 1, 2]):
        torch.manual_seed(i)  # must not matter
        work = tmp_path / str(i)
        work.mkdir()
        states.append(train(images, labels, SMALL, work, seed=seed)[0])
    assert torch.equal(states[0]["head.weight"], states[1]["head.weight"])
    assert not torch.equal(states[0]["head.weight"], states[2]["head.weight"])


def in_batches(images: np.ndarray, size: int) -> list[np.ndarray]:
    return [images[i : i + size] for i in range(0, len(images), size)]


def test_learns_left_from_right_in_an_imbalanced_cohort(tmp_path: Path):
    labels = (np.arange(200) % 10 == 0).astype(int)
    settings = ClassifierTraining(steps=60, batch=16, channels=8, features=8, lr=3e-3)
    state, _ = train(Images(sided(labels, seed=1)), labels, settings, tmp_path)
    held_out = np.arange(60) % 2
    card = card_of(settings)
    seen = extract(state, card, in_batches(sided(held_out, seed=2), 25), "cpu")
    statistics, probabilities = seen.statistics, seen.probabilities
    metrics = held_out_metrics(probabilities, held_out, np.arange(60), ["left", "right"])
    balanced = metrics["metrics"]["balanced_accuracy"]
    assert balanced["value"] > 0.9 and balanced["interval"][0] > balanced["chance"] == 0.5
    assert statistics.shape == (60, 4 + 2 * (8 + 16))
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)


def test_a_rare_class_is_as_likely_as_the_others_when_images_tell_nothing(tmp_path: Path):
    labels = (np.arange(40) % 10 == 0).astype(int)
    alike = np.full((40, 16, 16, 1), 90, np.uint8)
    settings = ClassifierTraining(steps=40, batch=40, channels=4, features=8, lr=1e-2)
    state, _ = train(Images(alike), labels, settings, tmp_path)
    probabilities = extract(state, card_of(settings), [alike[:1]], "cpu").probabilities
    assert probabilities[0, 1] == pytest.approx(0.5, abs=0.1)


def test_extraction_does_not_depend_on_the_batch(tmp_path: Path):
    labels = np.arange(10) % 2
    images = sided(labels, seed=3)
    state, _ = train(Images(images), labels, SMALL, tmp_path)
    card = card_of(SMALL)
    one, all_at_once = (extract(state, card, in_batches(images, size), "cpu") for size in (3, 10))
    for a, b in zip(one, all_at_once, strict=True):
        assert a.dtype == np.float64
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert [part.shape[0] for part in extract(state, card, [], "cpu")] == [0, 0, 0]
    with pytest.raises(ValueError, match="trained on"):
        extract(state, card, [images[:, :8, :8]], "cpu")


def test_shifts_are_crops_of_the_padded_image_and_never_flips():
    x = torch.randn(300, 2, 6, 5)
    shifted = random_shift(x, generator(1, "shift", 0))
    offsets = set()
    for before, after in zip(x.numpy(), shifted.numpy(), strict=True):
        padded = np.pad(before, ((0, 0), (2, 2), (2, 2)), mode="edge")
        fits = {
            (down, right)
            for down in range(5)
            for right in range(5)
            if np.array_equal(after, padded[:, down : down + 6, right : right + 5])
        }
        assert len(fits) == 1
        offsets |= fits
    assert len(offsets) == 25


def test_class_weights_give_every_class_the_same_share():
    labels = np.repeat([0, 1], [104, 35])
    weights = class_weights(labels, 2)
    assert weights[0] * 104 == pytest.approx(weights[1] * 35)
    assert weights[labels].mean() == pytest.approx(1)
    with pytest.raises(ValueError, match=r"class index \[2\]"):
        class_weights(labels, 3)


def test_refuses_images_that_are_not_square(tmp_path: Path):
    labels = np.arange(10) % 2
    with pytest.raises(ValueError, match="images are 16x8"):
        train(Images(sided(labels, seed=0)[:, :, :8]), labels, SMALL, tmp_path)


def test_refuses_labels_that_do_not_fit_the_images(tmp_path: Path):
    with pytest.raises(ValueError, match="3 labels for 10 images"):
        train(Images(sided(np.zeros(10, int), seed=0)), np.zeros(3, int), SMALL, tmp_path)


def test_held_out_metrics_count_by_hand():
    """Truth a: 3 of 4 right. Truth b: 1 of 2 right."""
    truth, answer = np.array([0, 0, 0, 0, 1, 1]), [0, 0, 0, 1, 1, 0]
    found = held_out_metrics(np.eye(2)[answer], truth, np.arange(6), ["a", "b"])
    assert found["confusion"] == [[3, 1], [1, 1]]
    assert found["metrics"]["accuracy"]["value"] == pytest.approx(4 / 6)
    assert found["metrics"]["balanced_accuracy"]["value"] == pytest.approx((0.75 + 0.5) / 2)
    assert found["per_class"]["a"]["recall"]["value"] == 0.75
    low, high = found["metrics"]["accuracy"]["interval"]
    assert 0 < low < 4 / 6 < high < 1
    assert found["metrics"]["accuracy"]["chance"] == 4 / 6
    assert found["metrics"]["balanced_accuracy"]["chance"] == 0.5
    low, high = found["metrics"]["balanced_accuracy"]["interval"]
    assert (
        low < 0.625 < high and "not above chance" in found["metrics"]["balanced_accuracy"]["reason"]
    )


def test_a_recall_stands_beside_how_often_its_class_is_answered():
    """An answer that is always the same has all of one class right, and has seen nothing."""
    truth = np.repeat([0, 1], [30, 10])
    constant = held_out_metrics(np.eye(2)[truth * 0], truth, np.arange(40), ["a", "b"])
    a, b = (constant["per_class"][c]["recall"] for c in "ab")
    assert (a["value"], a["chance"], b["value"], b["chance"]) == (1, 1, 0, 0)
    assert a["reason"] == "not above chance (1)" and b["reason"] == "not above chance (0)"
    assert constant["metrics"]["accuracy"]["reason"] == "not above chance (0.75)"
    right = held_out_metrics(np.eye(2)[truth], truth, np.arange(40), ["a", "b"])
    assert right["per_class"]["a"]["recall"]["chance"] == 0.75
    assert right["per_class"]["a"]["recall"]["reason"] is None
    assert without_baseline(right["metrics"]) == without_baseline(right["per_class"]["b"]) == []


def test_many_images_of_few_patients_make_no_sure_classifier():
    """48 tiles of two patients a class, all right."""
    truth, patients = np.repeat([0, 1], 96), np.repeat(np.arange(4), 48)
    few = held_out_metrics(np.eye(2)[truth], truth, patients, ["a", "b"])["metrics"]
    many = held_out_metrics(np.eye(2)[truth], truth, np.arange(192), ["a", "b"])["metrics"]
    assert few["balanced_accuracy"]["value"] == many["balanced_accuracy"]["value"] == 1
    assert few["balanced_accuracy"]["interval"][0] < 0.6 < many["balanced_accuracy"]["interval"][0]


def test_a_class_without_held_out_images_has_a_reason():
    found = held_out_metrics(np.eye(2)[[0, 1]], np.array([0, 0]), np.arange(2), ["a", "b"])
    json.dumps(found, allow_nan=False)
    assert found["metrics"]["balanced_accuracy"]["value"] is None
    assert found["metrics"]["balanced_accuracy"]["reason"] == "no held-out images of b"
    assert found["per_class"]["b"]["recall"]["value"] is None
    nobody = held_out_metrics(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, str), ["a", "b"])
    json.dumps(nobody, allow_nan=False)
    assert nobody["metrics"]["accuracy"]["reason"] == "no held-out images"


class Listed(Images):
    """Images of patients, one each."""

    @property
    def manifest(self) -> pd.DataFrame:
        return pd.DataFrame({"patient": [f"p{i}" for i in range(len(self))]})


@pytest.mark.parametrize("honest", [True, False])
def test_the_weights_kept_are_those_that_do_best_on_validation_images(tmp_path: Path, honest: bool):
    labels, others = np.arange(40) % 2, np.arange(12) % 2
    images, held_out = Images(sided(labels, seed=1)), Listed(sided(others, seed=2))
    # Where right is called left, the more is learnt the worse it gets.
    called = others if honest else 1 - others
    classes = ["left", "right"]
    validation = LabelledImages(held_out, called, classes)
    data = LabelledImages(images, labels, classes, validation=validation)
    settings = ClassifierTraining(steps=40, batch=16, channels=4, features=8, lr=3e-3)
    trained = training.train(data, settings, TrainingRun(1, "cpu", tmp_path))
    points = pd.read_csv(trained.history).pivot(index="step", columns="name", values="value")
    losses, facts = points["validate_cross_entropy"].dropna(), trained.card["validation"]
    assert facts["step"] == (40 if honest else losses.idxmin()) and facts["of"] == 40
    assert honest or facts["step"] < 40
    assert facts["baselines"] == {
        "the same answer to all": pytest.approx(np.log(2)),
        "accuracy of one answer to all": 0.5,
    }
    assert (facts["images"], facts["patients"]) == (12, 12)

    batch = [held_out.images]
    probabilities = extract(trained.state, card_of(settings), batch, "cpu").probabilities
    expected = -np.log(probabilities[np.arange(12), called]).mean()  # as many of each class
    assert facts["value"] == pytest.approx(expected, rel=1e-5)
    right = (probabilities.argmax(1) == called).mean()
    assert facts["beside"]["validate_accuracy"] == pytest.approx(right)


def test_the_balanced_losses_of_a_batch_are_torchs_weighted_mean():
    labels = np.repeat([0, 1, 2], [30, 8, 2])
    data = LabelledImages(Images(np.zeros((40, 8, 8, 1), np.uint8)), labels, ["a", "b", "c"])
    logits = torch.randn(12, 3, generator=generator(5), dtype=torch.float64)
    target = torch.arange(12) % 3
    weights = torch.tensor(class_weights(labels, 3))
    expected = torch.nn.functional.cross_entropy(logits, target, weights)
    found = training.balanced_losses(data, "cpu")(logits, target).mean()
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
