"""Which images are compared: one mix of classes for all, and no patient more than others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

_MOST_OF_A_PATIENT = 2  # times an equal share


def round_robin(patients: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """All positions (n,), every patient's first before anybody's second, otherwise at random."""
    order = rng.permutation(len(patients))
    turn = pd.Series(np.asarray(patients)[order])
    return order[np.argsort(turn.groupby(turn).cumcount().to_numpy(), kind="stable")]


def balanced(patients: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Positions, `most` at most, among which no patient has more than twice an equal share.

    Args:
        patients: whose each image is, (n,).
    """
    if not len(patients):
        return np.arange(0)
    _, of, counts = np.unique(patients, return_inverse=True, return_counts=True)
    caps = np.arange(1, counts.max() + 1)
    # Images that are kept if nobody gives more than the cap; sum of min(count, cap).
    kept = np.cumsum([(counts >= cap).sum() for cap in caps])
    cap = caps[caps * len(counts) <= _MOST_OF_A_PATIENT * kept].max()
    order = round_robin(of, rng)
    turn = pd.Series(of[order])
    return order[turn.groupby(turn).cumcount().to_numpy() < cap][:most]


def counts_at_mix(
    mix: np.ndarray, available: Sequence[np.ndarray], most: int | None = None
) -> np.ndarray:
    """Images (k,) of each class at a mix, as many as every side has and at most the mix itself.

    None where a side lacks a class.

    Args:
        mix: images (k,) of each class in what is compared with.
        available: images (k,) of each class that a side has.
        most: of all classes together.
    """
    lacking = any(((side == 0) & (mix > 0)).any() for side in available)
    n = 0 if lacking else int(mix.sum() if most is None else min(mix.sum(), most))
    while n and any((_shared_out(mix, n) > side).any() for side in available):
        n -= 1
    return _shared_out(mix, n)


def _shared_out(mix: np.ndarray, n: int) -> np.ndarray:
    """n in the proportions of `mix`, rounded by largest remainders."""
    exact = mix * (n / max(mix.sum(), 1))
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: n - counts.sum()]] += 1
    return counts


def drawn(
    labels: np.ndarray, patients: np.ndarray, counts: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Positions of counts[c] images of each class c, taken from its patients in turn.

    Args:
        labels: class (n,) of each image.
        patients: whose each image is, (n,); of generated images, each its own.
        counts: (k,), no more than there are.
    """
    chosen = []
    for c, n in enumerate(counts):
        of_class = np.flatnonzero(labels == c)
        chosen.append(of_class[round_robin(patients[of_class], rng)][:n])
    return np.concatenate(chosen)
