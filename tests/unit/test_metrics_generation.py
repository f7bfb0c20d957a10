from __future__ import annotations

import json

import numpy as np
import pytest

from medsynth.metrics.frechet import frechet_distance
from medsynth.metrics.generation import evaluate_generation, label_agreement
from medsynth.metrics.inception_score import inception_score
from medsynth.metrics.kernel_distance import squared_mmd
from medsynth.runtime.config.models import Evaluation

CLASSES = ["ap", "pa"]
SETTINGS = Evaluation(kid_subsets=20, kid_subset_size=20, bootstrap=40)
NAMES = ["fid", "kid", "inception_score", "precision", "recall", "label_agreement"]


def evaluate(n_real: int = 60, n_generated: int = 80, d: int = 6, **changes) -> dict:
    rng = np.random.default_rng(0)
    arguments = {
        "features_real": rng.standard_normal((n_real, d)).astype(np.float32),
        "features_generated": rng.standard_normal((n_generated, d)).astype(np.float32) + 0.3,
        "probabilities_generated": rng.dirichlet([1, 1], n_generated).astype(np.float32),
        "labels_generated": np.arange(n_generated) % 2,
        "settings": SETTINGS,
        "seed": 1,
        "labels_real": np.arange(n_real) % 2,
        "classes": CLASSES,
    }
    return {"given": arguments, **evaluate_generation(**{**arguments, **changes})}


def test_values_are_those_of_the_single_metrics():
    found = evaluate()
    given, metrics = found["given"], found["metrics"]
    real, generated = given["features_real"], given["features_generated"]
    assert list(metrics) == NAMES
    assert metrics["fid"]["value"] == frechet_distance(real, generated)
    assert metrics["inception_score"]["value"] == inception_score(given["probabilities_generated"])
    low, high = metrics["kid"]["interval"]
    assert low < squared_mmd(real, generated) < high
    for name in NAMES:
        low, high = metrics[name]["interval"]
        assert low <= metrics[name]["value"] <= high
    of_pa = [x[given[k] == 1] for x, k in ((real, "labels_real"), (generated, "labels_generated"))]
    assert found["per_class"]["pa"]["fid"]["value"] == frechet_distance(*of_pa)


def test_directions():
    better = {name: m["better"] for name, m in evaluate()["metrics"].items()}
    assert better == {
        "fid": "lower", "kid": "lower", "inception_score": "higher",
        "precision": "higher", "recall": "higher", "label_agreement": "higher",
    }  # fmt: skip


def test_precision_and_recall_are_not_swapped():
    """Generated images near half of the real ones: all are plausible, half are covered."""
    rng = np.random.default_rng(1)
    real = np.concatenate([rng.standard_normal((30, 6)), rng.standard_normal((30, 6)) + 50])
    found = evaluate(features_real=real, features_generated=np.tile(real[:30], (3, 1))[:80])
    assert found["metrics"]["precision"]["value"] == 1
    assert found["metrics"]["recall"]["value"] == 0.5


def test_is_decided_by_the_seed():
    assert evaluate()["metrics"] == evaluate()["metrics"]
    assert evaluate()["metrics"]["kid"] != evaluate(seed=2)["metrics"]["kid"]


def test_a_singular_covariance_is_said_and_not_compared_between_classes():
    found = evaluate(n_real=10, d=12)
    assert found["metrics"]["fid"]["value"] is not None
    assert "10 images for 12 features" in found["metrics"]["fid"]["reason"]
    assert "subsets of 5 images" in found["metrics"]["kid"]["reason"]
    assert found["per_class"]["ap"]["fid"]["value"] is None
    assert "5 images of this class" in found["per_class"]["ap"]["fid"]["reason"]
    assert found["per_class"]["ap"]["kid"]["value"] is not None


@pytest.mark.parametrize(("n_real", "n_generated"), [(0, 80), (1, 80), (60, 0), (60, 1)])
def test_too_few_images_give_null_with_a_reason(n_real: int, n_generated: int):
    found = evaluate(n_real, n_generated)
    given = found.pop("given")
    assert len(given["features_real"]) == n_real
    json.dumps(found, allow_nan=False)
    assert found["metrics"]["fid"]["value"] is None
    everything = [*found["metrics"].values()]
    for of_class in found["per_class"].values():
        everything += of_class.values()
    assert all(m["reason"] for m in everything if m["value"] is None or m["interval"] is None)


def test_refuses_features_that_are_not_finite():
    broken = np.full((60, 6), np.nan, np.float32)
    with pytest.raises(ValueError, match="features of real images are not all finite"):
        evaluate(features_real=broken)


def test_agreement_counts_each_class_against_its_own_chance():
    """10 asked for ap: 8 called ap. 10 asked for pa: 5 called pa."""
    called = [0] * 8 + [1] * 2 + [0] * 5 + [1] * 5
    overall, per_class = label_agreement(np.eye(2)[called], np.repeat([0, 1], 10), CLASSES)
    assert overall["value"] == 13 / 20
    assert overall["chance"] == pytest.approx(0.5)
    assert per_class["ap"]["value"] == 0.8
    assert per_class["ap"]["chance"] == 13 / 20
    assert per_class["pa"]["value"] == 0.5
    assert per_class["pa"]["chance"] == 7 / 20
    assert "not above chance" in overall["reason"]


def test_agreement_of_a_constant_answer_is_chance():
    overall, per_class = label_agreement(np.eye(2)[[0] * 40], np.arange(40) % 2, CLASSES)
    assert overall["value"] == overall["chance"] == 0.5
    assert per_class["ap"]["value"] == per_class["ap"]["chance"] == 1
    assert "not above chance" in per_class["ap"]["reason"]


def test_clear_agreement_has_no_doubt():
    overall, _ = label_agreement(np.eye(2)[np.arange(40) % 2], np.arange(40) % 2, CLASSES)
    assert overall["value"] == 1
    assert overall["interval"][0] > 0.9
    assert overall["reason"] is None
