"""Whether a cohort can have the labels that an experiment draws."""

from __future__ import annotations

from collections.abc import Iterator

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.mistakes import Mistake
from medsynth.models.settings import FamilyExperiment, Sampling
from medsynth.runtime.settings import JOINT


def label_mistakes(
    place: str, experiment: FamilyExperiment, cohort: CohortSettings
) -> Iterator[Mistake]:
    """Labels that no model of the cohort knows, as far as its settings name the classes."""
    sample, classes = getattr(experiment, "sample", None), cohort.classes()
    if not isinstance(sample, Sampling) or not classes:
        return
    for label in sample.labels or []:
        parts = [p.strip() for p in label.split(JOINT)] if cohort.several() else [label]
        if strange := [part for part in parts if part not in classes]:
            yield Mistake(
                f"{place}.sample.labels",
                f"cohort {experiment.cohort} has no class {', '.join(map(repr, strange))}, it has"
                f" {', '.join(classes)}; correct the label, or leave it out",
            )
