"""Whether reports state the findings of their reference reports, as the rule labeler reads both.

A finding that a report doubts counts as stated (Irvin et al. 2019, the policy "U-Ones").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from medsynth.text.labeler import DENIED, FINDINGS, label_report


def findings_of(
    texts: Iterable[str], label: Callable[[str], Mapping[str, float]] = label_report
) -> np.ndarray:
    """Which findings texts state or doubt: (n, len(FINDINGS)) bool."""
    found = [label(text) for text in texts]
    stated = [[one.get(name, DENIED) != DENIED for name in FINDINGS] for one in found]
    return np.array(stated, bool).reshape(-1, len(FINDINGS))


def f1(answers: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of every column of two (n, k) bool; NaN where it is 0 / 0."""
    hits = (answers & truth).sum(0)
    with np.errstate(invalid="ignore"):
        return 2 * hits / (answers.sum(0) + truth.sum(0))


def micro_f1(answers: np.ndarray, truth: np.ndarray) -> float:
    """F1 of all findings of all reports taken together; 0 where neither side has any."""
    return float(np.nan_to_num(f1(answers.reshape(-1, 1), truth.reshape(-1, 1)))[0])


def macro_f1(answers: np.ndarray, truth: np.ndarray) -> float:
    """Mean of the findings' F1; those that neither side states are left out."""
    each = f1(answers, truth)
    return float(np.nanmean(each)) if not np.isnan(each).all() else 0.0
