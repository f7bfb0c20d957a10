"""The whole configuration: one pydantic model is its only truth.

`config/*.yaml` are checked against :class:`Config`, see :mod:`medsynth.config.loading`;
`config/schema.json` and `docs/reference/configuration.md` are generated from it
(``python -m medsynth.config.docs``), and a test fails when they drift. Settings are grouped by
stage, so that a rule can pass exactly its own group as one parameter and a changed setting reruns
exactly what depends on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from medsynth.cohorts.kinds import Kind
from medsynth.config.raw_paths import unset_variable
from medsynth.demo.settings import Demo
from medsynth.fetch.settings import Download
from medsynth.lineage.settings import Lineage
from medsynth.metrics.settings import Evaluation, SyntheticTraining
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.families import Family
from medsynth.runtime.settings import Fraction, Name, RawPath, Settings

Cohort = Annotated[Kind, Field(discriminator="kind")]
Experiment = Annotated[Family, Field(discriminator="family")]


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
