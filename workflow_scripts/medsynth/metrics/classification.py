"""The classifier on the real images of patients it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.intervals import Metric, mean_share_interval, metric, share_interval


def held_out_metrics(
    probabilities: np.ndarray, labels: np.ndarray, patients: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """Accuracy, balanced accuracy (mean recall of the classes) and confusion, ready for JSON.

    Args:
        probabilities: (n, k).
        labels: true class index (n,).
        patients: whose image each is, (n,); intervals take patients for independent, not images.
        classes: k names.

    Returns:
        ``metrics`` (accuracy, balanced_accuracy) and ``per_class`` (recall), each with the
        ``chance`` of answers that do not look, which of a recall is how often its class is
        answered at all; ``confusion`` (rows: truth, columns: answer, in class order).
    """
    k, n = len(classes), len(labels)
    answers = probabilities.argmax(1)
    confusion = np.zeros((k, k), dtype=int)
    np.add.at(confusion, (labels, answers), 1)
    of_class = [(answers[labels == i] == i, patients[labels == i]) for i in range(k)]
    largest = confusion.sum(1).max() / n if n else None
    answered = [float((answers == i).mean()) if n else None for i in range(k)]
    recalls = {
        c: with_chance(_share(*each), share)
        for c, each, share in zip(classes, of_class, answered, strict=True)
    }
    return {
        "metrics": {
            "accuracy": with_chance(_share(answers == labels, patients), largest),
            "balanced_accuracy": balanced_accuracy(recalls),
        },
        "per_class": {c: {"recall": recall} for c, recall in recalls.items()},
        "confusion": confusion.tolist(),
    }


def _share(hits: np.ndarray, patients: np.ndarray) -> Metric:
    if not hits.size:
        return metric(None, "higher", None, "no held-out images")
    return metric(float(hits.mean()), "higher", share_interval(hits, patients))


def balanced_accuracy(recalls: Mapping[str, Metric]) -> Metric:
    """The mean recall of classes, none of which may lack it, with `chance`."""
    chance = 1 / len(recalls)
    if missing := [c for c, recall in recalls.items() if recall["value"] is None]:
        none = metric(None, "higher", None, f"no held-out images of {', '.join(missing)}")
        return with_chance(none, chance)
    shares = [float(value) for m in recalls.values() if (value := m["value"]) is not None]
    ends = [interval for m in recalls.values() if (interval := m["interval"])]
    mean = metric(float(np.mean(shares)), "higher", mean_share_interval(shares, ends))
    return with_chance(mean, chance)
