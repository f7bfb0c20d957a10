"""Several predictions of the same patients: each one's concordance, and the gains of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.diagnosis.concordance import Bools, resampled
from medsynth.metrics.intervals import (
    Interval,
    Metric,
    counted,
    metric,
    share_interval,
    too_few,
)
from medsynth.store.privacy.fewest import FEWEST

OVER = "_over_"


def compared(
    predictions: Mapping[str, np.ndarray],
    pairs: Sequence[Bools],
    figure: str,
    resamples: int,
    rng: np.random.Generator,
    none: str,
) -> dict[str, Metric]:
    """The figure of every prediction, and how much better the first is than each other.

    All are judged by the same resamples of patients, so that a gain is one of pairs.

    Args:
        predictions: by name, (n,) or (n, k) scores, as :func:`.concordance.resampled`; the first is
            the one in question.
        pairs: that ought to be ordered.
        figure: its name, as in ``auroc``.
        resamples: of the bootstrap.
        rng: decides them.
        none: why there is no figure, should there be no pair. Of a single kind of pairs there is
            none, either, that fewer than FEWEST patients are behind on one side.

    Returns:
        ``<figure>`` of the first, ``<figure>_<name>`` of the others, each with chance 0.5, and
        ``<figure>_over_<name>``, the gain, with the null of no gain.
    """
    first, *others = predictions
    fewest = min(min(map(int, (p.any(1).sum(), p.any(0).sum()))) for p in pairs)
    if len(pairs) == 1 and 0 < fewest < FEWEST:
        withheld = (
            f"withheld, since it would tell of {counted(fewest, 'patient')} on one side of the"
            f" pairs; at least {FEWEST} are needed"
        )
        return {figure: with_chance(metric(None, "higher", None, withheld), 0.5)}
    scores, n = list(predictions.values()), len(next(iter(predictions.values())))
    values = resampled(scores, pairs, np.ones((1, n)))[:, 0]
    if np.isnan(values).any():
        return {figure: with_chance(metric(None, "higher", None, none), 0.5)}
    few = too_few(n) or ("no interval: evaluation.bootstrap is 0" if not resamples else None)
    draws = np.full((len(scores), 1), np.nan)
    if not few:
        weights = rng.multinomial(n, np.full(n, 1 / n), resamples).astype(float)
        draws = resampled(scores, pairs, weights)
    found = {}
    for name, value, drawn in zip(predictions, values, draws, strict=True):
        interval = None if few else percentiles(drawn, (0, 1))
        if interval and value == 1:  # in every resample, too, which says nothing of other patients
            interval = share_interval(np.ones(fewest, bool))
        own = metric(float(value), "higher", interval, few)
        found[figure if name == first else f"{figure}_{name}"] = with_chance(own, 0.5)
    for name, value, drawn in zip(others, values[1:], draws[1:], strict=True):
        interval = None if few else percentiles(draws[0] - drawn, (-1, 1))
        gain = metric(float(values[0] - value), "higher", interval, few)
        found[f"{figure}{OVER}{name}"] = {**gain, "null": {"no gain": 0.0}}
    return found


def percentiles(drawn: np.ndarray, bounds: tuple[float, float]) -> Interval:
    """The 95 % interval of a bootstrap (Efron and Tibshirani 1993, Sec. 13.3).

    Resamples that have no pair are left out.
    """
    low, high = np.clip(np.nanpercentile(drawn, [2.5, 97.5]), *bounds)
    return [float(low), float(high)]
