"""How well answers tell images with a finding from those without."""

from __future__ import annotations

import json

import numpy as np
import pytest

from medsynth.metrics.baselines import with_accuracy
from medsynth.metrics.findings import (
    auroc,
    average_precision,
    finding_figures,
    held_out_findings,
    mean_of_findings,
)
from medsynth.metrics.images.evaluation import seen_combination
from medsynth.metrics.intervals import metric


def answers(n: int, share: float, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Answers with ties, and whether the finding is there."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < share
    return np.round(rng.normal(0, 1, n) + shift * truth, 1), truth


@pytest.mark.parametrize(("n", "share", "shift"), [(9, 0.5, 0), (200, 0.1, 1), (300, 0.7, 3)])
def test_figures_equal_scikit_learn(n, share, shift):
    oracle = pytest.importorskip("sklearn.metrics")
    for seed in range(5):
        score, truth = answers(n, share, shift, seed)
        sides = score[truth], score[~truth]
        assert auroc(*sides) == pytest.approx(oracle.roc_auc_score(truth, score), abs=1e-12)
        expected = oracle.average_precision_score(truth, score)
        assert average_precision(*sides) == pytest.approx(expected, abs=1e-12)


def test_figures_by_hand():
    present, absent = np.array([0.9, 0.5, 0.2]), np.array([0.5, 0.1])
    assert auroc(present, absent) == (2 + 1.5 + 1) / 6
    assert average_precision(present, absent) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    constant = np.full(30, 0.3), np.full(70, 0.3)
    assert auroc(*constant) == 0.5 and average_precision(*constant) == 0.3


def test_every_finding_stands_beside_its_prevalence():
    rng = np.random.default_rng(0)
    truth = (rng.random((120, 3)) < [0.5, 0.2, 0]).astype(np.float32)
    guesses = np.stack([truth[:, 0] + rng.normal(0, 0.3, 120), *rng.random((2, 120))], axis=1)
    patients = np.arange(120) // 2
    found = held_out_findings(guesses, truth, patients, ["sure", "guessed", "never"], 50, seed=1)
    json.dumps(found, allow_nan=False)
    sure, guessed, never = found["per_class"].values()
    assert sure["auroc"]["value"] > 0.95 and sure["auroc"]["chance"] == 0.5
    low, high = sure["auroc"]["interval"]
    assert 0.5 < low < sure["auroc"]["value"] <= high <= 1
    assert sure["average_precision"]["chance"] == pytest.approx(truth[:, 0].mean())
    assert guessed["average_precision"]["chance"] == pytest.approx(truth[:, 1].mean())
    assert "not above chance (0.5)" in guessed["auroc"]["reason"]
    assert never["auroc"]["value"] is None and never["auroc"]["reason"] == "no images with never"
    mean = found["metrics"]["auroc"]  # of those that can be judged, above chance as they are
    assert mean["value"] == pytest.approx((sure["auroc"]["value"] + guessed["auroc"]["value"]) / 2)
    assert mean["interval"][0] > mean["chance"] == 0.5
    assert mean["reason"] == (
        "mean of 2 of 3 findings; 1 finding without enough patients with and without: never"
    )
    assert with_accuracy(sure["auroc"], mean)["reason"] is None
    nothing = held_out_findings(guesses, truth * 0, patients, ["a", "b", "c"], 50, seed=1)
    assert nothing["metrics"]["auroc"]["value"] is nothing["metrics"]["auroc"]["chance"] is None


def test_intervals_take_patients_and_not_images_for_independent():
    score, truth = answers(40, 0.5, 1, seed=3)
    once = finding_figures(score[:, None], truth[:, None], np.arange(40), ["f"], 200, 1)["f"]
    again = np.repeat(np.arange(40), 20)
    many = finding_figures(score[again, None], truth[again, None], again, ["f"], 200, 1)["f"]
    for figure in ("auroc", "average_precision"):
        assert many[figure]["value"] == pytest.approx(once[figure]["value"])
        narrow, wide = (np.diff(m[figure]["interval"])[0] for m in (many, once))
        assert narrow == pytest.approx(wide, rel=0.3)
    few = finding_figures(score[:, None], truth[:, None], truth.astype(int), ["f"], 200, 1)["f"]
    assert few["auroc"]["interval"] is None
    assert "1 patient, at least 5 are needed" in few["auroc"]["reason"]


def test_a_perfect_answer_about_few_patients_is_not_sure():
    truth = np.arange(40)[:, None] < 8
    found = finding_figures(truth.astype(float), truth, np.arange(40), ["f"], 50, 1)["f"]
    for figure in ("auroc", "average_precision"):
        assert found[figure]["value"] == 1
        assert found[figure]["interval"] == pytest.approx([8 / (8 + 1.96**2), 1], abs=1e-3)


def test_intervals_cover_the_truth():
    """Two normal distributions one standard deviation apart: AUROC is Phi(1 / sqrt 2) = 0.7602."""
    hits = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        truth = np.arange(80) % 2
        score = rng.normal(0, 1, 80) + truth
        found = finding_figures(score[:, None], truth[:, None], np.arange(80), ["f"], 100, seed)
        low, high = found["f"]["auroc"]["interval"]
        hits += low <= 0.7602 <= high
    assert hits >= 52  # 95 % of 60 are 57; fewer than 52 by chance in one of 100 runs


def test_the_mean_of_findings_is_as_unsure_as_they_are():
    one = {**metric(0.8, "higher", [0.7, 0.9]), "chance": 0.5}
    other = {**metric(0.6, "higher", [0.4, 0.8]), "chance": 0.1}
    mean = mean_of_findings({"a": one, "b": other})
    assert mean["value"] == pytest.approx(0.7) and mean["chance"] == pytest.approx(0.3)
    assert mean["interval"] == pytest.approx([0.55, 0.85])
    few = {**other, "interval": None}
    of_one = mean_of_findings({"a": one, "b": few})
    assert (of_one["value"], of_one["chance"]) == (0.8, 0.5)
    assert of_one["reason"].startswith("mean of 1 of 2 findings") and "b" in of_one["reason"]
    unsure = mean_of_findings({"a": {**one, "interval": None}, "b": few})
    assert unsure["value"] == pytest.approx(0.7)
    assert unsure["interval"] is None and unsure["reason"] == "no interval: no finding has one"


def test_a_combination_is_seen_if_all_its_findings_are_and_no_other():
    probabilities = np.array([[0.9, 0.8, 0.1], [0.9, 0.2, 0.1], [0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    found = seen_combination(probabilities, ["a", "a + b"], ["a", "b", "c"])
    assert found.tolist() == [1, 0, -1, -1]
