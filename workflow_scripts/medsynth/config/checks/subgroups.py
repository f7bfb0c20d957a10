"""Whether cohorts can be divided into the subgroups that the evaluation asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.mistakes import Mistake
from medsynth.metrics.settings import Evaluation

PLACE = "evaluation.subgroups"


def subgroup_mistakes(
    evaluation: Any,
    named: Iterable[str],
    judged: Iterable[str],
    cohorts: Mapping[str, CohortSettings],
) -> Iterator[Mistake]:
    """Covariates that a cohort cannot have, and cohorts that there are not.

    Args:
        evaluation: the raw group; what else is wrong with it is told elsewhere.
        named: the names of all cohorts.
        judged: those that experiments name.
        cohorts: those of whose settings nothing is wrong.
    """
    try:
        chosen = Evaluation.model_validate(evaluation).subgroups
    except ValidationError:
        return
    by_cohort = chosen if isinstance(chosen, dict) else dict.fromkeys(sorted(judged), chosen)
    for name, covariates in by_cohort.items():
        if chosen is by_cohort and name not in named:
            there = ", ".join(sorted(map(str, named)))
            yield Mistake(f"{PLACE}.{name}", f"no cohort {name!r}; there are: {there}")
        if name not in cohorts:
            continue
        known = cohorts[name].covariates()
        has = f"it has {', '.join(known) or 'none'}"
        for covariate in sorted(set(covariates) - set(known)):
            yield Mistake(
                PLACE if chosen is covariates else f"{PLACE}.{name}",
                f"cohort {name} has no covariate {covariate!r}, {has}; leave it out, or list"
                " covariates by cohort, as {cxr: [view]}",
            )
