"""95 % intervals, and the form in which every metric is written down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NotRequired, TypedDict

import numpy as np
from scipy.special import ndtri, stdtrit  # scipy.stats takes half a second to import

Better = Literal["higher", "lower", "real"]  # real: the nearer to the floor
Interval = list[float]

# Four items have 35 distinct resamples: too few for a tail of 2.5 %. Five have 126.
MIN_ITEMS = 5


class Metric(TypedDict):
    """One number of metrics.json; a null value or a doubtful one says why in `reason`."""

    value: float | None
    interval: Interval | None
    better: Better
    reason: str | None
    chance: NotRequired[float | None]  # what guessing would reach
    floor: NotRequired[float | None]  # what real images reach, measured in the same way
    null: NotRequired[dict[str, float]]  # what images reach that show nothing
    splits: NotRequired[int]  # of the Inception Score
    judge: NotRequired[Metric]  # how good the classifier is that the number rests on
    figure: NotRequired[str]  # which figure of a judge it is, if not the balanced accuracy


def metric(
    value: float | None,
    better: Better,
    interval: Interval | None = None,
    *reasons: str | None,
) -> Metric:
    """A metric with its reasons joined; those that are None are left out."""
    joined = "; ".join(r for r in reasons if r)
    return {"value": value, "interval": interval, "better": better, "reason": joined or None}


def loss(found: Metric, value: float) -> float:
    """How bad a value of a metric is: the lower, the better."""
    if found["better"] == "real":
        floor = found.get("floor")
        assert floor is not None, "nothing is near to what is not known"
        return abs(value - floor)
    return value if found["better"] == "lower" else -value


def counted(n: int, noun: str) -> str:
    """A number with its noun, in the plural unless it is one."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def too_few(items: int, patients: np.ndarray | None = None) -> str | None:
    """Why nothing can be said of the spread of items or, if they are given, of their patients."""
    n, noun = (items, "item") if patients is None else (len(np.unique(patients)), "patient")
    if n >= MIN_ITEMS:
        return None
    return f"no interval: {counted(n, noun)}, at least {MIN_ITEMS} are needed"


def bootstrap_interval(
    statistic: Callable[..., float],
    samples: Sequence[np.ndarray],
    resamples: int,
    rng: np.random.Generator,
    *,
    patients: Sequence[np.ndarray | None] | None = None,
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
        patients: for each sample the patient of every item (n_i,), or None where items are
            independent; patients are resampled whole, since the images of one are not.
        bounds: range of the statistic; the interval is cut there.

    Returns:
        interval and None, or None and the reason why there is none.
    """
    if resamples == 0:
        return None, "no interval: evaluation.bootstrap is 0"
    draws = []
    for sample, of in zip(samples, patients or [None] * len(samples), strict=True):
        if few := too_few(len(sample), of):
            return None, few
        units = np.arange(len(sample)) if of is None else np.unique(of)
        members = None if of is None else [np.flatnonzero(of == u) for u in units]
        draws.append((sample, len(units), members))
    values = np.empty(resamples)
    for i in range(resamples):
        values[i] = statistic(*(_resampled(*draw, rng) for draw in draws))
    centred = values - values.mean() + statistic(*samples)
    low, high = np.clip(np.percentile(centred, [2.5, 97.5]), *bounds)
    return [float(low), float(high)], None


def _resampled(
    sample: np.ndarray, n: int, members: list[np.ndarray] | None, rng: np.random.Generator
) -> np.ndarray:
    drawn = rng.choice(n, n)
    return sample[drawn if members is None else np.concatenate([members[k] for k in drawn])]


def share_interval(hits: np.ndarray, patients: np.ndarray | None = None) -> Interval:
    """Wilson's interval (1927) of a share, from as many items as the patients are worth.

    The images of a patient are not independent: n of them count as the effective sample size of
    cluster samples, with Student's t for the number of patients (Korn and Graubard 1998). Where
    all hit or all miss, nothing is known of their likeness, and each patient counts once.

    Args:
        hits: which items count, (n,) bool, n >= 1.
        patients: whose each item is, (n,); without them items are independent.
    """
    share, n = float(np.mean(hits)), float(len(hits))
    if patients is not None:
        _, of = np.unique(patients, return_inverse=True)
        n = _effective(np.bincount(of, weights=hits - share), share, n)
    z = ndtri(0.975)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At 0 and 1 rounding would leave the share itself a hair outside.
    return [float(max(min(centre - half, share), 0)), float(min(max(centre + half, share), 1))]


def _effective(deviations: np.ndarray, share: float, n: float) -> float:
    """Independent items worth as much as n whose sums of deviation by patient are given."""
    clusters = len(deviations)
    if clusters == 1 or share in (0, 1):
        return float(clusters)
    variance = clusters / (clusters - 1) * (deviations**2).sum() / n**2
    student = (ndtri(0.975) / stdtrit(clusters - 1, 0.975)) ** 2
    worth = share * (1 - share) / variance * student if variance else n
    return float(np.clip(worth, 1, n))


def mean_share_interval(shares: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Interval of the mean of independent shares from their own intervals.

    Method of variance estimates recovery (Zou and Donner 2008).
    """
    value, k = np.mean(shares), len(shares)
    low, high = ((np.asarray(side) - shares) / k for side in zip(*intervals, strict=True))
    return [
        float(max(value - np.sqrt((low**2).sum()), 0)),
        float(min(value + np.sqrt((high**2).sum()), 1)),
    ]
