from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.images import kernel_distance
from medsynth.metrics.images.kernel_distance import squared_mmd, subset_interval


def brute_force(x: np.ndarray, y: np.ndarray, biased: bool = False) -> float:
    """Gretton et al. 2012, Eq. 3, one pair at a time; biased is their Eq. 5."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return (float(np.dot(a, b)) / len(a) + 1) ** 3

    def within(z: np.ndarray) -> float:
        pairs = [(i, j) for i in range(len(z)) for j in range(len(z)) if biased or i != j]
        return sum(k(z[i], z[j]) for i, j in pairs) / len(pairs)

    across = sum(k(a, b) for a in x for b in y) / (len(x) * len(y))
    return within(x) + within(y) - 2 * across


@pytest.mark.parametrize("at_once", [2**23, 20], ids=["one block", "several blocks"])
def test_equals_a_double_loop(monkeypatch: pytest.MonkeyPatch, at_once: int):
    monkeypatch.setattr(kernel_distance, "_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 5)), rng.standard_normal((13, 5)) + 0.3
    assert squared_mmd(x, y) == pytest.approx(brute_force(x, y), rel=1e-12)


def test_is_unbiased_for_equal_distributions():
    rng = np.random.default_rng(1)
    draws = [rng.standard_normal((2, 8, 3)) for _ in range(400)]
    values = np.array([squared_mmd(x, y) for x, y in draws])
    error = values.std() / np.sqrt(len(values))
    assert abs(values.mean()) < 3 * error
    # The estimator with the diagonal would not have passed.
    assert np.mean([brute_force(x, y, biased=True) for x, y in draws[:50]]) > 10 * error


@pytest.mark.parametrize("size", [10, 30])
def test_interval_holds_the_true_distance_about_as_often_as_it_says(size: int):
    rng = np.random.default_rng(2)
    big = [rng.standard_normal((3000, 4)) + shift for shift in (0, 0.5)]
    truth = squared_mmd(*big)
    hits = []
    for _ in range(80):
        x, y = rng.standard_normal((60, 4)), rng.standard_normal((60, 4)) + 0.5
        (low, high), _ = subset_interval(x, y, 20, size, rng, np.arange(60))
        assert low < squared_mmd(x, y) < high
        hits.append(low <= truth <= high)
    assert 0.85 <= np.mean(hits) <= 1


def test_the_width_does_not_depend_on_the_size_of_the_subsets():
    """Small subsets spread more than all items do, large ones less: both are scaled."""
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((90, 4)), rng.standard_normal((90, 4)) + 1
    widths = []
    for size in (15, 30, 45):
        (low, high), _ = subset_interval(x, y, 200, size, np.random.default_rng(7), np.arange(90))
        widths.append(high - low)
    assert max(widths) < 1.35 * min(widths)


def test_ten_like_images_of_a_patient_tell_hardly_more_than_one():
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(20), 10)
    x = rng.standard_normal((20, 4))[patients] + 0.01 * rng.standard_normal((200, 4))
    y = rng.standard_normal((200, 4))

    def width(of: np.ndarray) -> float:
        (low, high), _ = subset_interval(x, y, 60, 100, np.random.default_rng(4), of)
        return high - low

    assert width(patients) > 2 * width(np.arange(200))


@pytest.mark.parametrize(("patients", "told"), [(1, "1 patient,"), (4, "4 patients,"), (5, None)])
def test_few_patients_tell_nothing_of_its_spread(patients: int, told: str | None):
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 40, 3))
    interval, reason = subset_interval(x, y, 5, 10, rng, np.arange(40) % patients)
    assert (interval is None) == bool(told)
    assert reason is None if told is None else told in reason
