"""Classes that settings name, of cohorts whose own settings say which there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.mistakes import Mistake
from medsynth.models.settings import FamilyExperiment, Sampling
from medsynth.runtime.settings import JOINT


def sampled_classes(
    place: str, experiment: FamilyExperiment, cohort: CohortSettings
) -> Iterator[Mistake]:
    """Labels that no model of the cohort knows.

    Args:
        place: of the experiment.
        experiment, cohort: with nothing wrong in themselves.
    """
    sample = getattr(experiment, "sample", None)
    for label in (sample.labels or []) if isinstance(sample, Sampling) else []:
        parts = [p.strip() for p in label.split(JOINT)] if cohort.several() else [label]
        yield from _unknown(f"{place}.sample.labels", parts, experiment.cohort, cohort)


def classes_made_rare(cohorts: Mapping[str, CohortSettings]) -> Iterator[Mistake]:
    """Classes of which `split.few` shall leave few patients, and which nobody has."""
    for name, cohort in cohorts.items():
        yield from _unknown(f"cohorts.{name}.split.few", [*cohort.split.few], name, cohort)


def _unknown(place: str, named: list[str], name: str, cohort: CohortSettings) -> Iterator[Mistake]:
    known = cohort.classes()
    if known and (strange := [one for one in named if one not in known]):
        yield Mistake(
            place,
            f"cohort {name} has no class {', '.join(map(repr, strange))}, it has"
            f" {', '.join(known)}; correct the label, or leave it out",
        )
