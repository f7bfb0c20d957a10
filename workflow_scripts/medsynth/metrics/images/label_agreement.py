"""Whether generated images show the class that was asked for, as the classifier sees them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.intervals import MIN_ITEMS, Metric, counted, metric, share_interval


def label_agreement(
    predicted: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> tuple[Metric, dict[str, Metric]]:
    """Share of images asked for as a class that the classifier calls that class.

    Where images have several findings a class is a combination of them, and all must be right.

    ``chance`` is the share that would agree if answers did not depend on what was asked: for one
    class how often the classifier says it at all, overall their mean weighted by what was asked.

    Args:
        predicted: index (n,) of the class that the classifier sees, -1 for none of them.
        labels: class index asked for (n,).
        classes: k names.

    Returns:
        the overall share and that of every class, with Wilson intervals.
    """
    counts = np.bincount(predicted + 1, minlength=len(classes) + 1)[1:]
    predicted_share = counts / max(len(predicted), 1)
    asked_share = np.bincount(labels, minlength=len(classes)) / max(len(labels), 1)
    overall = _agreement(predicted == labels, float(predicted_share @ asked_share))
    per_class = {
        name: _agreement(predicted[labels == i] == i, float(predicted_share[i]))
        for i, name in enumerate(classes)
    }
    return overall, per_class


def _agreement(agrees: np.ndarray, chance: float) -> Metric:
    if agrees.size < MIN_ITEMS:
        reason = f"asked for {counted(agrees.size, 'image')}, at least {MIN_ITEMS} are needed"
        return with_chance(metric(None, "higher", None, reason), chance)
    share = metric(float(agrees.mean()), "higher", share_interval(agrees))
    return with_chance(share, chance)
