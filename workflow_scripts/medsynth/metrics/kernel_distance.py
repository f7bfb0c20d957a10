"""Kernel Inception Distance (Binkowski et al. 2018, Sec. 4)."""

from __future__ import annotations

import numpy as np


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

    Gretton et al. 2012, Eq. 3: terms of an item with itself are left out, so the expectation is 0
    for equal distributions and single values may be negative.

    Args:
        x: features (n, d), n >= 2.
        y: features (m, d), m >= 2.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return float(_mean_off_diagonal(x) + _mean_off_diagonal(y) - 2 * _kernel(x, y).mean())


def subset_distances(
    x: np.ndarray, y: np.ndarray, subsets: int, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Squared MMD of `subsets` pairs of random subsets of `size` items each, (subsets,)."""
    return np.array(
        [
            squared_mmd(
                x[rng.choice(len(x), size, replace=False)],
                y[rng.choice(len(y), size, replace=False)],
            )
            for _ in range(subsets)
        ]
    )


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_off_diagonal(x: np.ndarray) -> float:
    gram = _kernel(x, x)
    return (gram.sum() - np.trace(gram)) / (len(x) * (len(x) - 1))
