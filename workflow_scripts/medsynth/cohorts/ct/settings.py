"""Settings of CT series."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.cohorts.ct.wording import WORDS
from medsynth.cohorts.settings import CohortSettings
from medsynth.imaging.ct.settings import CtRegister
from medsynth.runtime.settings import (
    BurnedIn,
    Division,
    Fraction,
    Glob,
    ImageForm,
    RawPath,
    Settings,
    Split,
    TableLabel,
)

PHASES = ("ct", "cect")  # the two classes: without contrast medium, and with it


class TagContrast(Settings):
    """Contrast phase read from the DICOM header (ContrastBolusAgent, descriptions)."""

    kind: Literal["tags"] = Field(description="the contrast phase is read from the DICOM header")
    intensity: bool = Field(
        False,
        description="where the header does not say, guess by how bright the blood is. Uncalibrated:"
        " off unless you check the guesses, which manifest (label_source: brightness) and report"
        " mark; series of fewer than 10 slices get none",
    )
    min_confidence: Fraction = Field(
        0.8,
        description="a guess by intensity that is less sure than this gives no label. It is no"
        " probability, and never above 0.8",
    )


class CtIndex(Settings):
    label: Annotated[TableLabel | TagContrast, Field(discriminator="kind")] = Field(
        description="contrast phase; a table may have a column patient_id, which goes before"
        " PatientID and which NIfTI files need: one id a patient, the same for all their files"
    )
    pattern: Glob = Field("**/*.dcm", description="glob of DICOM or NIfTI files below root")
    burned_in: BurnedIn = "exclude"
    shards: int = Field(2, ge=1, le=10_000, description="jobs the conversion is divided into")


class CtConvert(Settings):
    image_size: int = Field(32, ge=8, le=4096, description="pixels, both sides")
    spacing_mm: float | None = Field(
        None,
        gt=0,
        le=100,
        description="resample series to cubic voxels of this size and keep image_size of them about"
        " the middle; null shows slices whole, at whatever scale they then have",
    )
    max_missing: int = Field(
        2,
        ge=0,
        le=1000,
        description="missing slices in a row that are interpolated; longer gaps divide",
    )
    registration: CtRegister | None = Field(
        None, description="move the series without contrast onto the one with it; null: do not"
    )
    nifti: bool = Field(
        False,
        description="also write every volume as shards/N.volumes/*.nii.gz; a single slice is none:"
        " the log counts those without a file",
    )
    truth: RawPath | None = Field(
        None,
        description="folder with files at the same paths as below root, each what that slice would"
        " be in the other phase, nothing else changed: known of phantoms and of virtual images of"
        " dual-energy scans. Translations of slices that have one are measured against it. null:"
        " against paired slices, which patients moved and breathed between",
    )

    @field_validator("truth")
    @classmethod
    def _is_of_single_slices(cls, truth: Path | None, info: ValidationInfo) -> Path | None:
        whole = [key for key in ("spacing_mm", "registration", "nifti") if info.data.get(key)]
        if truth and whole:
            raise ValueError(
                f"truth is of slices as they are, and {whole[0]} makes others; leave out one of the"
                " two"
            )
        return truth


class CtPair(Settings):
    tolerance_mm: float = Field(2.5, ge=0, le=100, description="largest slice distance in a pair")
    min_dice: Fraction | None = Field(
        None, description="least overlap of registered bodies; pairs below are dropped"
    )


class CtCohort(CohortSettings):
    """CT series with (cect) and without (ct) contrast medium."""

    folder: ClassVar = "medsynth.cohorts.ct"
    tasks: ClassVar = ("translation",)
    words: ClassVar = WORDS
    single: ClassVar = "dicom"
    provides: ClassVar = ("nifti", "pairs")
    opens_files: ClassVar = True

    kind: Literal["ct"] = Field(description="CT series, as DICOM or NIfTI files")
    root: RawPath = Field(description="folder of DICOM or NIfTI files")
    index: CtIndex = Field(description="which files are used, and their contrast phases")
    convert: CtConvert = Field(CtConvert(), description="how series become square slices in HU")
    pair: CtPair = Field(
        CtPair(), description="which slices without and with contrast medium show the same place"
    )
    split: Division = Split()

    def provided(self) -> tuple[str, ...]:
        return self.provides if self.convert.nifti else ("pairs",)

    def image_form(self) -> ImageForm:
        """Slices in Hounsfield units."""
        return ImageForm(self.convert.image_size, 1, "int16")

    def classes(self) -> list[str]:
        return [*PHASES]

    def covariates(self) -> tuple[str, ...]:
        """Of the scanner; NIfTI files do not say it."""
        return ("manufacturer", "kernel")

    def raw_paths(self) -> dict[str, list[Path]]:
        """As of every cohort, and the folder of the truth."""
        truth = {"convert.truth": [self.convert.truth]} if self.convert.truth else {}
        return super().raw_paths() | truth

    def shard_settings(self) -> CtConvert:
        return self.convert

    def trial_settings(self) -> CtConvert:
        """Slices as they are: some of a series make no volume."""
        alone = {"spacing_mm": None, "registration": None, "nifti": False, "truth": None}
        return self.convert.model_copy(update=alone)
