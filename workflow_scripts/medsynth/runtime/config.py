"""The configuration: one pydantic model is its only truth.

`config/*.yaml` are checked against :class:`Config`; `config/schema.json` and `config/README.md`
are generated from it (``python -m medsynth.runtime.config_docs``), and a test fails when they
drift. Settings are grouped by stage, so that a rule can pass exactly its own group as one
parameter and a changed setting reruns exactly what depends on it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _expand(value: Any) -> Any:
    return os.path.expanduser(os.path.expandvars(value)) if isinstance(value, str) else value


# Raw data lies elsewhere on every machine: $VARIABLES and ~ are filled in.
RawPath = Annotated[Path, BeforeValidator(_expand)]


class ConfigError(ValueError):
    """The configuration is wrong; the message lists every mistake with a hint."""


class Settings(BaseModel):
    """Base of every group: unknown keys are mistakes, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


# --- cohorts: from raw files to shards -------------------------------------------------------


class TableLabel(Settings):
    """A label looked up in a CSV/TSV file the user has."""

    kind: Literal["table"]
    path: RawPath = Field(description="CSV or TSV file, one row an image")
    key: str = Field(description="column that names the image file (with or without its suffix)")
    value: str = Field(description="column that holds the label")


class GenotypeLabel(Settings):
    """WHO 2021 glioma classes, joined by case from mutation and copy-number tables."""

    kind: Literal["genotype"]


class TagContrast(Settings):
    """Contrast phase read from the DICOM header (ContrastBolusAgent, descriptions)."""

    kind: Literal["tags"]


class ViewLabel(Settings):
    """ViewPosition of mimic-cxr-2.0.0-metadata.csv.gz as the class."""

    kind: Literal["view"]


class FindingLabel(Settings):
    """The one positive CheXpert finding among those listed as the class."""

    kind: Literal["finding"]
    findings: list[str] = Field(min_length=2, description="CheXpert columns, e.g. Cardiomegaly")
    uncertain: Literal["exclude", "positive", "negative"] = Field(
        "exclude", description="what the labeler's -1 counts as"
    )


class Split(Settings):
    """Patients are divided once; every later stage carries this division."""

    official: bool = Field(False, description="use the cohort's published split where it has one")
    validate_fraction: Fraction = Field(0.15, description="patients held out for validation")
    test_fraction: float = Field(0.2, gt=0, lt=1, description="patients held out for evaluation")

    @model_validator(mode="after")
    def _leaves_training_patients(self) -> Split:
        if self.validate_fraction + self.test_fraction >= 1:
            raise ValueError("validate_fraction + test_fraction must stay below 1")
        return self


class CxrIndex(Settings):
    label: Annotated[ViewLabel | FindingLabel, Field(discriminator="kind")]
    views: list[str] = Field(["AP", "PA"], description="ViewPosition values to keep")
    shards: int = Field(2, ge=1, description="jobs the reading is divided into")


class CxrRead(Settings):
    image_size: int = Field(32, ge=8, description="pixels, both sides")


class CxrCohort(Settings):
    """Chest radiographs in the layout of a MIMIC-CXR download."""

    kind: Literal["mimic_cxr"]
    root: RawPath = Field(description="folder of files/ and the mimic-cxr-2.0.0-*.csv.gz tables")
    index: CxrIndex
    read: CxrRead = CxrRead()
    split: Split = Split()


class SlideIndex(Settings):
    label: Annotated[TableLabel | GenotypeLabel, Field(discriminator="kind")]
    pattern: str = Field("**/*", description="glob of slide files below root")
    shards: int = Field(2, ge=1, description="jobs the tiling is divided into")


class SlideTiles(Settings):
    image_size: int = Field(32, ge=8, description="tile side in pixels")
    mpp: float = Field(1.0, gt=0, description="microns per pixel of the tiles")
    assume_mpp: float | None = Field(
        None, gt=0, description="microns per pixel of slides that do not say; null quarantines them"
    )
    min_tissue: Fraction = Field(0.5, description="least share of tissue in a tile")
    max_tiles: int = Field(64, ge=1, description="tiles taken from one slide, evenly spread")


