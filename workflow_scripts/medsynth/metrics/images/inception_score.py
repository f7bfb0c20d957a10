"""Inception Score on the medical classifier's answers (Salimans et al. 2016, Sec. 4)."""

from __future__ import annotations

import numpy as np
from scipy.special import rel_entr


def inception_score(probabilities: np.ndarray) -> float:
    """exp E_x KL(p(y|x) || p(y)) in nats, over one split; between 1 and the number of classes.

    Args:
        probabilities: p(y|x), (n, k), n >= 1, rows summing to 1.
    """
    p = np.asarray(probabilities, dtype=np.float64)
    p = p / p.sum(1, keepdims=True)  # float32 rows miss 1 by 1e-7
    score = float(np.exp(rel_entr(p, p.mean(0)).sum(1).mean()))
    return max(score, 1.0)  # rounding can leave equal answers a hair below one
