from __future__ import annotations

import json

import numpy as np
import pytest

from medsynth.metrics.images.frechet import frechet_distance
from medsynth.metrics.intervals import (
    bootstrap_interval,
    mean_share_interval,
    metric,
    share_interval,
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_of_a_mean_matches_the_normal_interval():
    x = np.random.default_rng(1).standard_normal(400)
    interval, reason = bootstrap_interval(np.mean, [x], 4000, rng())
    half = 1.96 * x.std() / 20
    assert reason is None
    assert interval == pytest.approx([x.mean() - half, x.mean() + half], abs=0.1 * half)


def test_covers_the_true_mean_about_as_often_as_it_says():
    draws = np.random.default_rng(2).exponential(size=(300, 40))
    intervals = [bootstrap_interval(np.mean, [x], 200, rng())[0] for x in draws]
    assert 0.88 <= np.mean([low <= 1 <= high for low, high in intervals]) <= 0.98


def test_is_decided_by_the_generator():
    x = np.random.default_rng(3).standard_normal(30)
    first = bootstrap_interval(np.mean, [x], 50, rng())
    assert first == bootstrap_interval(np.mean, [x], 50, rng())
    assert first != bootstrap_interval(np.mean, [x], 50, np.random.default_rng(1))


def test_contains_a_distance_that_duplicates_push_up():
    x, y = np.random.default_rng(4).standard_normal((2, 60, 8))
    value = frechet_distance(x, y)
    resampled = [frechet_distance(x[rng().integers(60, size=60)], y)]
    assert resampled[0] > value
    (low, high), _ = bootstrap_interval(frechet_distance, [x, y], 200, rng(), bounds=(0, np.inf))
    assert 0 <= low < value < high


def test_resamples_patients_whole():
    """Ten equal images a patient tell no more than one."""
    of_patients = np.random.default_rng(5).standard_normal(12)
    values, patients = np.repeat(of_patients, 10), np.repeat(np.arange(12), 10)
    single, _ = bootstrap_interval(np.mean, [of_patients], 500, rng())
    whole, _ = bootstrap_interval(np.mean, [values], 500, rng(), patients=[patients])
    assert whole == pytest.approx(single, rel=1e-12)


@pytest.mark.parametrize(
    ("items", "resamples", "patients", "said"),
    [
        (4, 50, None, "4 items"),
        (8, 0, None, "bootstrap is 0"),
        (1, 50, None, "1 item,"),
        (8, 50, np.arange(8) // 2, "4 patients"),
        (8, 50, np.zeros(8), "1 patient,"),
    ],
)
def test_gives_a_reason_instead_of_an_interval(items, resamples, patients, said):
    interval, reason = bootstrap_interval(
        np.mean, [np.arange(items)], resamples, rng(), patients=[patients]
    )
    assert interval is None
    assert said in reason


def test_samples_are_resampled_each_by_its_own_patients():
    """Where nobody differs but the first sample's patients, its patients alone make the width."""
    of_patients = np.random.default_rng(6).standard_normal(12)
    x, y = np.repeat(of_patients, 10), np.zeros(50)
    groups = [np.repeat(np.arange(12), 10), None]
    both, _ = bootstrap_interval(
        lambda a, b: a.mean() - b.mean(), [x, y], 500, rng(), patients=groups
    )
    alone, _ = bootstrap_interval(np.mean, [of_patients], 500, rng())
    assert np.ptp(both) == pytest.approx(np.ptp(alone), rel=0.15)


def wilson(share: float, n: float) -> list[float]:
    z = 1.959963984540054
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return pytest.approx([max(centre - half, 0), min(centre + half, 1)], rel=1e-12, abs=1e-12)


def test_share_of_independent_items_is_wilsons():
    assert share_interval(np.arange(30) < 7) == wilson(7 / 30, 30)
    assert share_interval(np.full(12, True)) == wilson(1, 12)
    assert share_interval(np.full(13, True))[1] == 1 and share_interval(np.full(13, False))[0] == 0


def test_share_counts_equal_images_of_a_patient_about_once():
    of_patients = np.arange(40) < 12
    hits, patients = np.repeat(of_patients, 10), np.repeat(np.arange(40), 10)
    low, high = share_interval(hits, patients)
    few_low, few_high = share_interval(of_patients)
    assert high - low == pytest.approx(few_high - few_low, rel=0.05)
    assert share_interval(np.full(400, True), patients) == wilson(1, 40)


def test_share_of_patients_whose_images_are_unlike_is_worth_nearly_all_images():
    hits = np.random.default_rng(7).random(1000) < 0.3
    low, high = share_interval(hits, np.repeat(np.arange(100), 10))
    free_low, free_high = share_interval(hits)
    assert 0.9 < (high - low) / (free_high - free_low) < 1.4


def test_shares_by_patient_hold_the_truth_about_as_often_as_they_say():
    draws, patients = np.random.default_rng(8), np.repeat(np.arange(15), 8)
    held = []
    for _ in range(300):
        own = draws.beta(2, 2, 15)[patients]
        low, high = share_interval(draws.random(120) < own, patients)
        held.append(low <= 0.5 <= high)
    assert 0.9 <= np.mean(held) <= 1


def test_a_mean_of_shares_is_as_sure_as_its_parts():
    assert mean_share_interval([0.6], [[0.4, 0.7]]) == pytest.approx([0.4, 0.7])
    low, high = mean_share_interval([0.5] * 4, [[0.3, 0.7]] * 4)
    assert [low, high] == pytest.approx([0.4, 0.6])
    assert mean_share_interval([1.0, 1.0], [[0.7, 1.0]] * 2)[1] == 1


def test_a_metric_is_json_and_joins_its_reasons():
    written = metric(1.5, "lower", [1.0, 2.0], None, "few", None, "odd")
    assert json.loads(json.dumps(written)) == {
        "value": 1.5, "interval": [1.0, 2.0], "better": "lower", "reason": "few; odd"
    }  # fmt: skip
    assert metric(1.5, "lower")["reason"] is None