class Genotypes(Settings):
    """Where the mutation, copy-number and clinical tables are, and the calling thresholds."""

    maf: list[RawPath] = Field(min_length=1, description="MAF files or folders of them")
    segments: list[RawPath] = Field(min_length=1, description="segment files or folders")
    build: Literal["hg19", "hg38"] = Field("hg38", description="genome build of the segments")
    clinical: RawPath | None = Field(None, description="clinical and assay table (IHC, FISH)")
    loss_threshold: float = Field(-0.2, lt=0, description="segment mean (log2) that counts as loss")
    arm_fraction: Fraction = Field(0.7, description="share of an arm that must be lost")


class SlideCohort(Settings):
    """Histology slides as the GDC names them."""

    kind: Literal["slides"]
    root: RawPath = Field(description="folder of slides")
    index: SlideIndex
    tiles: SlideTiles = SlideTiles()
    genotypes: Genotypes | None = None
    split: Split = Split()

    @model_validator(mode="after")
    def _has_tables_for_genotypes(self) -> SlideCohort:
        if self.index.label.kind == "genotype" and self.genotypes is None:
            raise ValueError("label kind 'genotype' needs a genotypes: group with maf and segments")
        return self


class CtIndex(Settings):
    label: Annotated[TableLabel | TagContrast, Field(discriminator="kind")]
    pattern: str = Field("**/*.dcm", description="glob of DICOM files below root")
    shards: int = Field(2, ge=1, description="jobs the conversion is divided into")


class CtConvert(Settings):
    image_size: int = Field(32, ge=8, description="pixels, both sides")


class CtPair(Settings):
    tolerance_mm: float = Field(2.5, ge=0, description="largest slice distance in a pair")


class CtCohort(Settings):
    """CT series with (cect) and without (ct) contrast medium."""

    kind: Literal["ct"]
    root: RawPath = Field(description="folder of DICOM files")
    index: CtIndex
    convert: CtConvert = CtConvert()
    pair: CtPair = CtPair()
    split: Split = Split()


Cohort = Annotated[CxrCohort | SlideCohort | CtCohort, Field(discriminator="kind")]


# --- experiments: from shards to metrics ------------------------------------------------------


class Loop(Settings):
    """What every training loop has."""

    steps: int = Field(400, ge=1, description="optimizer steps")
    batch: int = Field(32, ge=1, description="images a step")
    lr: float = Field(2e-4, gt=0, description="learning rate")
    checkpoint_every: int = Field(200, ge=1, description="steps; a kill costs at most these")
    log_every: int = Field(20, ge=1, description="steps averaged into one point of the curves")

    @model_validator(mode="after")
    def _checkpoints_end_whole_points(self) -> Loop:
        # A point of the curve that a kill cut in two could not be computed again.
        if self.checkpoint_every % self.log_every:
            raise ValueError("checkpoint_every must be a multiple of log_every")
        return self


class ClassifierTraining(Loop):
    """The medical classifier whose features the generation metrics use."""

    channels: int = Field(16, ge=4, description="width of the first block")
    features: int = Field(32, ge=4, description="length of the feature vector")
    weight_decay: float = Field(1e-4, ge=0)


class UNet(Settings):
    channels: int = Field(32, ge=8, multiple_of=8, description="width at full resolution")
    multipliers: list[PositiveInt] = Field(
        [1, 2, 2], min_length=1, description="width factor at each resolution"
    )
    blocks: int = Field(1, ge=1, description="ResNet blocks a resolution")
    attention: list[int] = Field([8], description="resolutions (pixels) with self-attention")
    dropout: Fraction = 0.0


class DdpmTraining(Loop):
    """Ho et al. 2020, Algorithm 1."""

    timesteps: int = Field(1000, ge=2, description="T")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="beta_1")
    beta_end: float = Field(0.02, gt=0, lt=1, description="beta_T")
    p2_gamma: float = Field(0.0, ge=0, description="P2 weighting exponent; 0 is the plain loss")
    p2_k: float = Field(1.0, gt=0, description="P2 weighting offset")
    label_drop: Fraction = Field(0.1, description="share of labels dropped, for guidance")
    ema_decay: Fraction = 0.999
    unet: UNet = UNet()

    @model_validator(mode="after")
    def _noise_grows(self) -> DdpmTraining:
        if self.beta_start > self.beta_end:
            raise ValueError("beta_start must not exceed beta_end")
        return self


class DdpmSampling(Settings):
    """Ho et al. 2020, Algorithm 2, with classifier-free guidance."""

    per_class: int = Field(64, ge=1, description="images for every class")
    batch: int = Field(64, ge=1)
    guidance: float = Field(1.0, ge=0, description="w; 0 is the conditional model alone")


