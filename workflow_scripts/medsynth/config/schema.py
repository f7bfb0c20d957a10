"""The whole configuration: one pydantic model is its only truth.

`config/*.yaml` are checked against :class:`Config`; `config/schema.json` and
`docs/reference/configuration.md` are generated from it (``python -m medsynth.config.docs``), and a
test fails when they drift. Settings are grouped by stage, so that a rule can pass exactly its own
group as one parameter and a changed setting reruns exactly what depends on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, ValidationError, field_validator

from medsynth.cohorts.kinds import KIND, Kind
from medsynth.config.checks.classes import classes_made_rare
from medsynth.config.checks.headers import header_mistakes
from medsynth.config.checks.lines import repeated_keys, with_lines
from medsynth.config.experiment_cohort import cohort_mistakes
from medsynth.config.experiment_inputs import classifiers, input_mistakes
from medsynth.config.mistakes import (
    WHOLE,
    ConfigError,
    Mistake,
    mistakes_of,
    place_of,
)
from medsynth.config.raw_paths import path_mistakes, unset_variable
from medsynth.config.subgroups import subgroup_mistakes
from medsynth.config.valid_parts import ValidParts, valid_or_none, valid_parts
from medsynth.demo.settings import Demo
from medsynth.fetch.settings import Download
from medsynth.lineage.settings import Lineage
from medsynth.metrics.settings import Evaluation, SyntheticTraining
from medsynth.models.classifier.settings import ClassifierTraining, classifier_name, reserved_names
from medsynth.models.families import FAMILY, Family
from medsynth.runtime.settings import Fraction, Name, RawPath, Settings
from medsynth.store.tables.spelling import did_you_mean

Cohort = Annotated[Kind, Field(discriminator="kind")]
Experiment = Annotated[Family, Field(discriminator="family")]

NO_EXPERIMENT = Mistake(
    "experiments", "none is listed, so nothing is trained; add one, as in config/config.yaml"
)


def _can_be_a_folder(path: Path) -> Path:
    if fault := unset_variable(path):
        raise ValueError(fault)
    if {"{", "}"} & set(str(path)):
        raise ValueError("braces stand for wildcards in Snakemake; choose another name")
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    if not there.is_dir():
        raise ValueError(f"{there} is there and is no folder; choose another name")
    return path


ResultsDir = Annotated[RawPath, AfterValidator(_can_be_a_folder)]


class Config(Settings):
    """The whole configuration file."""

    results_dir: ResultsDir = Field(Path("results"), description="everything the workflow makes")
    seed: int = Field(
        1, ge=0, le=2**63 - 1, description="all randomness derives from it, but the demo data's"
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if any")
    max_quarantined: Fraction = Field(
        0.1,
        description="share of unusable files (of the clinical table: of cases) above which nothing"
        " is trained on a cohort, and a download stops",
    )
    min_patients: int = Field(
        3,
        ge=1,
        le=1_000_000,
        description="patients that each class must have before anything is trained on it",
    )
    keep_gib: float = Field(
        10,
        ge=0,
        le=1e6,
        description="GiB of finished models and samples that are kept in results_dir/kept, the"
        " latest; asked for the same again they are copied back. 0: none",
    )
    demo: Demo | None = Field(None, description="make demo data; null when you have downloads")
    fetch: dict[Name, Download] = Field(
        {}, description="downloads from archives, by name; none unless you list them"
    )
    lineage: Lineage = Field(Lineage(), description="where MLflow keeps the record of all runs")
    cohorts: dict[Name, Cohort] = Field(
        min_length=1, description="raw data by name: where it lies and how it is read and divided"
    )
    classifier: ClassifierTraining = Field(
        ClassifierTraining(),
        description="training of the classifier that judges generated images, one a cohort;"
        " cyclegan needs none",
    )
    evaluation: Evaluation = Field(
        Evaluation(), description="how intervals of the metrics are found, and for which subgroups"
    )
    synthetic_training: SyntheticTraining = Field(
        SyntheticTraining(),
        description="what synthetic images are worth for training a classifier",
    )
    experiments: list[Experiment] = Field(
        [], description="models, each trained and judged on one cohort"
    )
    singles: int = Field(
        8,
        ge=0,
        le=100_000,
        description="generated images of every class also written as DICOM or PNG files",
    )

    @field_validator("fetch", "cohorts")
    @classmethod
    def _in_the_order_of_names(cls, named: dict[str, Any]) -> dict[str, Any]:
        """A mapping has no order of its own; the record keeps none, and a page must not change."""
        return dict(sorted(named.items()))


def _between_groups(raw: dict[str, Any], parts: ValidParts) -> Iterator[Mistake]:
    """What does not fit together, of all that can be told whatever else is wrong."""
    cohorts = given if isinstance(given := raw.get("cohorts"), dict) else {}
    listed = given if isinstance(given := raw.get("experiments"), list) else []
    named = [(i, e) for i, e in enumerate(listed) if isinstance(e, dict)]
    counts = Counter(e["name"] for _, e in named if isinstance(e.get("name"), str))
    for name in sorted(name for name, n in counts.items() if n > 1):
        yield Mistake("experiments", f"experiment name {name} stands twice; rename one")
    valid_experiments: dict[str, Any] = classifiers(parts.cohorts, ClassifierTraining())
    reserved = {n: of for cohort in cohorts for n, of in reserved_names(cohort).items()}
    for name in sorted(set(reserved) & set(counts)):
        yield Mistake(
            "experiments", f"the name {name} is kept for a cohort's {reserved[name]}; take another"
        )
    judged = {e["cohort"] for _, e in named if isinstance(e.get("cohort"), str)}
    valid_cohorts = {
        name: c for name, c in parts.cohorts.items() if parts.is_valid(f"cohorts.{name}")
    }
    yield from classes_made_rare(valid_cohorts)
    yield from subgroup_mistakes(raw.get("evaluation", {}), cohorts, judged, valid_cohorts)
    for i, e in named:
        place = place_of(["experiments", i], raw)
        if experiment := valid_or_none(Experiment, e):
            valid_experiments.setdefault(experiment.name, experiment)
        name, family = e.get("cohort"), e.get("family")
        if not isinstance(name, str) or not cohorts:
            continue
        if name not in cohorts:
            yield Mistake(
                f"{place}.cohort",
                f"no cohort {name!r}; there are: {', '.join(sorted(map(str, cohorts)))};"
                f" {did_you_mean(name, cohorts) or 'take one of them, or add this one'}",
            )
            continue
        kind = cohorts[name].get("kind") if isinstance(cohorts[name], dict) else None
        if not (isinstance(kind, str) and isinstance(family, str)):
            continue
        if kind not in KIND or family not in FAMILY:
            continue
        if FAMILY[family].task not in KIND[kind].tasks:
            fitting = [name for name, f in FAMILY.items() if f.task in KIND[kind].tasks]
            yield Mistake(
                f"{place}.family",
                f"family {family} does not fit cohort kind {kind}: it is for {FAMILY[family].task};"
                f" take {' or '.join(fitting)}, or a cohort of another kind",
            )
        elif experiment and name in valid_cohorts:
            yield from cohort_mistakes(place, experiment, valid_cohorts[name])
    lineage = given if isinstance(given := raw.get("lineage"), dict) else {}
    registered = given if isinstance(given := lineage.get("registry"), dict) else {}
    for name in sorted(set(map(str, registered)) - set(counts)):
        hint = did_you_mean(name, counts) or "name one that is listed under experiments"
        yield Mistake("lineage.registry", f"no experiment {name!r}; {hint}")
    yield from _untrainable(raw.get("synthetic_training"), valid_experiments, valid_cohorts)
    yield from input_mistakes(
        valid_experiments, {*counts, *map(classifier_name, cohorts)} - {*valid_experiments}
    )


def _untrainable(
    group: Any, experiments: dict[str, Any], cohorts: dict[str, Any]
) -> Iterator[Mistake]:
    """Names of `synthetic_training` that make no images of classes, or not of all."""
    asked = group.get("experiments") if isinstance(group, dict) else None
    making = [name for name, e in experiments.items() if e.task == "generation"]
    for name in asked if isinstance(asked, list) else []:
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


def parse_config(raw: Any) -> Config:
    """Check a raw configuration and return it typed; nothing is looked up on disk.

    Raises:
        ConfigError: lists every mistake at once, each with its place and a hint.
    """
    return _sound(_checked(raw))


def load_config(raw: Any, files: Iterable[str | Path] = ()) -> Config:
    """As :func:`parse_config`, and raw data is where the configuration says.

    Args:
        raw: what Snakemake has read from `files` and the command line.
        files: of the configuration.

    Raises:
        ConfigError: lists every mistake at once; among them missing raw files, except those that
            the rules will bring.
    """
    return _sound(examine(raw, files))


class Examined(NamedTuple):
    """A configuration and what is wrong with it.

    Attributes:
        parts: what of it is right.
        config: the whole; None if its values are wrong.
        mistakes: all of them, with the lines of files that have their keys.
    """

    parts: ValidParts
    config: Config | None
    mistakes: list[Mistake]


def examine(raw: Any, files: Iterable[str | Path] = ()) -> Examined:
    """As :func:`load_config`, which refuses what this tells.

    Raises:
        ConfigError: it holds no keys at all.
    """
    parts, config, mistakes = _checked(raw)
    paths = [Path(file) for file in files]
    repeated = [mistake for path in paths for mistake in repeated_keys(path)]
    mistakes = [*repeated, *mistakes, *path_mistakes(parts), *header_mistakes(parts)]
    return Examined(parts, config, with_lines(dict.fromkeys(mistakes), paths))


def _checked(raw: Any) -> Examined:
    if not isinstance(raw, dict):
        raise ConfigError([Mistake(WHOLE, "holds no keys; see config/config.yaml")])
    parts, config, mistakes = valid_parts(raw, ResultsDir, Download, Cohort), None, []
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        mistakes = list(mistakes_of(error, raw, Config))
    return Examined(parts, config, [*mistakes, *_between_groups(raw, parts)])


def _sound(examined: Examined) -> Config:
    if examined.mistakes:
        raise ConfigError(examined.mistakes)
    assert examined.config  # else there were mistakes
    return examined.config
