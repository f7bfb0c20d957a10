"""Improved precision and recall (Kynkäänniemi et al. 2019, Eq. 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

K = 3  # the paper's neighbourhood
_AT_ONCE = 2**23  # distances in memory, 64 MB: they are computed in blocks of rows


def within_manifold(points: np.ndarray, reference: np.ndarray, k: int = K) -> np.ndarray:
    """Which points lie in the k-nearest-neighbour ball of some reference item.

    Precision is this mean for generated points in the real manifold, recall for real points in
    the generated one.

    Args:
        points: features (n, d).
        reference: features (m, d), m > k; each ball reaches its k-th other item.

    Returns:
        (n,) bool.

    Raises:
        ValueError: too few reference items for k neighbours.
    """
    if len(reference) <= k:
        raise ValueError(f"{k} neighbours need more than {k} items, there are {len(reference)}")
    points, reference = points.astype(np.float64), reference.astype(np.float64)

    def distances(items: np.ndarray) -> Iterator[np.ndarray]:
        rows = max(_AT_ONCE // len(reference), 1)
        return (cdist(items[i : i + rows], reference) for i in range(0, len(items), rows))

    # Index k of the sorted distances: index 0 is the item itself.
    radii = np.concatenate([np.partition(d, k, axis=1)[:, k] for d in distances(reference)])
    return np.concatenate([(d <= radii).any(axis=1) for d in distances(points)])
