"""Precision and recall, density and coverage: who lies within whose neighbourhood.

Improved precision and recall are by Kynkäänniemi et al. 2019 (Eq. 1 and 2), density and coverage
by Naeem et al. 2020 (Eq. 3 and 4). Each function gives one number an item; the figure is their
mean.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

K = 3  # neighbours that precision and recall look at, as in their paper
K_DENSITY = 5  # the same for density and coverage
_AT_ONCE = 2**23  # distances in memory, 64 MB: they are computed in blocks of rows


def precision(real: np.ndarray, generated: np.ndarray, k: int = K) -> np.ndarray:
    """Which generated items lie in the ball of some real one, (m,) bool.

    Args:
        real: features (n, d), n > k; a ball reaches the k-th other real item.
        generated: features (m, d).

    Raises:
        ValueError: too few real items for k neighbours.
    """
    radii = _radii(real, k)
    return np.concatenate([(d <= radii).any(axis=1) for d in _distances(generated, real)])


def recall(real: np.ndarray, generated: np.ndarray, k: int = K) -> np.ndarray:
    """Which real items lie in the ball of some generated one, (n,) bool; m > k."""
    return precision(generated, real, k)


def density(real: np.ndarray, generated: np.ndarray, k: int = K_DENSITY) -> np.ndarray:
    """In how many real balls each generated item lies, over k, (m,); above 1 among crowds.

    An outlier among the real items has a large ball, but it is one ball: what lies in it counts
    1 / k here and as a whole hit in precision.
    """
    radii = _radii(real, k)
    return np.concatenate([(d <= radii).sum(axis=1) / k for d in _distances(generated, real)])


def coverage(real: np.ndarray, generated: np.ndarray, k: int = K_DENSITY) -> np.ndarray:
    """Which real items have a generated one in their own ball, (n,) bool."""
    nearest = np.concatenate([d.min(axis=1) for d in _distances(real, generated)])
    return nearest <= _radii(real, k)


def _radii(items: np.ndarray, k: int) -> np.ndarray:
    """Distance (n,) of every item to its k-th nearest other one."""
    if len(items) <= k:
        raise ValueError(f"{k} neighbours need more than {k} items, there are {len(items)}")
    # Index k of the sorted distances: index 0 is the item itself.
    return np.concatenate([np.partition(d, k, axis=1)[:, k] for d in _distances(items, items)])


def _distances(points: np.ndarray, others: np.ndarray) -> Iterator[np.ndarray]:
    points, others = points.astype(np.float64), others.astype(np.float64)
    rows = max(_AT_ONCE // len(others), 1)
    return (cdist(points[i : i + rows], others) for i in range(0, len(points), rows))
