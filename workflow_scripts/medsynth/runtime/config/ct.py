"""Settings of CT series."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medsynth.runtime.config.base import RawPath, Settings, Split, TableLabel


class TagContrast(Settings):
    """Contrast phase read from the DICOM header (ContrastBolusAgent, descriptions)."""

    kind: Literal["tags"]


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
