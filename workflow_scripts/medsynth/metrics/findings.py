"""Answers to whether an image shows a finding, each finding on its own.

A guess that does not look reaches an area under the ROC curve of 1/2 and an average precision of
the finding's share of the images, whatever it answers; each figure stands beside that as `chance`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.intervals import Metric, bootstrap_interval, counted, metric, share_interval
from medsynth.runtime.seeding import numpy_rng


def auroc(present: np.ndarray, absent: np.ndarray) -> float:
    """Share of pairs in which the image with the finding has the higher answer; ties are halves.

    The area under the ROC curve (Hanley and McNeil 1982).

    Args:
        present, absent: answers for images with and without the finding, one at least of each.
    """
    from scipy.stats import rankdata  # slow to import

    ranks = rankdata(np.concatenate([present, absent]))[: len(present)]
    pairs = len(present) * len(absent)
    return float((ranks.sum() - len(present) * (len(present) + 1) / 2) / pairs)


def average_precision(present: np.ndarray, absent: np.ndarray) -> float:
    """Precision at the threshold of each image with the finding, averaged over these.

    Images of the same answer stand above a threshold together.
    """
    thresholds, counts = np.unique(present, return_counts=True)
    hits = len(present) - np.searchsorted(np.sort(present), thresholds)
    alarms = len(absent) - np.searchsorted(np.sort(absent), thresholds)
    return float((counts * hits / (hits + alarms)).sum() / len(present))


def finding_figures(
    answers: np.ndarray,
    truth: np.ndarray,
    patients: np.ndarray,
    findings: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Metric]]:
    """auroc and average_precision of every finding, with `chance`.

    Intervals come from patients resampled among those with the finding and those without; of a
    value of 1, which all resamples have, too, from Wilson's for as many as the smaller side has.

    Args:
        answers: probability (n, k) of each finding.
        truth: whether an image has it, (n, k).
        patients: whose each image is, (n,).
        resamples: of the bootstrap.
        seed: of the resamples.
    """
    return {
        name: {
            figure: _figure(figure, answers[:, k], truth[:, k] > 0, patients, resamples, seed, name)
            for figure in FIGURES
        }
        for k, name in enumerate(findings)
    }


FIGURES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auroc": auroc,
    "average_precision": average_precision,
}


def _figure(
    figure: str,
    answers: np.ndarray,
    shown: np.ndarray,
    patients: np.ndarray,
    resamples: int,
    seed: int,
    name: str,
) -> Metric:
    chance = 0.5 if figure == "auroc" else float(shown.mean()) if len(shown) else None
    if not shown.any() or shown.all():
        side = "without" if shown.any() else "with"
        return with_chance(metric(None, "higher", None, f"no images {side} {name}"), chance)
    value = FIGURES[figure](answers[shown], answers[~shown])
    of_present, of_absent = patients[shown], patients[~shown]
    interval, none = bootstrap_interval(
        FIGURES[figure],
        [answers[shown], answers[~shown]],
        resamples,
        numpy_rng(seed, figure, name),
        patients=[of_present, of_absent],
        bounds=(0, 1),
    )
    if interval and value == 1:  # in every resample, too, which says nothing of other patients
        fewest = min(len(np.unique(of_present)), len(np.unique(of_absent)))
        interval = share_interval(np.ones(fewest, bool))
    return with_chance(metric(value, "higher", interval, none), chance)


def judged(found: Mapping[str, Metric]) -> list[str]:
    """Those of the named metrics that have an interval; where none has one, those with a value."""
    return [name for name, m in found.items() if m["interval"]] or [
        name for name, m in found.items() if m["value"] is not None
    ]


def mean_of_findings(found: Mapping[str, Metric]) -> Metric:
    """The mean of a figure over the findings that can be judged; its reason names the others.

    Those are the findings that enough patients have and enough lack (:func:`judged`). Its interval
    is the mean of theirs: right if they rise and fall together, and otherwise wider than need be,
    since the same patients are behind all.
    """
    means = [found[name] for name in judged(found)]
    others = [name for name in found if name not in judged(found)]
    few = counted(len(others), "finding") + " without enough patients with and without"
    left_out = f"{few}: {', '.join(others)}" if others else None
    if not means:
        return with_chance(metric(None, "higher", None, left_out or "no findings"), None)
    chance = float(np.mean([m["chance"] for m in means]))
    ends = [interval for m in means if (interval := m["interval"])]
    interval = [float(end) for end in np.mean(ends, axis=0)] if ends else None
    none = None if interval else "no interval: no finding has one"
    value = float(np.mean([m["value"] for m in means]))
    of = f"mean of {len(means)} of {len(found)} findings; {left_out}" if left_out else None
    return with_chance(metric(value, "higher", interval, none, of), chance)


def means_of_findings(per_class: Mapping[str, Mapping[str, Metric]]) -> dict[str, Metric]:
    """:func:`mean_of_findings` of every figure of :func:`finding_figures`."""
    return {f: mean_of_findings({n: m[f] for n, m in per_class.items()}) for f in FIGURES}


def held_out_findings(
    answers: np.ndarray,
    truth: np.ndarray,
    patients: np.ndarray,
    findings: Sequence[str],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """The classifier on images of held-out patients: ``metrics`` and ``per_class``.

    Args: as for :func:`finding_figures`.
    """
    per_class = finding_figures(answers, truth, patients, findings, resamples, seed)
    return {"metrics": means_of_findings(per_class), "per_class": per_class}
