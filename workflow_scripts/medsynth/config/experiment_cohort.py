"""Whether an experiment can be trained on the cohort that it names."""

from __future__ import annotations

from collections.abc import Iterator

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.checks.classes import sampled_classes
from medsynth.config.mistakes import Mistake
from medsynth.models.settings import FamilyExperiment

SHOWN = (1, 3)  # channels: grey or colours


def cohort_mistakes(
    place: str, experiment: FamilyExperiment, cohort: CohortSettings
) -> Iterator[Mistake]:
    """What the cohort does not have, or has in another form than the family takes.

    Args:
        place: of the experiment.
        experiment, cohort: with nothing wrong in themselves.
    """
    form, known = cohort.image_form(), cohort.covariates()
    if form.channels not in SHOWN:
        yield Mistake(
            f"{place}.cohort",
            f"images of {form.channels} channels can neither be generated nor shown;"
            f" make the cohort {experiment.cohort} one of 1 or 3",
        )
    if absent := sorted(set(experiment.conditions()) - set(known)):
        yield Mistake(
            f"{place}.train.conditions",
            f"cohort {experiment.cohort} has no covariate {', '.join(absent)}, it has"
            f" {', '.join(known) or 'none'}; leave out what it lacks",
        )
    if absent := sorted(set(experiment.needs) - set(cohort.provided())):
        yield Mistake(
            f"{place}.cohort",
            f"family {experiment.family} needs {', '.join(absent)}, which cohort"
            f" {experiment.cohort} does not provide (it does"
            f" {', '.join(cohort.provided()) or 'nothing'}); take another, or change its settings",
        )
    yield from sampled_classes(place, experiment, cohort)
    yield from _of_patients(place, experiment, cohort)
    if misfit := experiment.misfit(form):
        yield Mistake(f"{place}.{misfit.key}", misfit.why)


def _of_patients(
    place: str, experiment: FamilyExperiment, cohort: CohortSettings
) -> Iterator[Mistake]:
    """Folds and survival, of families that predict patients."""
    tables = getattr(cohort, "patients", None)
    if "patients" not in experiment.needs or tables is None:  # that it is absent is told already
        return
    if cohort.split.folds is None:
        yield Mistake(
            f"cohorts.{experiment.cohort}.split.folds",
            f"{experiment.name} predicts every patient by a model of the others; set the number of"
            " folds, as in split: {folds: 5}",
        )
    target = getattr(getattr(experiment, "train", None), "target", None)
    if target == "survival" and tables.survival is None:
        yield Mistake(
            f"{place}.train.target",
            f"cohort {experiment.cohort} says nothing of survival; give it patients.survival, or"
            " set target: label",
        )
