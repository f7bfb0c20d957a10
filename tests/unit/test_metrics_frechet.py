from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from medsynth.metrics.images.frechet import frechet_distance


def exact_features(n: int, mean: np.ndarray, root: np.ndarray, seed: int) -> np.ndarray:
    """Features whose sample mean is `mean` and whose covariance over n - 1 is root^T root."""
    raw = np.random.default_rng(seed).standard_normal((n, len(mean)))
    whitened, _ = np.linalg.qr(raw - raw.mean(0))
    return mean + np.sqrt(n - 1) * whitened @ root


def test_equals_the_closed_form_for_commuting_covariances():
    """For diagonal covariances: |m1 - m2|^2 + sum (s1 - s2)^2."""
    s1, s2 = np.array([1.0, 2.0, 0.5]), np.array([3.0, 0.25, 0.5])
    m1, m2 = np.array([0.0, 1.0, 2.0]), np.array([1.0, -1.0, 2.0])
    x = exact_features(50, m1, np.diag(s1), seed=1)
    y = exact_features(80, m2, np.diag(s2), seed=2)
    expected = ((m1 - m2) ** 2).sum() + ((s1 - s2) ** 2).sum()
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-12)


def test_equals_the_matrix_square_root_formula():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((200, 16)) @ rng.standard_normal((16, 16))
    y = rng.standard_normal((150, 16)) @ rng.standard_normal((16, 16)) + 0.5
    c1, c2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    difference = x.mean(0) - y.mean(0)
    expected = difference @ difference + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [5, 100], ids=["singular covariance", "full rank"])
def test_a_shifted_copy_is_as_far_as_its_shift(n: int):
    x = np.random.default_rng(4).standard_normal((n, 32))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(x, x + 0.25) == pytest.approx(32 * 0.25**2, rel=1e-10)


def test_float32_features_are_computed_in_float64():
    x = np.random.default_rng(5).standard_normal((40, 8)).astype(np.float32) + 100
    y = x * np.float32(1.01)
    exact = frechet_distance(x.astype(np.float64), y.astype(np.float64))
    assert frechet_distance(x, y) == exact


def test_refuses_a_single_item():
    with pytest.raises(ValueError, match="needs two items"):
        frechet_distance(np.zeros((1, 4)), np.zeros((5, 4)))
