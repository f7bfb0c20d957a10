"""Whether a classifier does worse for some patients, by what all subgroups can be compared in.

Subgroups differ in how many images of each class they have, which is no fault of a classifier. So
gaps are of means over the same classes in all groups, and of the classes one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from medsynth.metrics.classification import balanced_accuracy
from medsynth.metrics.findings import judged, means_of_findings
from medsynth.metrics.intervals import Metric, metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import (
    Subgroup,
    Subgroups,
    counted_subgroups,
    gaps,
    largest_gap,
)
from medsynth.store.tables.covariates import UNKNOWN

PerClass = Mapping[str, Mapping[str, Metric]]


class Figures(NamedTuple):
    """What is told of a classifier.

    Attributes:
        of_class: the figure of a class that does not depend on how many images are of it.
        means: the metrics that are means over classes, from those of the classes.
        least: classes that a mean needs.
        mixed: the metrics that depend on the mix of the classes, and what is to be seen instead.
    """

    of_class: str
    means: Callable[[PerClass], dict[str, Metric]]
    least: int
    mixed: dict[str, str]


def _mean_recall(per_class: PerClass) -> dict[str, Metric]:
    return {"balanced_accuracy": balanced_accuracy({c: m["recall"] for c, m in per_class.items()})}


ONE_LABEL = Figures(
    "recall",
    _mean_recall,
    2,
    {"accuracy": "depends on the classes' mix, in which groups differ: see balanced accuracy"},
)
FINDINGS = Figures(
    "auroc",
    means_of_findings,
    1,
    {"average_precision": "depends on the prevalence, in which groups differ: see AUROC"},
)


def by_classified_subgroup(
    divisions: Mapping[str, pd.Series],
    patients: np.ndarray,
    judge: Callable[[np.ndarray], dict[str, Any]],
    figures: Figures,
    settings: Evaluation,
) -> Subgroups:
    """The metrics of every subgroup that has enough patients, of each class, and the largest gaps.

    Means are over the classes that can be judged in every known group (``compared``), whatever
    else a group has. No gap is claimed in what depends on the mix of the classes. The gaps of
    classes allow for being looked at together.

    Args:
        divisions: the groups (n,) of the images by covariate, see :func:`.subgroups.divide`.
        patients: whose each image is, (n,).
        judge: ``metrics`` and ``per_class`` of the images of a mask (n,) bool.
        figures: ONE_LABEL or FINDINGS.
        settings: ``subgroup_patients``.
    """
    found: Subgroups = {"subgroups": {}, "subgroup_gaps": {}, "subgroup_gaps_per_class": {}}
    for name, groups in divisions.items():
        subgroups = counted_subgroups(groups, patients, settings)
        for group, subgroup in subgroups.items():
            if not subgroup["reason"]:
                of_it = judge((groups == group).to_numpy())
                subgroup |= {"metrics": of_it["metrics"], "per_class": of_it["per_class"]}
        per_class = {group: s["per_class"] for group, s in subgroups.items() if "per_class" in s}
        known = {group: each for group, each in per_class.items() if group != UNKNOWN}
        compared, others = _shared(known or per_class, figures)
        _compare(subgroups, compared, figures)
        of_classes = _gaps_of_classes(known, figures)
        found["subgroups"][name] = subgroups
        found["subgroup_gaps"][name] = _claimed(gaps(subgroups), others, of_classes, figures)
        found["subgroup_gaps_per_class"][name] = of_classes
    return found


def _shared(per_class: Mapping[str, PerClass], figures: Figures) -> tuple[list[str], list[str]]:
    """The classes that every group can be judged by, and the others.

    A group in which no class can be judged is compared in none, and takes none from the others.
    """
    sets = [
        able
        for each in per_class.values()
        if (able := judged({c: m[figures.of_class] for c, m in each.items()}))
    ]
    classes = list(dict.fromkeys(c for each in per_class.values() for c in each))
    compared = [c for c in classes if sets and all(c in able for able in sets)]
    return compared, [c for c in classes if c not in compared]


def _compare(subgroups: Mapping[str, Subgroup], compared: list[str], figures: Figures) -> None:
    """Give every group that is judged its means over the classes that are compared."""
    for subgroup in subgroups.values():
        if "per_class" not in subgroup:
            continue
        means = figures.means(subgroup["per_class"])
        if len(compared) < figures.least:
            few = f"{len(compared) or 'none'} of the classes can be judged in every known subgroup"
            means = {name: {**metric(None, m["better"], None, few)} for name, m in means.items()}
        else:
            means = figures.means({c: subgroup["per_class"][c] for c in compared})
        subgroup["metrics"] |= means
        subgroup["compared"] = compared


def _gaps_of_classes(
    known: Mapping[str, PerClass], figures: Figures
) -> dict[str, dict[str, Metric]]:
    """The largest gap in each class among the groups that can be judged by it."""
    classes = list(dict.fromkeys(c for each in known.values() for c in each))
    name = figures.of_class
    found = {c: {group: each[c][name] for group, each in known.items()} for c in classes}
    able = {c: {group: of[group] for group in judged(of)} for c, of in found.items()}
    comparisons = max(1, sum(len(of) > 1 for of in able.values()))
    return {c: {name: largest_gap(of, comparisons)} for c, of in able.items()}


def _claimed(
    found: dict[str, Metric],
    others: list[str],
    of_classes: Mapping[str, Mapping[str, Metric]],
    figures: Figures,
) -> dict[str, Metric]:
    """The gaps without those that the mix of classes makes, and with what a mean hides."""
    hidden = [c for c, m in of_classes.items() if _shown(m[figures.of_class])]
    in_one = f"shown in {', '.join(hidden)}" if hidden else None
    without = f"without {', '.join(others)}: not to be judged in every subgroup" if others else None
    claimed: dict[str, Metric] = {}
    for name, gap in found.items():
        if name in figures.mixed:
            claimed[name] = metric(None, "lower", None, figures.mixed[name])
        else:
            reasons = metric(None, "lower", None, gap["reason"], in_one, without)
            claimed[name] = {**gap, "reason": reasons["reason"]}
    return claimed


def _shown(gap: Metric) -> bool:
    return gap["interval"] is not None and gap["interval"][0] > 0
