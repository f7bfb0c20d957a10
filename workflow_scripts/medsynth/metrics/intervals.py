"""95 % intervals, and the form in which every metric is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NotRequired, TypedDict

import numpy as np
from scipy.stats import binomtest

Better = Literal["higher", "lower"]
Interval = list[float]

# Four items have 35 distinct resamples: too few for a tail of 2.5 %. Five have 126.
MIN_ITEMS = 5


class Metric(TypedDict):
    """One number of metrics.json; a null value or a doubtful one says why in `reason`."""

    value: float | None
    interval: Interval | None
    better: Better
    reason: str | None
    chance: NotRequired[float]  # what guessing would reach


def metric(
    value: float | None,
    better: Better,
    interval: Interval | None = None,
    *reasons: str | None,
) -> Metric:
    """A metric with its reasons joined; those that are None are left out."""
    said = "; ".join(r for r in reasons if r)
    return {"value": value, "interval": interval, "better": better, "reason": said or None}


def bootstrap_interval(
    statistic: Callable[..., float],
    samples: Sequence[np.ndarray],
    resamples: int,
    rng: np.random.Generator,
    *,
    patients: np.ndarray | None = None,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[Interval | None, str | None]:
    """Percentile bootstrap (Efron and Tibshirani 1993, Sec. 13.3), centred on the statistic.

    Resampling duplicates items, which pushes distances and divergences up; the percentiles are
    shifted by the mean of the resampled statistics, which removes that push and changes nothing
    for means. The interval is about sampling spread, not about the bias of a statistic itself.

    Args:
        statistic: takes one array a sample, gives a number.
        samples: arrays (n_i, ...), resampled over their first axis independently of each other.
        resamples: how many; 0 asks for no interval.
        rng: decides the resamples.
        patients: for a single sample, the patient of each item (n,); patients are resampled whole,
            since the images of one are not independent.
        bounds: range of the statistic; the interval is cut there.

    Returns:
        interval and None, or None and the reason why there is none.
    """
    if resamples == 0:
        return None, "no interval: evaluation.bootstrap is 0"
    if patients is None:
        units, noun = [np.arange(len(s)) for s in samples], "items"
    else:
        units, noun = [np.unique(patients)], "patients"
        members = {p: np.flatnonzero(patients == p) for p in units[0]}
    if (fewest := min(map(len, units))) < MIN_ITEMS:
        return None, f"no interval: {fewest} {noun}, at least {MIN_ITEMS} are needed"
    values = np.empty(resamples)
    for i in range(resamples):
        drawn = [rng.choice(u, len(u)) for u in units]
        if patients is not None:
            drawn = [np.concatenate([members[p] for p in drawn[0]])]
        values[i] = statistic(*(s[d] for s, d in zip(samples, drawn, strict=True)))
    centred = values - values.mean() + statistic(*samples)
    low, high = np.clip(np.percentile(centred, [2.5, 97.5]), *bounds)
    return [float(low), float(high)], None


def wilson_interval(hits: int, n: int) -> Interval:
    """Interval of a share hits / n of independent items (Wilson 1927), n >= 1."""
    interval = binomtest(int(hits), int(n)).proportion_ci(0.95, method="wilson")
    return [float(interval.low), float(interval.high)]
