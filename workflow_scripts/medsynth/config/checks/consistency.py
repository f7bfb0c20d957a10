"""Whether the groups of a configuration fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from medsynth.cohorts.kinds import KIND
from medsynth.config.checks.classes import classes_made_rare
from medsynth.config.checks.subgroups import subgroup_mistakes
from medsynth.config.experiment_cohort import cohort_mistakes
from medsynth.config.experiment_inputs import classifiers, input_mistakes
from medsynth.config.mistakes import Mistake, place_of
from medsynth.config.schema import Experiment
from medsynth.config.valid_parts import ValidParts, valid_or_none
from medsynth.models.classifier.settings import ClassifierTraining, classifier_name, reserved_names
from medsynth.models.families import FAMILY
from medsynth.store.tables.spelling import did_you_mean


def inconsistencies(raw: dict[str, Any], parts: ValidParts) -> Iterator[Mistake]:
    """What does not fit together, of all that can be told whatever else is wrong."""
    cohorts = given if isinstance(given := raw.get("cohorts"), dict) else {}
    listed = given if isinstance(given := raw.get("experiments"), list) else []
    named = [(i, e) for i, e in enumerate(listed) if isinstance(e, dict)]
    counts = Counter(e["name"] for _, e in named if isinstance(e.get("name"), str))
    yield from _names_taken(cohorts, counts)
    judged = {e["cohort"] for _, e in named if isinstance(e.get("cohort"), str)}
    valid_cohorts = {
        name: c for name, c in parts.cohorts.items() if parts.is_valid(f"cohorts.{name}")
    }
    yield from classes_made_rare(valid_cohorts)
    yield from subgroup_mistakes(raw.get("evaluation", {}), cohorts, judged, valid_cohorts)
    valid_experiments: dict[str, Any] = classifiers(parts.cohorts, ClassifierTraining())
    for i, e in named:
        if experiment := valid_or_none(Experiment, e):
            valid_experiments.setdefault(experiment.name, experiment)
        yield from _of_cohort(
            place_of(["experiments", i], raw), e, experiment, cohorts, valid_cohorts
        )
    yield from _unregistered(raw.get("lineage"), counts)
    unjudged = {*counts} - {*valid_experiments}  # wrong in themselves, which is told elsewhere
    yield from _untrainable(
        raw.get("synthetic_training"), valid_experiments, valid_cohorts, unjudged
    )
    yield from input_mistakes(
        valid_experiments, {*counts, *map(classifier_name, cohorts)} - {*valid_experiments}
    )


def _names_taken(cohorts: dict[str, Any], counts: Counter[str]) -> Iterator[Mistake]:
    """Names of experiments that others have, or the classifiers of cohorts."""
    for name in sorted(name for name, n in counts.items() if n > 1):
        yield Mistake("experiments", f"experiment name {name} stands twice; rename one")
    reserved = {n: of for cohort in cohorts for n, of in reserved_names(cohort).items()}
    for name in sorted(set(reserved) & set(counts)):
        yield Mistake(
            "experiments", f"the name {name} is kept for a cohort's {reserved[name]}; take another"
        )


def _of_cohort(
    place: str,
    raw: dict[str, Any],
    experiment: Any,
    cohorts: dict[str, Any],
    valid_cohorts: dict[str, Any],
) -> Iterator[Mistake]:
    """Why an experiment cannot be trained on the cohort that it names.

    Args:
        place: of the experiment.
        raw, experiment: as it is written and, if nothing is wrong in itself, as it is meant.
        cohorts, valid_cohorts: likewise, by name.
    """
    name, family = raw.get("cohort"), raw.get("family")
    if not isinstance(name, str) or not cohorts:
        return
    if name not in cohorts:
        yield Mistake(
            f"{place}.cohort",
            f"no cohort {name!r}; there are: {', '.join(sorted(map(str, cohorts)))};"
            f" {did_you_mean(name, cohorts) or 'take one of them, or add this one'}",
        )
        return
    kind = cohorts[name].get("kind") if isinstance(cohorts[name], dict) else None
    if not (isinstance(kind, str) and isinstance(family, str)):
        return
    if kind not in KIND or family not in FAMILY:
        return
    if FAMILY[family].task not in KIND[kind].tasks:
        fitting = [name for name, f in FAMILY.items() if f.task in KIND[kind].tasks]
        yield Mistake(
            f"{place}.family",
            f"family {family} does not fit cohort kind {kind}: it is for {FAMILY[family].task};"
            f" take {' or '.join(fitting)}, or a cohort of another kind",
        )
    elif experiment and name in valid_cohorts:
        yield from cohort_mistakes(place, experiment, valid_cohorts[name])


def _unregistered(group: Any, counts: Counter[str]) -> Iterator[Mistake]:
    """Names of `lineage.registry` that are no experiment's."""
    registry = group.get("registry") if isinstance(group, dict) else None
    for name in sorted(set(map(str, registry if isinstance(registry, dict) else {})) - set(counts)):
        hint = did_you_mean(name, counts) or "name one that is listed under experiments"
        yield Mistake("lineage.registry", f"no experiment {name!r}; {hint}")


def _untrainable(
    group: Any, experiments: dict[str, Any], cohorts: dict[str, Any], unjudged: set[str]
) -> Iterator[Mistake]:
    """Names of `synthetic_training` that make no images of classes, or not of all."""
    asked = group.get("experiments") if isinstance(group, dict) else None
    making = [name for name, e in experiments.items() if e.task == "generation"]
    for name in asked if isinstance(asked, list) else []:
        if name in unjudged:
            continue
        if name not in making:
            hint = did_you_mean(str(name), making) or "name one of the task generation"
            yield Mistake(
                "synthetic_training.experiments",
                f"no experiment {name!r} that generates images of classes; {hint}",
            )
            continue
        drawn = getattr(experiments[name].sample, "labels", None)
        cohort = cohorts.get(experiments[name].cohort)
        if drawn and cohort and (absent := sorted({*cohort.classes()} - {*drawn})):
            yield Mistake(
                "synthetic_training.experiments",
                f"{name} draws no {', '.join(absent)}, and no classifier learns a class without"
                " images; add it to its sample.labels, or leave these out for all classes",
            )
