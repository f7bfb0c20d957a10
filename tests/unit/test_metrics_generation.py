"""All figures together, on images that a small classifier was trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from memory_images import Memory

from medsynth.metrics.baselines import not_beaten, without_baseline
from medsynth.metrics.images import nulls
from medsynth.metrics.images.evaluation import Group, evaluate_generation
from medsynth.metrics.images.feature_space import FeatureSpace
from medsynth.metrics.images.frechet import frechet_distance
from medsynth.metrics.images.kernel_distance import squared_mmd
from medsynth.metrics.intervals import metric
from medsynth.metrics.settings import Evaluation
from medsynth.models.classifier.extraction import extract
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import train
from medsynth.models.contract import LabelledImages
from medsynth.runtime.run import TrainingRun

torch.set_num_threads(1)
CLASSES = ["left", "right"]
SIZE, BATCH = 16, 64
SETTINGS = Evaluation(kid_subsets=20, kid_subset_size=20, bootstrap=40)
FIGURES = ["fid", "sfid", "kid", "precision", "recall", "density", "coverage"]
JUDGE = {**metric(0.9, "higher", [0.8, 0.95]), "chance": 0.5}


def people(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and patients: a body with a spot on the left or, in `share`, on the right.

    Each of n patients has three images of one look: the body's size, its grey, the spot's size.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat((np.arange(n) < share * n).astype(int), 3)
    patients = np.repeat(np.arange(n), 3)
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    look = rng.uniform(0, 1, (n, 3))[patients]
    images = []
    for label, (size, grey, spot) in zip(labels, look, strict=True):
        side, height = (0.4 if label else -0.4) + rng.normal(0, 0.08), rng.normal(0, 0.15)
        body = x**2 + y**2 < 0.5 + 0.4 * size
        dot = np.exp(-((x - side) ** 2 + (y - height) ** 2) / (0.04 + 0.04 * spot))
        images.append(40 + body * (60 + 60 * grey) + 80 * dot + rng.normal(0, 5, x.shape))
    return np.stack(images).clip(0, 255).astype(np.uint8)[..., None], labels, patients


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    """What a classifier, trained on the training patients, sees in batches of images."""
    images, labels, _ = people(60, 0.5, seed=0)
    settings = ClassifierTraining(steps=60, batch=32, channels=8, features=8, lr=3e-3)
    work: Path = tmp_path_factory.mktemp("classifier")
    data = LabelledImages(Memory(images), labels, CLASSES)
    trained = train(data, settings, TrainingRun(1, "cpu", work))
    return lambda batches: extract(trained.state, trained.card, batches, "cpu")


@pytest.fixture(scope="module")
def groups(look) -> dict[str, Group]:
    """Held-out patients, four fifths of whom are left; training patients, half of whom are."""

    def seen(n: int, share: float, seed: int) -> Group:
        images, labels, patients = people(n, share, seed)
        return Group(*look([images]), labels, patients)

    some, n = people(60, 0.5, seed=0)[0], 120
    noise = nulls.noise(n, some.shape[1:], BATCH, np.random.default_rng(5))
    empty = {"noise": noise, "constant": nulls.constant(n, some, BATCH)}
    return {
        "real": seen(40, 0.2, seed=1),
        "training": seen(60, 0.5, seed=0),
        **{k: Group(*look(b), np.zeros(n, int), np.arange(n)) for k, b in empty.items()},
    }


def evaluate(groups: dict[str, Group], generated: Group, seed: int = 1, **changes) -> dict:
    groups = {**groups, **changes}
    empty = {name: groups[name] for name in ("noise", "constant")}
    real, training = groups["real"], groups["training"]
    return evaluate_generation(
        real, training, generated, empty, JUDGE, SETTINGS, seed=seed, classes=CLASSES
    )


@pytest.fixture(scope="module")
def others(look) -> Group:
    """Real images of patients in neither split, as many of each class, as a model would make."""
    images, labels, _ = people(60, 0.5, seed=2)
    return Group(*look([images]), labels, np.arange(len(images)))


@pytest.fixture(scope="module")
def found(groups, others) -> dict:
    return evaluate(groups, others)


@pytest.mark.parametrize("name", [*FIGURES, "inception_score"])
@pytest.mark.parametrize("kind", ["noise", "constant"])
def test_noise_and_constant_lose_to_real_images(found, name: str, kind: str):
    entry = found["metrics"][name]
    sign = 1 if entry["better"] == "lower" else -1
    assert sign * entry["floor"] < sign * entry["null"][kind]
    assert entry["reason"] is None


def test_every_figure_stands_beside_what_shows_nothing(found):
    parts = [found["metrics"], *found["per_class"].values()]
    assert [without_baseline(metrics) for metrics in parts] == [[]] * len(parts)


def disturbed(kind: str, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    pixels = images.reshape(len(images), -1)
    if kind == "shuffled pixels":
        return rng.permuted(pixels, axis=1).reshape(images.shape)
    if kind == "noise of the same greys":
        noise = rng.normal(pixels.mean(1), pixels.std(1), (pixels.shape[1], len(images)))
        return noise.T.clip(0, 255).astype(np.uint8).reshape(images.shape)
    if kind == "flat":
        return np.broadcast_to(images.mean((1, 2, 3), keepdims=True), images.shape).astype(np.uint8)
    return 255 - images  # the negative: a cohort of another kind


@pytest.mark.parametrize("kind", ["shuffled pixels", "noise of the same greys", "flat", "negative"])
def test_what_is_no_such_image_loses_on_every_figure(groups, look, kind: str):
    images, labels, patients = people(60, 0.5, seed=2)
    worse = disturbed(kind, images, np.random.default_rng(3))
    metrics = evaluate(groups, Group(*look([worse]), labels, patients))["metrics"]
    for name in FIGURES:
        sign = 1 if metrics[name]["better"] == "lower" else -1
        assert sign * metrics[name]["value"] > sign * metrics[name]["floor"], name


def test_one_real_image_repeated_covers_no_cohort(groups, look):
    images, labels, patients = people(60, 0.5, seed=2)
    same = Group(*look([np.repeat(images[:1], len(images), 0)]), labels, patients)
    metrics = evaluate(groups, same)["metrics"]
    assert metrics["recall"]["value"] == 0
    assert metrics["coverage"]["value"] < 0.5 * metrics["coverage"]["floor"]
    assert metrics["fid"]["value"] > 2 * metrics["fid"]["floor"]


def test_sfid_sees_best_that_things_lie_in_the_wrong_place(groups, look):
    """Rolled by half the height: what there is stays, but not where."""
    images, labels, patients = people(60, 0.5, seed=2)
    rolled = Group(*look([np.roll(images, SIZE // 2, axis=1)]), labels, patients)
    metrics = evaluate(groups, rolled)["metrics"]
    of_noise = {n: metrics[n]["value"] / metrics[n]["null"]["noise"] for n in ("fid", "sfid")}
    assert of_noise["sfid"] > 0.5 and of_noise["fid"] < 0.25


def test_noise_itself_is_marked_on_every_figure(groups):
    labels = np.arange(120) % 2
    metrics = evaluate(groups, replace(groups["noise"], labels=labels))["metrics"]
    for name in FIGURES:
        assert "better than noise" in metrics[name]["reason"], name
        assert not_beaten(metrics[name]) == "noise"
    score = metrics["inception_score"]
    assert score["floor"] > score["value"] + 0.1


def test_training_images_in_another_mix_of_classes_are_at_their_floor(groups):
    """Half of them show the right class, but a fifth of what they are compared with."""
    training = groups["training"]
    assert np.bincount(training.labels).tolist() == [90, 90]
    found = evaluate(groups, replace(training, patients=np.arange(len(training))))
    assert found["n"] == 113 and found["mix"] == {"left": 90, "right": 23}
    for name in FIGURES:
        low, high = found["metrics"][name]["interval"]
        assert low <= found["metrics"][name]["value"] <= high
        assert low <= found["metrics"][name]["floor"] <= high, name


def test_other_real_images_are_no_worse_than_the_floor(found):
    for name in FIGURES:
        entry = found["metrics"][name]
        low, high = entry["interval"]
        assert low <= entry["floor"] if entry["better"] == "lower" else high >= entry["floor"], name


def test_a_noisy_set_is_not_better_than_real_images_in_whatever_mix(groups, look):
    images, labels, patients = people(60, 0.5, seed=0)
    noise = np.random.default_rng(4).normal(0, 40, images.shape)
    noisy = (images + noise).clip(0, 255).astype(np.uint8)
    metrics = evaluate(groups, Group(*look([noisy]), labels, patients))["metrics"]
    for name in FIGURES:
        sign = 1 if metrics[name]["better"] == "lower" else -1
        assert sign * metrics[name]["value"] > sign * metrics[name]["floor"], name


def test_the_floor_is_the_mean_of_five_draws(found):
    """Of a share of n images one draw gives a multiple of 1 / n."""
    hits = np.array([found["metrics"][k]["floor"] * found["n"] for k in ("precision", "density")])
    assert np.allclose(hits * 5 * [1, 5], np.round(hits * 5 * [1, 5]))
    assert not np.allclose(hits * [1, 5], np.round(hits * [1, 5]))


def test_nulls_are_as_many_as_what_they_stand_beside(groups, found):
    space = FeatureSpace.fit(groups["training"].features)
    real, noise = (space(groups[name].features) for name in ("real", "noise"))
    assert found["n"] < len(noise)
    expected = squared_mmd(real, noise[: found["n"]])
    assert found["metrics"]["kid"]["null"]["noise"] == pytest.approx(expected, rel=1e-12)


def test_no_patient_dominates_the_floor(groups):
    """One training patient with 200 images more of one look changes the floor hardly."""
    training = groups["training"]
    many = np.concatenate([np.arange(len(training)), np.zeros(200, int)])
    alone = evaluate(groups, groups["training"])["metrics"]["coverage"]["floor"]
    crowded = evaluate(groups, groups["training"], training=training.at(many))["metrics"]
    assert crowded["coverage"]["floor"] > 0.75 * alone


def test_agreement_and_every_class_carry_judge_floor_and_nulls(found):
    assert found["metrics"]["label_agreement"]["judge"] == JUDGE
    for of_class in found["per_class"].values():
        assert of_class["label_agreement"]["judge"] == JUDGE
        assert set(of_class["kid"]["null"]) == {"noise", "constant"}
        assert of_class["kid"]["floor"] < of_class["kid"]["null"]["noise"]


def test_inception_score_states_its_split_and_what_real_images_reach(found):
    score = found["metrics"]["inception_score"]
    assert score["splits"] == 1
    assert 1 < score["floor"] <= 2 and score["null"]["constant"] == pytest.approx(1)


def test_directions(found):
    better = {name: m["better"] for name, m in found["metrics"].items()}
    assert better == {
        "fid": "lower", "sfid": "lower", "kid": "lower", "precision": "higher", "recall": "higher",
        "density": "higher", "coverage": "higher", "inception_score": "higher",
        "label_agreement": "higher", "label_f1": "higher",
    }  # fmt: skip


def test_is_decided_by_the_seed(groups, others, found):
    assert evaluate(groups, others) == found
    again = evaluate(groups, others, seed=2)["metrics"]
    assert again["fid"]["floor"] != found["metrics"]["fid"]["floor"]


def test_features_are_compared_in_float64(groups, others, found):
    assert groups["real"].features.dtype == np.float64
    assert frechet_distance(*np.zeros((2, 3, 2))) == 0
    assert isinstance(found["metrics"]["fid"]["value"], float)


def test_a_singular_covariance_is_said_and_not_compared_between_classes(groups, others):
    few = groups["real"].at(np.r_[0:8, 100:108])
    found = evaluate(groups, others, real=few)
    assert "16 images for 17 features" in found["metrics"]["fid"]["reason"]
    assert found["per_class"]["left"]["fid"]["value"] is None
    assert "8 images for 17 features" in found["per_class"]["left"]["fid"]["reason"]
    assert found["per_class"]["left"]["kid"]["value"] is not None


@pytest.mark.parametrize("side", ["real", "training", "generated"])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_too_few_images_give_null_with_a_reason(groups, others, side: str, n: int):
    changes = {"generated": others, **groups}
    changes[side] = changes[side].at(np.arange(n))
    found = evaluate(groups, changes.pop("generated"), **changes)
    json.dumps(found, allow_nan=False)
    everything = [*found["metrics"].values()]
    for of_class in found["per_class"].values():
        everything += of_class.values()
    assert all(m["reason"] for m in everything if m["value"] is None or m["interval"] is None)
    assert all(found["metrics"][name]["value"] is None for name in [*FIGURES, "inception_score"])


@pytest.mark.parametrize(
    ("side", "told"),
    [
        ("generated", "no generated images of right, which 120 real ones show"),
        ("training", "no training images of right, which 120 real ones show"),
        ("real", None),  # what held-out patients do not show is not compared
    ],
)
def test_a_class_that_a_side_lacks_is_named(groups, others, side: str, told: str | None):
    changes = {"generated": others, **groups}
    changes[side] = changes[side].at(np.flatnonzero(changes[side].labels == 0))
    found = evaluate(groups, changes.pop("generated"), **changes)
    for name in [*FIGURES, "inception_score"]:
        assert (found["metrics"][name]["value"] is None) == bool(told)
        assert told is None or found["metrics"][name]["reason"] == told
    assert found["per_class"]["left"]["kid"]["value"] is not None


def test_few_held_out_patients_give_no_interval_of_what_rests_on_them(groups, others):
    """However many images they have; shares stay, as wide as so few patients make them."""
    real = replace(groups["real"], patients=np.zeros(len(groups["real"])))
    metrics = evaluate(groups, others, real=real)["metrics"]
    for name in ("fid", "kid"):
        assert metrics[name]["interval"] is None
        assert metrics[name]["reason"] == "no interval: 1 patient, at least 5 are needed"
    for name in ("recall", "coverage"):
        assert np.ptp(metrics[name]["interval"]) > 0.6


@pytest.mark.parametrize("seen", ["features", "probabilities"])
def test_refuses_features_that_are_not_finite(groups, others, seen: str):
    broken = replace(others, **{seen: np.full_like(getattr(others, seen), np.nan)})
    with pytest.raises(ValueError, match="features of generated images are not all finite"):
        evaluate(groups, broken)
