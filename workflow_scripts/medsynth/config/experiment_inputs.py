"""Experiments that rest on others: which there are, and whether what they name can be an input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.mistakes import Mistake
from medsynth.models.classifier.settings import (
    ClassifierExperiment,
    ClassifierTraining,
    classifier_name,
)
from medsynth.models.settings import FamilyExperiment

Experiments = Mapping[str, FamilyExperiment]


def classifiers(
    cohorts: Mapping[str, CohortSettings], settings: ClassifierTraining
) -> dict[str, ClassifierExperiment]:
    """The classifiers that the configuration implies, by name; of cohorts that have classes.

    They need not be trained: only those that judge, or that an experiment rests on.
    """
    return {
        classifier_name(cohort): ClassifierExperiment(
            name=classifier_name(cohort), cohort=cohort, train=settings
        )
        for cohort, kind in cohorts.items()
        if "generation" in kind.tasks
    }


def in_order(experiments: Experiments) -> list[str]:
    """Names, those first that rest on no other, else as they stand.

    Raises:
        graphlib.CycleError: they go in a circle.
    """
    depth: dict[str, int] = {}
    for name in _sorter(experiments).static_order():
        depth[name] = 1 + max((depth[one] for one in _inputs(experiments, name)), default=0)
    return sorted(experiments, key=depth.__getitem__)


def input_mistakes(experiments: Experiments, others: set[str]) -> Iterator[Mistake]:
    """What is wrong with the inputs that experiments name.

    Args:
        experiments: all that are right, the implied ones among them.
        others: names of those with mistakes, of which nothing is said.
    """
    for name, experiment in experiments.items():
        for role, wanted in experiment.named_inputs().items():
            place = f"experiments.{name}.inputs.{role}"
            if wanted in experiments:
                if why := _misfit(experiment, role, experiments[wanted]):
                    yield Mistake(place, f"{wanted} {why}")
            elif wanted not in others:
                there = ", ".join(sorted({*experiments, *others} - {name}))
                yield Mistake(place, f"no experiment {wanted!r}; there are: {there}")
    try:
        _sorter(experiments).prepare()
    except CycleError as error:
        circle = error.args[1][:0:-1]  # from what rests to what it rests on
        first = circle.index(min(circle))
        names = [*circle[first:], *circle[:first], circle[first]]
        yield Mistake(
            "experiments",
            f"their inputs go in a circle: {' → '.join(names)}; take one of these inputs out",
        )


def _misfit(experiment: FamilyExperiment, role: str, found: FamilyExperiment) -> str | None:
    takes = experiment.takes(role)
    if takes.families and found.family not in takes.families:
        return f"is of family {found.family}; this takes {' or '.join(takes.families)}"
    if takes.tasks and found.task not in takes.tasks:
        return f"is for {found.task}; this takes one for {' or '.join(takes.tasks)}"
    if found.cohort != experiment.cohort and not takes.other_cohorts:
        return (
            f"is trained on the cohort {found.cohort}; this takes one of the experiment's own,"
            f" {experiment.cohort}"
        )
    return experiment.unsuited(role, found)


def _inputs(experiments: Experiments, name: str) -> list[str]:
    return [one for one in experiments[name].named_inputs().values() if one in experiments]


def _sorter(experiments: Experiments) -> TopologicalSorter[str]:
    return TopologicalSorter({name: _inputs(experiments, name) for name in experiments})
