"""What a classifier trained on other images is worth, on real ones of held-out patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.intervals import Metric, bootstrap_interval, metric, share_interval
from medsynth.runtime.seeding import numpy_rng


def balanced(items: np.ndarray) -> float:
    """Mean over the classes that there are of the share of hits, of items (n, 2): class, hit."""
    labels, hits = items[:, 0], items[:, 1]
    return float(np.mean([hits[labels == c].mean() for c in np.unique(labels)]))


def substituted(
    answers: Mapping[str, np.ndarray],
    labels: np.ndarray,
    patients: np.ndarray,
    classes: Sequence[str],
    resamples: int,
    seed: int,
    reference: str,
) -> dict[str, dict[str, Any]]:
    """Balanced accuracy and recall of every row, and what it gains over the reference.

    Intervals are over held-out patients; what the seeds differ by stands beside them.

    Args:
        answers: class indices (s, n) that s trainings give n held-out images, by row.
        labels: their true ones (n,).
        patients: whose each image is, (n,).
        resamples: of patients.
        reference: the row that gains are over.

    Returns:
        by row: `balanced_accuracy`, `gain` (of another row), `recall` {class}, `by_seed`.
    """
    hits = {row: (given == labels).mean(0) for row, given in answers.items()}
    found: dict[str, dict[str, Any]] = {}
    for row, given in answers.items():
        items = np.column_stack([labels, hits[row]])
        rng = numpy_rng(seed, "substitution", row)
        interval, none = bootstrap_interval(
            balanced, [items], resamples, rng, patients=[patients], bounds=(0, 1)
        )
        accuracy = metric(balanced(items), "higher", interval, none)
        found[row] = {
            "balanced_accuracy": with_chance(accuracy, 1 / len(np.unique(labels))),
            "recall": {
                name: _recall(hits[row][labels == c], patients[labels == c])
                for c, name in enumerate(classes)
            },
            "by_seed": [balanced(np.column_stack([labels, each == labels])) for each in given],
        }
        if row != reference:
            apart = np.column_stack([labels, hits[row] - hits[reference]])
            interval, none = bootstrap_interval(
                balanced, [apart], resamples, rng, patients=[patients], bounds=(-1, 1)
            )
            found[row]["gain"] = metric(balanced(apart), "higher", interval, none)
    return found


def _recall(hits: np.ndarray, patients: np.ndarray) -> Metric:
    """A share of hits, each of which may be a mean over seeds."""
    if not hits.size:
        return metric(None, "higher", None, "no held-out images")
    return metric(float(hits.mean()), "higher", share_interval(hits, patients))
