"""How often two patients are ordered rightly: the area under the ROC curve and Harrell's c.

Both are shares of comparable pairs in which the right patient has the higher score, ties being
halves: of a class one with it and one without (Hanley and McNeil 1982), of survival one of whom it
is known that he died first (Harrell et al. 1996). Scores of different models are on different
scales, so that pairs are compared within a fold only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Bools = np.ndarray  # (n, n): whether row i ought to have a higher score than column j


def of_class(member: np.ndarray, folds: np.ndarray) -> Bools:
    """Pairs (n, n) of one patient of a class and one who is not, of the same fold.

    Args:
        member: (n,) bool.
        folds: (n,).
    """
    return member[:, None] & ~member[None, :] & (folds[:, None] == folds[None, :])


def of_survival(months: np.ndarray, event: np.ndarray, folds: np.ndarray) -> Bools:
    """Pairs (n, n) of whom i is known to have had the event before j, of the same fold.

    Who is censored at the very time of another's event is known to have outlived him; two events at
    the same time are no pair.

    Args:
        months: (n,), above 0.
        event: (n,) bool, False where censored.
        folds: (n,).
    """
    before = months[:, None] < months[None, :]
    outlived = (months[:, None] == months[None, :]) & ~event[None, :]
    return event[:, None] & (before | outlived) & (folds[:, None] == folds[None, :])


def rightly(scores: np.ndarray) -> np.ndarray:
    """1 where i has a higher score than j, a half where the same, else 0, (n, n)."""
    return 0.5 * (1 + np.sign(scores[:, None] - scores[None, :]))


def concordance(scores: np.ndarray, pairs: Bools) -> float:
    """Share of the pairs that the scores (n,) order rightly, in [0, 1]; NaN if there are none."""
    return float(resampled([scores], [pairs], np.ones((1, len(scores))))[0, 0])


def resampled(
    scores: Sequence[np.ndarray], pairs: Sequence[Bools], weights: np.ndarray
) -> np.ndarray:
    """The concordance of every scoring in every resample of the patients.

    A patient who is drawn twice is in twice as many pairs; with himself he is no pair.

    Args:
        scores: (n,), or (n, k) where there are k kinds of pairs, a column for each.
        pairs: the kinds, (n, n) each; the figure is the mean over those that a resample has.
        weights: (resamples, n), how often each patient is drawn.

    Returns:
        (len(scores), resamples); NaN where there is no pair.
    """
    found = np.empty((len(scores), len(pairs), len(weights)))
    for kind, wanted in enumerate(pairs):
        known = wanted.astype(float)
        total = ((weights @ known) * weights).sum(1)
        for which, of in enumerate(scores):
            column = of if of.ndim == 1 else of[:, kind]
            right = ((weights @ (known * rightly(column))) * weights).sum(1)
            found[which, kind] = np.divide(
                right, total, np.full(len(total), np.nan), where=total > 0
            )
    there = ~np.isnan(found)
    mean = np.where(there, found, 0).sum(1) / np.maximum(there.sum(1), 1)
    return np.where(there.any(1), mean, np.nan)
