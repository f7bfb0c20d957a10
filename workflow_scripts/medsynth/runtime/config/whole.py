"""The whole configuration: one pydantic model is its only truth.

`config/*.yaml` are checked against :class:`Config`; `config/schema.json` and `config/README.md`
are generated from it (``python -m medsynth.runtime.config_docs``), and a test fails when they
drift. Settings are grouped by stage, so that a rule can pass exactly its own group as one
parameter and a changed setting reruns exactly what depends on it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from medsynth.runtime.config.base import Fraction, Name, Settings, TableLabel, Uri
from medsynth.runtime.config.ct import CtCohort
from medsynth.runtime.config.cxr import CxrCohort
from medsynth.runtime.config.fetch import Download, fills
from medsynth.runtime.config.models import ClassifierTraining, Evaluation, Experiment
from medsynth.runtime.config.slides import SlideCohort

Cohort = Annotated[CxrCohort | SlideCohort | CtCohort, Field(discriminator="kind")]


class ConfigError(ValueError):
    """The configuration is wrong; the message lists every mistake with a hint."""


class Demo(Settings):
    """Self-made raw data in the true formats; paths of the cohorts point into its folder."""

    seed: int = 7
    cxr_patients: int = Field(120, ge=9)
    slide_cases: int = Field(36, ge=9)
    ct_patients: int = Field(24, ge=5)


class Lineage(Settings):
    study: str = Field("medsynth", description="MLflow experiment that collects the runs")
    tracking_uri: Uri | None = Field(
        None, description="MLflow server or database; null keeps a SQLite file in results_dir"
    )
    artifact_uri: Uri | None = Field(
        None,
        description="where MLflow keeps files (folder, s3://...) of a study from its first run on;"
        " null: in results_dir, or where the server keeps them",
    )


def _image_size(cohort: CxrCohort | SlideCohort | CtCohort) -> int:
    stage = {"mimic_cxr": "read", "slides": "tiles", "ct": "convert"}[cohort.kind]
    return getattr(cohort, stage).image_size


def _misfit(experiment: Any, size: int) -> str | None:
    """Why the networks cannot take images of this size; better now than after hours of reading."""
    if experiment.family == "progan":
        return None if size & (size - 1) == 0 else f"progan needs a power of two, not {size} pixels"
    if experiment.family == "cyclegan":
        halvings, attention = experiment.train.depth, []
    else:
        unet = experiment.train.unet
        halvings, attention = len(unet.multipliers) - 1, unet.attention
    if size % 2**halvings:
        return f"{size} pixels cannot be halved {halvings} times"
    sizes = [size >> i for i in range(halvings + 1)]
    if absent := sorted(set(attention) - set(sizes)):
        return f"unet.attention {absent} is not among the resolutions {sizes}"
    return None


class Config(Settings):
    """The whole configuration file."""

    results_dir: Path = Field(Path("results"), description="everything the workflow makes")
    seed: int = Field(1, ge=0, description="all randomness derives from it")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if any")
    max_quarantined: Fraction = Field(0.1, description="unusable share that stops a cohort")
    demo: Demo | None = Field(None, description="make demo data; null when you have downloads")
    fetch: dict[Name, Download] = Field(
        {}, description="downloads from archives, by name; none unless you list them"
    )
    lineage: Lineage = Lineage()
    cohorts: dict[Name, Cohort] = Field(min_length=1)
    classifier: ClassifierTraining = ClassifierTraining()
    evaluation: Evaluation = Evaluation()
    experiments: list[Experiment] = []
    singles: int = Field(
        8, ge=0, description="generated images of every class also written as DICOM or PNG files"
    )

    @field_validator("fetch", "cohorts")
    @classmethod
    def _in_the_order_of_names(cls, named: dict[str, Any]) -> dict[str, Any]:
        """A mapping has no order of its own; the record keeps none, and a page must not change."""
        return dict(sorted(named.items()))

    @model_validator(mode="after")
    def _refers_to_what_exists(self) -> Config:
        names = [e.name for e in self.experiments]
        wrong = [
            f"experiment name {n} stands twice" for n in sorted(set(names)) if names.count(n) > 1
        ]
        for e in self.experiments:
            cohort = self.cohorts.get(e.cohort)
            if cohort is None:
                there_are = ", ".join(self.cohorts)
                wrong.append(f"experiment {e.name}: no cohort {e.cohort!r}; there are: {there_are}")
            elif (e.family == "cyclegan") != (cohort.kind == "ct"):
                wrong.append(
                    f"experiment {e.name}: family {e.family} does not fit cohort kind"
                    f" {cohort.kind}; cyclegan translates ct, ddpm and progan generate the others"
                )
            elif misfit := _misfit(e, _image_size(cohort)):
                wrong.append(f"experiment {e.name}: {misfit}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


def _hint(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; remove it or check its spelling in config/schema.json"
    if error["type"] == "missing":
        return "add this key"
    if error["type"] == "value_error":
        return "see config/README.md"
    if error["type"].startswith("union_tag"):
        return "give one of the expected values"
    return f"you gave {error['input']!r}; see config/schema.json"


def parse_config(raw: dict[str, Any]) -> Config:
    """Check a raw configuration and return it typed.

    Raises:
        ConfigError: lists every mistake at once, each with its place and a hint.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, e['loc'])) or '(whole file)'}: {e['msg']} -- hint: {_hint(e)}"
            for e in error.errors()
        ]
        title = f"{len(lines)} mistake(s) in the configuration:"
        raise ConfigError("\n".join([title, *lines])) from None


