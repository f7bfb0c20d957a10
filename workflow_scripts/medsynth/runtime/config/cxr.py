"""Settings of chest radiographs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medsynth.runtime.config.base import RawPath, Settings, Split


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
