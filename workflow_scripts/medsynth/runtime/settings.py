"""What all groups of settings share."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)

from medsynth.store.privacy.secrets import without_secrets
from medsynth.store.tables.covariates import UNKNOWN as UNKNOWN  # settings import no other room
from medsynth.store.tables.findings import JOINT as JOINT

LOOKS = 10  # at the validation split in a training
NUMBERS = (int, float, int | None, float | None)
Fraction = Annotated[float, Field(ge=0, le=1)]
NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME, max_length=100)]  # it becomes a folder's


BurnedIn = Annotated[
    Literal["exclude", "keep"],
    Field(
        description="DICOM files whose BurnedInAnnotation is YES; only the tag is read: text in the"
        " pixels that no tag declares is not detected"
    ),
]


def _expand(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip():
        raise ValueError("an empty path; give one, or leave the key out")
    if not value.isprintable():
        raise ValueError(f"{value!r} holds a character that no path should have")
    return os.path.expanduser(os.path.expandvars(value))


def _below_root(pattern: str) -> str:
    parts = Path(pattern).parts
    if not parts or parts[0] == os.sep or os.pardir in parts:
        raise ValueError(
            "a glob of files below root, as in **/*.svs; to look elsewhere change root"
        )
    return pattern


Glob = Annotated[str, AfterValidator(_below_root)]

# Raw data lies elsewhere on every machine: $VARIABLES and ~ are filled in.
RawPath = Annotated[Path, BeforeValidator(_expand)]
# May hold a password, which no parameter, record or page made of the settings then shows.
Uri = Annotated[
    str, Field(min_length=1), PlainSerializer(without_secrets, return_type=str, when_used="json")
]


def each_once(named: list[str]) -> list[str]:
    """The names of covariates or experiments.

    Raises:
        ValueError: one stands twice.
    """
    if twice := [name for i, name in enumerate(named) if name in named[:i]]:
        raise ValueError(f"{twice[0]} stands twice; name each once")
    return named


class Settings(BaseModel):
    """Base of every group: unknown keys are mistakes, values never change after loading."""

    # What must hold between keys is checked by a validator of the last of them: unlike one of the
    # model, it runs, and its mistake is told, while other keys are wrong.
    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _truth_is_no_number(cls, values: Any) -> Any:
        """YAML's yes, no, on and off are true and false, which would count as 1 and 0."""
        if not isinstance(values, dict):
            return values
        numbers = {name for name, field in cls.model_fields.items() if field.annotation in NUMBERS}
        return {
            key: str(value).lower() if isinstance(value, bool) and key in numbers else value
            for key, value in values.items()
        }


class ImageForm(NamedTuple):
    """What the images of a cohort are like: pixels a side, channels, and type of the values."""

    size: int
    channels: int
    dtype: Literal["uint8", "int16"]


class TableLabel(Settings):
    """A label looked up in a CSV/TSV file the user has."""

    kind: Literal["table"] = Field(description="labels are looked up in a table of yours")
    path: RawPath = Field(description="CSV or TSV file, one row an image")
    key: str = Field(description="column that names the image file (with or without its suffix)")
    value: str = Field(description="column that holds the label")


class Split(Settings):
    """Patients are divided once; every later stage carries this division."""

    official: bool = Field(False, description="use the cohort's published split where it has one")
    validate_fraction: Fraction = Field(0.15, description="patients held out for validation")
    test_fraction: float = Field(0.2, gt=0, lt=1, description="patients held out for evaluation")

    @field_validator("test_fraction")
    @classmethod
    def _leaves_training_patients(cls, test: float, info: ValidationInfo) -> float:
        if info.data.get("validate_fraction", 0) + test >= 1:
            raise ValueError("validate_fraction + test_fraction must stay below 1")
        return test

    folds: int | None = Field(
        None,
        ge=3,
        le=20,
        description="parts of equally many patients, for experiments that test in each part a model"
        " of the others (diagnosis); one part chooses the step. null: none. Other experiments go by"
        " train, validate and test all the same",
    )

    few: dict[str, Annotated[int, Field(ge=1)]] = Field(
        {},
        description="training patients of a class at most, as {Pneumonia: 10}, to study what a rare"
        " class does; the others of it are left out of everything but what"
        " synthetic_training compares with",
    )


Division = Annotated[
    Split, Field(description="how patients are divided into training, validation and test")
]


class Loop(Settings):
    """What every training loop has."""

    steps: int = Field(400, ge=1, le=100_000_000, description="optimizer steps")
    batch: int = Field(32, ge=1, le=65_536, description="images a step")
    lr: float = Field(
        2e-4,
        gt=0,
        le=100,
        description="learning rate; the classifier's and the CycleGAN's fall to 0, of diffusion"
        " models lr_schedule says what it does",
    )
    checkpoint_every: int = Field(
        200, ge=1, le=100_000_000, description="steps; a kill costs at most these"
    )
    log_every: int = Field(
        20, ge=1, le=100_000_000, description="steps averaged into one point of the curves"
    )
    validate_every: int | None = Field(
        None,
        ge=1,
        le=100_000_000,
        description="steps between looks at the validation split, of which the best one's weights"
        " are kept; null: a tenth of all steps. The last step is always looked at",
    )
    validation_images: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="images of the validation split that are looked at, at most (of ct: of each"
        " phase); all patients are among them as evenly as may be",
    )

    @field_validator("log_every")
    @classmethod
    def _checkpoints_end_whole_points(cls, every: int, info: ValidationInfo) -> int:
        # A point of the curve that a kill cut in two could not be computed again.
        between = info.data.get("checkpoint_every", 0)
        if between % every:
            raise ValueError(
                f"checkpoint_every {between} must be a multiple of log_every, which is {every}; set"
                f" log_every: {math.gcd(between, every)}, or checkpoint_every:"
                f" {math.lcm(between, every)}"
            )
        return every

    def validates(self, done: int, first: int = 0) -> bool:
        """Whether the validation split is looked at after so many steps; never in the `first`."""
        every = self.validate_every or -(-(self.steps - first) // LOOKS)
        return done > first and ((done - first) % every == 0 or done == self.steps)