class ProganTraining(Loop):
    """Karras et al. 2018: grows from 4x4; `steps` are divided evenly over the resolutions."""

    latent: int = Field(64, ge=4)
    channels: int = Field(64, ge=8, description="width at 4x4")
    gradient_penalty: float = Field(10.0, ge=0)
    ema_decay: Fraction = 0.99


class ProganSampling(Settings):
    per_class: int = Field(64, ge=1, description="images for every class")
    batch: int = Field(64, ge=1)


class CycleganTraining(Loop):
    """Residual U-Net generators, D_A and D_B on images, D_C on pairs; least-squares loss."""

    channels: int = Field(16, ge=4, description="width at full resolution, all networks")
    depth: int = Field(2, ge=1, description="down-samplings of the generators")
    cycle_weight: float = Field(10.0, ge=0)
    identity_weight: float = Field(5.0, ge=0)
    pair_weight: float = Field(1.0, ge=0, description="weight of D_C")
    pool: int = Field(50, ge=0, description="generated images kept for the discriminators")
    hu_range: tuple[int, int] = Field((-1000, 1000), description="HU mapped to [-1, 1]")

    @model_validator(mode="after")
    def _range_rises(self) -> CycleganTraining:
        if self.hu_range[0] >= self.hu_range[1]:
            raise ValueError("hu_range must rise")
        return self


class Evaluation(Settings):
    kid_subsets: int = Field(50, ge=1)
    kid_subset_size: int = Field(50, ge=2)
    bootstrap: int = Field(200, ge=0, description="resamples behind the intervals")


class DdpmExperiment(Settings):
    name: Name
    family: Literal["ddpm"]
    cohort: Name
    train: DdpmTraining = DdpmTraining()
    sample: DdpmSampling = DdpmSampling()


class ProganExperiment(Settings):
    name: Name
    family: Literal["progan"]
    cohort: Name
    train: ProganTraining = ProganTraining()
    sample: ProganSampling = ProganSampling()


class CycleganExperiment(Settings):
    name: Name
    family: Literal["cyclegan"]
    cohort: Name
    train: CycleganTraining = CycleganTraining()


Experiment = Annotated[
    DdpmExperiment | ProganExperiment | CycleganExperiment, Field(discriminator="family")
]


class Demo(Settings):
    """Self-made raw data in the true formats; paths of the cohorts point into its folder."""

    seed: int = 7
    cxr_patients: int = Field(120, ge=9)
    slide_cases: int = Field(36, ge=9)
    ct_patients: int = Field(24, ge=5)


class Lineage(Settings):
    study: str = Field("medsynth", description="MLflow experiment that collects the runs")
    tracking_uri: str | None = Field(
        None, description="MLflow server or database; null keeps a SQLite file in results_dir"
    )
    artifact_uri: str | None = Field(
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
    lineage: Lineage = Lineage()
    cohorts: dict[Name, Cohort] = Field(min_length=1)
    classifier: ClassifierTraining = ClassifierTraining()
    evaluation: Evaluation = Evaluation()
    experiments: list[Experiment] = []

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


# --- loading ---------------------------------------------------------------------------------


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


def check_raw_paths(config: Config) -> None:
    """Check that every raw file or folder exists, except those the demo rule will make.

    Raises:
        ConfigError: lists every path that is missing, with the key that names it.
    """
    demo = config.results_dir / "demo"
    missing = []
    for name, cohort in config.cohorts.items():
        paths = {"root": [cohort.root]}
        if isinstance(cohort.index.label, TableLabel):
            paths["index.label.path"] = [cohort.index.label.path]
        if isinstance(cohort, SlideCohort) and cohort.genotypes:
            paths["genotypes.maf"] = cohort.genotypes.maf
            paths["genotypes.segments"] = cohort.genotypes.segments
            if cohort.genotypes.clinical:
                paths["genotypes.clinical"] = [cohort.genotypes.clinical]
        for key, values in paths.items():
            for path in values:
                made_by_demo = config.demo is not None and path.is_relative_to(demo)
                if not made_by_demo and not path.exists():
                    missing.append(f"  cohorts.{name}.{key}: {path} does not exist")
    if missing:
        title = f"{len(missing)} raw path(s) missing; correct the path or mount the data:"
        raise ConfigError("\n".join([title, *missing]))
