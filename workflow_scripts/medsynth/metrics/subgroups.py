"""Whether a model does worse for some patients: metrics of subgroups, and the largest gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NotRequired, TypedDict

import numpy as np
import pandas as pd
from scipy.special import ndtri

from medsynth.metrics.intervals import Interval, Metric, counted, metric
from medsynth.metrics.settings import Evaluation
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import COLUMNS
from medsynth.store.tables.absence import known_words
from medsynth.store.tables.covariates import MOST_CATEGORIES, UNKNOWN

AGE = "age"


class SubgroupError(MedsynthError):
    """Images cannot be divided into the subgroups that were asked for."""


class Subgroup(TypedDict):
    """The images of one group of a covariate; without metrics, `reason` says why."""

    n_images: int
    n_patients: int
    reason: str | None
    metrics: dict[str, Metric]
    n: NotRequired[int]  # images of each side that are compared, the same for all groups
    generated: NotRequired[str]  # which generated images: OWN or ALL
    not_compared: NotRequired[int]  # images of which there are none of the same to compare with
    compared: NotRequired[list[str]]  # classes that all groups' means are over
    per_class: NotRequired[dict[str, dict[str, Metric]]]


class Gap(Metric):
    """How much worse the worst subgroup is than the best, in the unit of the metric."""

    best: str
    worst: str


class Subgroups(TypedDict, total=False):
    """What a metrics.json holds of subgroups, by covariate and group, by covariate and metric.

    And, of a classifier, by covariate, class and metric.

    It is empty where none were asked for: the file is then as it is without them.
    """

    subgroups: dict[str, dict[str, Subgroup]]
    subgroup_gaps: dict[str, dict[str, Metric]]
    subgroup_gaps_per_class: dict[str, dict[str, dict[str, Metric]]]


def groups_of(values: pd.Series, covariate: str, age_bands: list[int]) -> pd.Series:
    """The group of every row, a categorical whose categories are in order, without nulls.

    Ages in years are put into bands, all of which are categories: [18, 65] makes ``0-17``,
    ``18-64`` and ``65+``; 17.9 is 17 years old. Of other covariates each value is a group. Where
    values are null there is a last category ``unknown``.

    Raises:
        SubgroupError: more than 20 groups.
    """
    if covariate == AGE and pd.api.types.is_numeric_dtype(values):
        edges = [0, *age_bands]
        bands = [f"{a}-{b - 1}" for a, b in zip(edges, age_bands, strict=False)]
        groups = pd.cut(values, [*edges, np.inf], right=False, labels=[*bands, f"{edges[-1]}+"])
    else:
        groups = known_words(values).astype("category")
    if len(groups.cat.categories) > MOST_CATEGORIES:
        raise SubgroupError(
            f"covariate {covariate!r} has {len(groups.cat.categories)} values, and at most"
            f" {MOST_CATEGORIES} can be subgroups; take it out of evaluation.subgroups, or make"
            " fewer groups of it"
        )
    return groups.cat.add_categories(UNKNOWN).fillna(UNKNOWN) if groups.isna().any() else groups


def divide(frame: pd.DataFrame, settings: Evaluation, path: str) -> dict[str, pd.Series]:
    """:func:`groups_of` the rows of a manifest, by covariate.

    Args:
        frame: rows of it.
        settings: its ``subgroups`` are a list of columns.
        path: of the manifest, for the error.

    Raises:
        SubgroupError: a covariate is no column, or see :func:`groups_of`.
    """
    if missing := [name for name in settings.subgroups if name not in frame]:
        there = [name for name in frame if name not in COLUMNS]
        raise SubgroupError(
            f"{path} has no column {', '.join(missing)} to divide its images by; beside those of"
            f" every manifest it has: {', '.join(there) or 'none'}; correct evaluation.subgroups"
        )
    return {
        name: groups_of(frame[name].reset_index(drop=True), name, settings.age_bands)
        for name in settings.subgroups
    }


def counted_subgroups(
    groups: pd.Series, patients: np.ndarray, settings: Evaluation
) -> dict[str, Subgroup]:
    """The groups of a covariate before they are judged; `reason` names those that must not be."""
    found: dict[str, Subgroup] = {}
    for group in groups.cat.categories:
        of_it = patients[(groups == group).to_numpy()]
        n, least = len(np.unique(of_it)), settings.subgroup_patients
        few = f"too few ({counted(n, 'patient')}, at least {least} are needed)"
        found[group] = {
            "n_images": len(of_it),
            "n_patients": n,
            "reason": few if n < least else None,
            "metrics": {},
        }
    return found


def by_subgroup(
    divisions: Mapping[str, pd.Series],
    patients: np.ndarray,
    judge: Callable[[np.ndarray], dict[str, Metric]],
    settings: Evaluation,
) -> Subgroups:
    """The metrics of every subgroup that has enough patients, and the largest gaps.

    Args:
        divisions: the groups (n,) of the images by covariate, see :func:`divide`.
        patients: whose each image is, (n,).
        judge: the metrics of the images of a mask (n,) bool.
        settings: ``subgroup_patients``.
    """
    found = {
        name: counted_subgroups(groups, patients, settings) for name, groups in divisions.items()
    }
    for name, groups in divisions.items():
        for group, subgroup in found[name].items():
            if not subgroup["reason"]:
                subgroup["metrics"] = judge((groups == group).to_numpy())
    return with_gaps(found)


def with_gaps(found: dict[str, dict[str, Subgroup]]) -> Subgroups:
    """Subgroups by covariate, and the largest gaps between those that are known."""
    if not found:
        return {}
    return {"subgroups": found, "subgroup_gaps": {name: gaps(s) for name, s in found.items()}}


def gaps(subgroups: Mapping[str, Subgroup]) -> dict[str, Metric]:
    """The largest gap between known groups of a covariate in every metric."""
    known = {group: s["metrics"] for group, s in subgroups.items() if group != UNKNOWN}
    names = dict.fromkeys(name for metrics in known.values() for name in metrics)
    return {
        name: largest_gap({g: metrics[name] for g, metrics in known.items() if name in metrics})
        for name in names
    }


def largest_gap(found: Mapping[str, Metric], comparisons: int = 1) -> Metric:
    """Best minus worst of the groups' values of one metric, or the other way round: 0 or above.

    Its interval is made of those of the two groups (method of variance estimates recovery, Zou and
    Donner 2008, Eq. 9). Since the pair is chosen among all as the one that differs most, which it
    does by chance, too, it is wider than that of a pair by Tukey's studentized range: if all groups
    are alike, it covers 0 in 95 % of cases. Groups count as independent: where a patient is in
    both, as with two views, it is wider than it need be.

    Args:
        found: the metric of every group.
        comparisons: how many gaps are looked at together, as those of all findings; each is then
            wider, so that all cover 0 together in about 95 % of cases (Bonferroni).

    Returns:
        a :class:`Gap`; without a value where fewer than two groups have one. A `floor` is the
        gap of the same two groups in what real images reach.
    """
    values = {g: m["value"] for g, m in found.items() if m["value"] is not None}
    if len(values) < 2:
        return metric(None, "lower", None, "fewer than two known subgroups have a value")
    sign = 1 if next(iter(found.values()))["better"] == "higher" else -1
    worst, *_, best = sorted(values, key=lambda group: sign * values[group])
    value = abs(values[best] - values[worst])
    ends = [end for g in (best, worst) if (end := found[g]["interval"])]
    interval = none = None
    if len(ends) < 2:
        none = "no interval: a subgroup has none"
    else:
        interval = _difference([values[best], values[worst]], ends, sign, len(values), comparisons)
    doubt = "not shown to differ" if interval and interval[0] <= 0 else None
    gap: Gap = {**metric(value, "lower", interval, doubt, none), "best": best, "worst": worst}
    of_best, of_worst = found[best].get("floor"), found[worst].get("floor")
    if of_best is not None and of_worst is not None:
        gap["floor"] = sign * (of_best - of_worst)
    return gap


def _difference(
    values: list[float], ends: list[Interval], sign: int, groups: int, comparisons: int
) -> Interval:
    """95 % interval of sign * (values[0] - values[1]), the largest difference among `groups`."""
    (upper, lower) = zip(values, ends, strict=True)
    if sign < 0:
        upper, lower = lower, upper
    (a, (a_low, a_high)), (b, (b_low, b_high)) = upper, lower
    from scipy.stats import studentized_range  # slow to import

    level = 1 - 0.05 / comparisons
    wider = studentized_range.ppf(level, groups, np.inf) / (np.sqrt(2) * ndtri(0.975))
    down = wider * np.hypot(a - a_low, b_high - b)
    up = wider * np.hypot(a_high - a, b - b_low)
    return [float(a - b - down), float(a - b + up)]
