"""Cox's proportional hazards with an elastic net, the linear baseline of survival.

Partial likelihood: Cox 1972; ties: Efron 1977; penalty: Simon et al. 2011. It is minimised by FISTA
(Beck and Teboulle 2009), which needs the gradient alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

STEPS = 500
TOLERANCE = 1e-7


class Likelihood(NamedTuple):
    """Minus the log partial likelihood, and its gradient (n,) with respect to the log risks."""

    value: float
    gradient: np.ndarray


def partial_likelihood(log_risk: np.ndarray, months: np.ndarray, event: np.ndarray) -> Likelihood:
    """Minus Efron's log partial likelihood of all patients.

    Of d events at one time the l-th (l = 0..d-1) is drawn from those at risk, less l / d of the d.

    Args:
        log_risk: (n,), float64.
        months: (n,).
        event: (n,) bool.
    """
    order = np.argsort(-months, kind="stable")  # the risk set of a time is a beginning of this
    eta, time, dead = log_risk[order], months[order], event[order]
    shift = eta.max()
    risk = np.exp(eta - shift)
    begins = np.flatnonzero(np.append(True, np.diff(time) != 0))
    of = np.cumsum(np.append(True, np.diff(time) != 0)) - 1  # which time each patient's is
    at_risk = np.cumsum(risk)[np.append(begins[1:], len(time)) - 1]
    own = np.add.reduceat(risk * dead, begins)
    deaths = np.add.reduceat(dead.astype(int), begins)
    which = np.repeat(np.arange(len(begins)), deaths)  # the time of each event
    number = np.arange(len(which)) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    share = number / deaths[which]
    left = at_risk[which] - share * own[which]
    value = np.log(left).sum() + len(which) * shift - eta[dead].sum()
    # Of every time: by how much it pulls those at risk, and spares those who have their event.
    pulls = np.bincount(which, 1 / left, minlength=len(begins))
    spares = np.bincount(which, share / left, minlength=len(begins))
    later = np.cumsum(pulls[::-1])[::-1]  # of this time and all before it, which risk him, too
    gradient = risk * (later[of] - dead * spares[of]) - dead
    back = np.empty_like(gradient)
    back[order] = gradient
    return Likelihood(float(value), back)


def strongest(x: np.ndarray, months: np.ndarray, event: np.ndarray, l1_ratio: float) -> float:
    """The penalty from which on all coefficients are 0."""
    start = partial_likelihood(np.zeros(len(x)), months, event).gradient
    return float(np.abs(x.T @ start).max() / len(x) / l1_ratio)


def fit_cox(
    x: np.ndarray,
    months: np.ndarray,
    event: np.ndarray,
    penalty: float,
    l1_ratio: float = 0.5,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Coefficients (p,) that minimise the partial likelihood a patient plus the elastic net.

    Minus log likelihood / n + penalty (l1_ratio |b|_1 + (1 - l1_ratio) / 2 |b|_2^2).

    Args:
        x: standardised (n, p), float64.
        months, event: (n,).
        penalty: 0 or more.
        l1_ratio: share of the absolute values in it.
        start: coefficients to begin with, such as those of a stronger penalty.

    Raises:
        ValueError: no event, of whom nothing can be learnt.
    """
    if not event.any():
        raise ValueError("no event among these patients: nothing tells their risks apart")
    n, ridge, lasso = len(x), penalty * (1 - l1_ratio), penalty * l1_ratio

    def smooth(b: np.ndarray) -> tuple[float, np.ndarray]:
        found = partial_likelihood(x @ b, months, event)
        return found.value / n + ridge / 2 * (b @ b), x.T @ found.gradient / n + ridge * b

    b = np.zeros(x.shape[1]) if start is None else start.copy()
    ahead, momentum, length = b, 1.0, 1.0
    for _ in range(STEPS):
        value, slope = smooth(ahead)
        while True:
            moved = ahead - length * slope
            new = np.sign(moved) * np.maximum(np.abs(moved) - length * lasso, 0)
            step = new - ahead
            if smooth(new)[0] <= value + slope @ step + step @ step / (2 * length) + 1e-12:
                break
            length /= 2
        if (new - b) @ (ahead - new) > 0:  # it overshot: forget the momentum
            momentum = 1.0
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = new + (momentum - 1) / following * (new - b)
        done = np.abs(new - b).max(initial=0) <= TOLERANCE * max(np.abs(new).max(initial=0), 1)
        b, momentum = new, following
        if done:
            break
    return b
