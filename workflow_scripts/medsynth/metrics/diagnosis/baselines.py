"""Linear predictions from tables: what a network must beat.

Classes by multinomial logistic regression, survival by Cox, both with an elastic net (Zou and
Hastie 2005) whose penalty is chosen within the training patients, fold by fold.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.linear_model import LogisticRegression

from medsynth.metrics.diagnosis.cox import fit_cox, partial_likelihood, strongest

L1_RATIO = 0.5
INVERSE_PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # scikit-learn's C
SHARES = (1.0, 0.5, 0.25, 0.12, 0.06, 0.03)  # of the penalty that leaves no coefficient
LEAST = 1e-6  # probability of a class that the training patients lack
Fold = tuple[np.ndarray, np.ndarray]  # rows trained on, rows predicted


def each_fold(folds: np.ndarray) -> Iterator[Fold]:
    """Positions of everybody else, and of the patients of each fold."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def standardised(training: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Rows (m, p) in units of the training patients' (n, p) spread, and what is unknown beside.

    Unknown values (NaN) stand at the mean, with a 1 in a column of their own wherever a training
    patient lacks the value; columns that do not vary in them are 0. What is beyond all of them
    counts as their furthest: of one whom they hardly tell of, a linear model would be sure, and the
    penalty that is chosen on such patients would leave nothing of it.

    Returns:
        (m, p + columns with gaps).
    """
    known = ~np.isnan(training)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, training, 0).sum(0) / count
    spread = np.sqrt((np.where(known, training - mean, 0) ** 2).sum(0) / count)
    least, most = np.where(known, training, np.inf), np.where(known, training, -np.inf)
    within = np.minimum(np.maximum(rows, least.min(0)), most.max(0))
    scaled = np.where(spread > 0, (within - mean) / np.where(spread > 0, spread, 1), 0)
    missing = np.isnan(rows)
    return np.hstack([np.where(missing, 0, scaled), missing[:, ~known.all(0)]])


def prevalence(labels: np.ndarray, folds: np.ndarray, classes: int) -> np.ndarray:
    """The classes' shares of everybody else, as the prediction of each patient, (n, classes)."""
    found = np.empty((len(labels), classes))
    for train, test in each_fold(folds):
        found[test] = np.bincount(labels[train], minlength=classes) / len(train)
    return found


def predict_classes(
    x: np.ndarray, labels: np.ndarray, folds: np.ndarray, classes: int
) -> np.ndarray:
    """Probabilities (n, classes) of each patient from the other folds' patients.

    Args:
        x: (n, p), NaN where unknown.
        labels: class index (n,).
        folds: (n,).
    """
    found = np.empty((len(labels), classes))
    for train, test in each_fold(folds):
        losses = np.zeros(len(INVERSE_PENALTIES))
        for fit, judge in each_fold(folds[train]):
            fit, judge = train[fit], train[judge]
            for k, c in enumerate(INVERSE_PENALTIES):
                told = _logistic(x[fit], labels[fit], x[judge], classes, c)
                losses[k] -= np.log(told[np.arange(len(judge)), labels[judge]]).sum()
        best = INVERSE_PENALTIES[int(losses.argmin())]
        found[test] = _logistic(x[train], labels[train], x[test], classes, best)
    return found


def _logistic(
    x: np.ndarray, labels: np.ndarray, rows: np.ndarray, classes: int, c: float
) -> np.ndarray:
    """Probabilities of the rows; a class that nobody has is hardly probable."""
    found = np.full((len(rows), classes), LEAST)
    there = np.unique(labels)
    if len(there) == 1:
        found[:, there[0]] = 1.0
    else:
        model = LogisticRegression(
            C=c, l1_ratio=L1_RATIO, solver="saga", tol=1e-3, max_iter=2000, random_state=0
        )
        model.fit(standardised(x, x), labels)
        found[:, there] = np.maximum(model.predict_proba(standardised(x, rows)), LEAST)
    return found / found.sum(1, keepdims=True)


def predict_survival(
    x: np.ndarray, months: np.ndarray, event: np.ndarray, folds: np.ndarray
) -> np.ndarray:
    """Log risks (n,) of each patient from the other folds' patients, see :func:`predict_classes`.

    The penalty is the one of the highest partial likelihood of patients left out.
    """
    found = np.empty(len(x))
    for train, test in each_fold(folds):
        gains = np.zeros(len(SHARES))
        for fit, judge in each_fold(folds[train]):
            fit, judge = train[fit], train[judge]
            if event[fit].any() and event[judge].any():
                path = _path(x[fit], months[fit], event[fit])
                rows = standardised(x[fit], x[judge])
                for k, b in enumerate(path):
                    gains[k] -= partial_likelihood(rows @ b, months[judge], event[judge]).value
        path = _path(x[train], months[train], event[train])
        found[test] = standardised(x[train], x[test]) @ path[int(gains.argmax())]
    return found


def _path(x: np.ndarray, months: np.ndarray, event: np.ndarray) -> list[np.ndarray]:
    """Coefficients for each of SHARES, each begun with those of the stronger penalty before it."""
    rows, b = standardised(x, x), None
    most = strongest(rows, months, event, L1_RATIO)
    found = []
    for share in SHARES:
        b = fit_cox(rows, months, event, share * most, L1_RATIO, b)
        found.append(b)
    return found
