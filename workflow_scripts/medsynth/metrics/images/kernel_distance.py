"""Kernel Inception Distance (Binkowski et al. 2018, Sec. 4)."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from medsynth.metrics.intervals import Interval, too_few

_AT_ONCE = 2**23  # kernel values in memory, 64 MB


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

    Gretton et al. 2012, Eq. 3: terms of an item with itself are left out, so the expectation is 0
    for equal distributions and single values may be negative.

    Args:
        x: features (n, d), n >= 2.
        y: features (m, d), m >= 2.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    across = _kernel_sum(x, y) / (len(x) * len(y))
    return float(_mean_off_diagonal(x) + _mean_off_diagonal(y) - 2 * across)


def paired_values(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What each pair of items adds to the unbiased squared MMD of as many x and y, (n,) float64.

    Their mean is Gretton et al. 2012's one-sample U-statistic (Lemma 6): that of h(z_i, z_j) =
    k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) over i != j, without a pair's own terms.
    A value is 2 mean_j h(z_i, z_j) less that mean, so that their standard error is the statistic's
    (Hoeffding 1948: sqrt(4 var / n)).

    Args:
        x, y: features (n, d), n >= 2.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n, across = len(x), _kernel(x, y)
    h = _kernel(x, x) + _kernel(y, y) - across - across.T
    np.fill_diagonal(h, 0)
    of_pairs = h.sum(1) / (n - 1)
    return 2 * of_pairs - of_pairs.mean()


def subset_interval(
    x: np.ndarray,
    y: np.ndarray,
    subsets: int,
    size: int,
    rng: np.random.Generator,
    patients: np.ndarray,
) -> tuple[Interval | None, str | None]:
    """95 % interval of the squared MMD of x and y from the spread of that of random subsets.

    A subset takes the same part of both sides. The deviation of subsets of `size` of n items,
    times sqrt(size / (n - size)), is that of the whole (delete-d jackknife, Shao and Wu 1989).

    Args:
        x: real features (n, d).
        y: generated features (m, d).
        subsets: how many, 2 at least.
        size: items of a subset on the smaller side, from 2 to half of it.
        rng: decides the subsets.
        patients: whose each real item is, (n,); a subset takes patients whole, one after another.

    Returns:
        interval and None, or None and the reason why there is none.
    """
    if few := too_few(len(x), patients):
        return None, few
    part = size / min(len(x), len(y))
    of_x, of_y = (round(part * len(side)) for side in (x, y))
    values = np.empty(subsets)
    for i in range(subsets):
        of_some = _patient_by_patient(patients, rng)[:of_x]
        values[i] = squared_mmd(x[of_some], y[rng.choice(len(y), of_y, replace=False)])
    scale = np.sqrt(part / (1 - part))
    half = stdtrit(subsets - 1, 0.975) * values.std(ddof=1) * scale
    value = squared_mmd(x, y)
    return [value - float(half), value + float(half)], None


def _patient_by_patient(patients: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All positions, those of a patient together, in random order."""
    order = rng.permutation(len(patients))
    _, of = np.unique(patients[order], return_inverse=True)
    return order[np.argsort(rng.permutation(of.max() + 1)[of], kind="stable")]


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    kernel: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _kernel_sum(x: np.ndarray, y: np.ndarray) -> float:
    rows = max(_AT_ONCE // len(y), 1)
    return sum(_kernel(x[i : i + rows], y).sum() for i in range(0, len(x), rows))


def _mean_off_diagonal(x: np.ndarray) -> float:
    itself = (((x**2).sum(1) / x.shape[1] + 1) ** 3).sum()
    return (_kernel_sum(x, x) - itself) / (len(x) * (len(x) - 1))