def _missing_for_fetch(config: Config) -> list[str]:
    missing = []
    for name, download in config.fetch.items():
        if not download.destination.is_dir():
            # Made here, it could be a mistyped path or a disk that is not mounted.
            missing.append(f"  fetch.{name}.destination: {download.destination}: make this folder")
        manifest = getattr(download, "manifest", None)
        if manifest and not manifest.is_file():
            missing.append(f"  fetch.{name}.manifest: {manifest} does not exist")
        for cohort, settings in config.cohorts.items():
            root = settings.root.absolute()
            if fills(download, root) and root != download.destination.absolute():
                missing.append(
                    f"  cohorts.{cohort}.root: {root} is inside of fetch.{name}.destination; give"
                    " the destination itself"
                )
    return missing


def check_raw_paths(config: Config) -> None:
    """Check that every raw file or folder exists, except those that the rules will bring.

    Raises:
        ConfigError: lists every path that is missing, with the key that names it.
    """
    demo = config.results_dir / "demo"
    missing = _missing_for_fetch(config)
    for name, cohort in config.cohorts.items():
        paths = {"root": [cohort.root]}
        if isinstance(cohort.index.label, TableLabel):
            paths["index.label.path"] = [cohort.index.label.path]
        if isinstance(cohort, CxrCohort):
            # Asked for here, too: the images are hashed for hours before a script is heard.
            paths["tables (they come with MIMIC-CXR-JPG)"] = cohort.needed_tables()
            paths["reports"] = [cohort.reports] if cohort.reports else []
        if isinstance(cohort, SlideCohort) and cohort.genotypes:
            paths["genotypes.maf"] = cohort.genotypes.maf
            paths["genotypes.segments"] = cohort.genotypes.segments
            if cohort.genotypes.clinical:
                paths["genotypes.clinical"] = [cohort.genotypes.clinical]
            if isinstance(cohort.genotypes.coverage, Path):
                paths["genotypes.coverage"] = [cohort.genotypes.coverage]
        for key, values in paths.items():
            for path in values:
                made_by_demo = config.demo is not None and path.is_relative_to(demo)
                fetched = any(fills(download, path) for download in config.fetch.values())
                if not made_by_demo and not fetched and not path.exists():
                    missing.append(f"  cohorts.{name}.{key}: {path} does not exist")
    if missing:
        title = f"{len(missing)} raw path(s) missing; correct the path or mount the data:"
        raise ConfigError("\n".join([title, *missing]))
