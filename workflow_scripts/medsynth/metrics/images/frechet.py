"""Fréchet distance between Gaussians fitted to features (Heusel et al. 2017, Eq. 6)."""

from __future__ import annotations

import numpy as np


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """|m_x - m_y|^2 + Tr(C_x + C_y - 2 (C_x C_y)^(1/2)), covariances over n - 1.

    With centred features X / sqrt(n - 1) = Q R (so C = R^T R), Tr (C_x C_y)^(1/2) is the sum of
    the singular values of R_x R_y^T. No matrix root is taken, so singular covariances (fewer
    items than features) cost no precision.

    Args:
        x: features (n, d), n >= 2.
        y: features (m, d), m >= 2.

    Raises:
        ValueError: fewer than two items on a side.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError(f"a covariance needs two items a side, there are {len(x)} and {len(y)}")
    mean_x, root_x = _moments(x)
    mean_y, root_y = _moments(y)
    overlap = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    distance = ((mean_x - mean_y) ** 2).sum() + (root_x**2).sum() + (root_y**2).sum() - 2 * overlap
    return max(float(distance), 0.0)  # rounding can leave equal sets a hair below zero


def singular(n: int, d: int) -> str | None:
    """What is wrong with the distance of n images of d features, if they are too few."""
    if n > d:
        return None
    return f"{n} images for {d} features: the covariance is singular and the distance too large"


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (d,) and a factor R with R^T R = covariance."""
    x = np.asarray(x, dtype=np.float64)
    mean = x.mean(0)
    # Numpy's types know no mode that gives R alone.
    root = np.linalg.qr((x - mean) / np.sqrt(len(x) - 1), mode="r")
    return mean, root  # type: ignore[return-value]
