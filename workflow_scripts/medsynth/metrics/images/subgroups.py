"""How close generated images come to the real ones of every subgroup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from medsynth.metrics.images.comparison import Group, compare, counts_of, in_feature_space
from medsynth.metrics.images.draws import drawn
from medsynth.metrics.intervals import counted
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import Subgroups, counted_subgroups, divide, with_gaps
from medsynth.runtime.seeding import numpy_rng

NAMES = ("fid", "kid", "precision", "recall")
# Their intervals take neighbourhoods as they are, which is enough beside a floor that has the same;
# the gap of two groups without a difference would seem to be one in 10 to 20 % of cases.
WITHOUT_GAP_INTERVAL = ("precision", "recall")
OWN, ALL = "of the subgroup", "all"


@dataclass(frozen=True)
class Division:
    """The groups of the images of each side by one covariate, from :func:`.subgroups.groups_of`.

    Attributes:
        generated: None where the generated images do not carry the covariate.
        not_compared: further real images of each group, of classes that are not compared.
    """

    real: pd.Series
    training: pd.Series
    generated: pd.Series | None
    not_compared: Mapping[str, int] = field(default_factory=dict)


def divisions_of(
    real: pd.DataFrame,
    training: pd.DataFrame,
    generated: pd.DataFrame,
    settings: Evaluation,
    path: str,
) -> dict[str, Division]:
    """Every covariate's division of the rows of two splits of a manifest and of a table of samples.

    Raises:
        SubgroupError: see :func:`medsynth.metrics.subgroups.divide`.
    """
    of_real, of_training = (divide(frame, settings, path) for frame in (real, training))
    carried = settings.model_copy(
        update={"subgroups": [name for name in of_real if name in generated]}
    )
    of_generated = divide(generated, carried, path)
    return {
        name: Division(groups, of_training[name], of_generated.get(name))
        for name, groups in of_real.items()
    }


def with_all_groups(
    divisions: Mapping[str, Division], whole: Mapping[str, pd.Series], compared: np.ndarray
) -> dict[str, Division]:
    """Divisions with every group of a split, also of one none of whose images is compared.

    Args:
        divisions: of the images that are compared, or of some of them.
        whole: the groups of all (n,) images of the split, by covariate.
        compared: whether each is of a class that is compared, (n,) bool.
    """
    return {
        name: replace(
            division,
            real=division.real.cat.set_categories(whole[name].cat.categories),
            not_compared=whole[name][~compared].value_counts().to_dict(),
        )
        for name, division in divisions.items()
    }


def evaluate_subgroups(
    real: Group,
    training: Group,
    generated: Group,
    nulls: Mapping[str, Group],
    divisions: Mapping[str, Division],
    settings: Evaluation,
    *,
    seed: int,
    classes: Sequence[str],
) -> Subgroups:
    """FID, KID, precision and recall against the real images of every subgroup.

    FID and the others depend on the number of images, so all groups of a covariate are compared at
    the same one: as many images a side as the smallest group allows, drawn by the seed, in the
    proportions of the classes among the group's real images. Generated images are those of the
    subgroup, if they carry the covariate, else all; and the floor is made of training images in the
    same way, so that it shows what a model could reach that is as good as real images. Gaps of
    precision and recall have no interval.

    Args:
        real, training, generated, nulls, seed, classes: see :func:`.evaluate_generation`.
        divisions: by covariate.
        settings: as there, and the patients that a subgroup must have.
    """
    if not divisions:
        return {}
    real, training, generated, nulls = in_feature_space(real, training, generated, nulls)
    found = {}
    for name, division in divisions.items():
        found[name] = counted_subgroups(division.real, real.patients, settings)
        for group, subgroup in found[name].items():
            if n := division.not_compared.get(group, 0):
                subgroup["not_compared"] = n
                if subgroup["reason"]:
                    subgroup["reason"] += (
                        f"; {counted(n, 'image')} more of combinations that are not compared"
                    )
        own = division.generated is not None
        sides: dict[str, tuple[Group, Group, Group]] = {}
        for group, subgroup in found[name].items():
            if not subgroup["reason"]:
                sides[group] = (
                    _of(real, division.real, group),
                    _of(training, division.training, group) if own else training,
                    _of(generated, division.generated, group) if own else generated,
                )
        for group, (counts, few) in _equal_counts(sides, classes).items():
            of_real, of_training, made = sides[group]
            key = "subgroup", name, group
            rng = numpy_rng(seed, *key, "real")
            chosen = of_real.at(drawn(of_real.labels, of_real.patients, counts, rng))
            found[name][group] |= {
                "metrics": compare(
                    NAMES, chosen, of_training, made, nulls, counts, few, settings, seed, *key
                ),
                "n": 0 if few else int(counts.sum()),
                "generated": OWN if own else ALL,
            }
    judged = with_gaps(found)
    for gaps in judged["subgroup_gaps"].values():
        for name in set(WITHOUT_GAP_INTERVAL) & set(gaps):
            if gaps[name]["interval"]:
                gaps[name] |= {"interval": None, "reason": "no interval: neighbourhoods vary, too"}
    return judged


def _of(side: Group, groups: pd.Series, group: str) -> Group:
    return side.at(np.flatnonzero(groups == group))


def _equal_counts(
    sides: Mapping[str, tuple[Group, Group, Group]], classes: Sequence[str]
) -> dict[str, tuple[np.ndarray, str | None]]:
    """Images (k,) of each class by subgroup, as many in all subgroups, and why they are too few.

    A subgroup in which too few can be compared does not lower the number for the others.
    """
    most = None
    while True:
        counts = {group: counts_of(*each, classes, most) for group, each in sides.items()}
        totals = {int(n.sum()) for n, few in counts.values() if not few}
        if len(totals) <= 1:
            return counts
        most = min(totals)
