from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.kernel_distance import squared_mmd, subset_distances


def brute_force(x: np.ndarray, y: np.ndarray, biased: bool = False) -> float:
    """Gretton et al. 2012, Eq. 3, one pair at a time; biased is their Eq. 5."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return (float(np.dot(a, b)) / len(a) + 1) ** 3

    def within(z: np.ndarray) -> float:
        pairs = [(i, j) for i in range(len(z)) for j in range(len(z)) if biased or i != j]
        return sum(k(z[i], z[j]) for i, j in pairs) / len(pairs)

    across = sum(k(a, b) for a in x for b in y) / (len(x) * len(y))
    return within(x) + within(y) - 2 * across


def test_equals_a_double_loop():
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


def test_subsets_that_take_everything_all_equal_the_full_value():
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((2, 10, 4))
    values = subset_distances(x, y, subsets=3, size=10, rng=rng)
    np.testing.assert_allclose(values, squared_mmd(x, y), rtol=1e-12)


def test_subsets_draw_without_replacement_from_each_side():
    x, y = np.arange(6.0)[:, None], np.arange(6.0)[:, None] + 100
    values = subset_distances(x, y, subsets=50, size=2, rng=np.random.default_rng(3))
    possible = [
        squared_mmd(x[[a, b]], y[[c, d]])
        for a in range(6) for b in range(a) for c in range(6) for d in range(c)
    ]  # fmt: skip
    assert len(set(values)) > 10
    assert all(np.isclose(value, possible, rtol=1e-9).any() for value in values)
