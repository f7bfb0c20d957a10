"""Settings of a folder of images and the table that describes them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.cohorts.images.decoding_settings import ImagesRead
from medsynth.cohorts.images.table_settings import ImagesIndex
from medsynth.cohorts.images.wording import WORDS
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.cohorts.settings import CohortSettings, TableColumns
from medsynth.runtime.settings import Division, ImageForm, RawPath, Split
from medsynth.text.settings import TableTexts

CHANNELS = {"grey": 1, "rgb": 3}


class ImagesCohort(CohortSettings):
    """A folder of PNG, JPEG, TIFF, DICOM or NIfTI files and a table that describes them."""

    folder: ClassVar = "medsynth.cohorts.images"
    tasks: ClassVar = ("generation", "diagnosis", "reporting", "classification", "translation")
    words: ClassVar = WORDS
    single: ClassVar = "png"
    provides: ClassVar = ("texts", "patients", "pairs")
    read_later: ClassVar = ("patients",)

    kind: Literal["images"] = Field(description="image files and a table of yours")
    root: RawPath = Field(description="folder of the image files")
    index: ImagesIndex = Field(description="the table, and what its columns say")
    read: ImagesRead = Field(ImagesRead(), description="how files become square 8-bit images")
    split: Division = Split()
    text: TableTexts = Field(
        TableTexts(), description="the text of an image: index.columns.text, or made by a template"
    )

    patients: PatientTables | None = Field(
        None, description="tables with a row a patient: further modalities, survival"
    )

    @field_validator("read")
    @classmethod
    def _stacks_grey_files(cls, read: ImagesRead, info: ValidationInfo) -> ImagesRead:
        index = info.data.get("index")
        if index and isinstance(index.columns.file, dict) and read.channels != "grey":
            raise ValueError("files by role are stacked as grey images; set channels: grey")
        if index and isinstance(index.columns.domains, dict) and read.channels != "rgb":
            raise ValueError(
                "index.columns.domains are channels of colour files; set channels: rgb"
            )
        return read

    @field_validator("split")
    @classmethod
    def _follows_the_column(cls, split: Split, info: ValidationInfo) -> Split:
        if not (index := info.data.get("index")):
            return split
        if not (column := index.columns.split):
            if split.official:
                raise ValueError("official needs index.columns.split, the column of the splits")
            return split
        if "official" in split.model_fields_set and not split.official:
            raise ValueError(
                f"official: false, but index.columns.split names {column!r}; leave out one of them"
            )
        return split.model_copy(update={"official": True})

    @field_validator("text")
    @classmethod
    def _has_its_columns(cls, text: TableTexts, info: ValidationInfo) -> TableTexts:
        if not (index := info.data.get("index")):
            return text
        columns = index.columns
        if columns.text and text.template:
            raise ValueError("a template, but index.columns.text names a column; leave out one")
        others = [f"label_{name}" for name in (columns.labels or [])[1:]]
        there = [*columns.covariates, "label", *others]
        if strange := [name for name in text.places() if name not in there]:
            raise ValueError(
                f"the template names {', '.join(strange)}; there are: {', '.join(there)}."
                " Name further columns of the table in index.columns.covariates"
            )
        return text

    def provided(self) -> tuple[str, ...]:
        columns = self.index.columns
        asked = {
            "texts": bool(columns.text or self.text.template),
            "patients": bool(self.patients),
            "pairs": bool(columns.domains),
        }
        return tuple(made for made in self.provides if asked[made])

    def image_form(self) -> ImageForm:
        """Grey images, colours, or a channel a role."""
        files, channels = self.index.columns.file, self.read.channels
        if self.index.columns.domains:
            number = 1
        elif isinstance(files, dict):
            number = len(files)
        else:
            number = len(channels) if isinstance(channels, dict) else CHANNELS[channels]
        return ImageForm(self.read.image_size, number, "uint8")

    def covariates(self) -> tuple[str, ...]:
        return tuple(self.index.columns.covariates)

    def label_kind(self) -> str:
        columns = self.index.columns
        return "findings" if columns.findings else "channels" if columns.domains else "table"

    def label_heading(self) -> str | None:
        return next(iter(self.index.columns.labels or []), None)

    def classes(self) -> list[str]:
        return self.index.columns.findings or [*self.index.columns.channel_of()]

    def several(self) -> bool:
        return bool(self.index.columns.findings) and self.index.several == "use"

    def shard_settings(self) -> ImagesRead:
        return self.read

    def tables_read(self) -> list[TableColumns]:
        named = [(f"index.columns.{key}", heading) for key, heading in self.index.columns.named()]
        named += [("index.keep", heading) for heading in self.index.keep]
        beside = self.index.patients
        theirs = beside.columns if beside else []
        own = TableColumns(self.index.table, [one for one in named if one[1] not in theirs])
        second = []
        if beside:
            headings = [("index.patients.columns", heading) for heading in theirs]
            headings += [("index.patients.key", beside.key)]
            second = [TableColumns(beside.table, headings)]
        of_patients = self.patients.headings() if self.patients else []
        return [own, *second, *(TableColumns(*one) for one in of_patients)]

    def raw_paths(self) -> dict[str, list[Path]]:
        """The folder, the table, and those of patients."""
        of_patients = self.patients.paths() if self.patients else {}
        beside = self.index.patients
        second = {"index.patients.table": [beside.table]} if beside else {}
        return {"root": [self.root], "index.table": [self.index.table], **second, **of_patients}
