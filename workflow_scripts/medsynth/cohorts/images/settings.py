"""Settings of a folder of images and the table that describes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from medsynth.cohorts.images.wording import WORDS
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.cohorts.settings import CohortSettings, Findings, Several, TableColumns
from medsynth.runtime.settings import (
    BurnedIn,
    Division,
    Glob,
    ImageForm,
    Name,
    RawPath,
    Settings,
    Split,
)
from medsynth.text.settings import TableTexts

# What the manifest calls its own columns, or columns of the table that have a key of their own.
RESERVED = {
    *("item_id", "source", "source_sha256", "source_bytes", "patient", "group", "label", "split"),
    *("shard", "row", "status", "reason", "detail", "split_hint", "text", "slice", "frame", "mask"),
    *("image", "domain", "channel"),
}
COLOURS = ("red", "green", "blue")
CHANNELS = {"grey": 1, "rgb": 3}
Role = Name
Labels = Annotated[
    list[str],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
    Field(min_length=1),
]


class ImageColumns(Settings):
    """What the table calls its columns: the headings of its first line."""

    file: str | dict[Role, str] = Field(
        description="column of the image file: its path below root or its bare name, with or"
        " without its suffix; or several columns by role, as {before: t1, after: t1_gd}: files of"
        " the same size, which become the channels of one image"
    )
    patient: str | None = Field(
        None,
        description="column of the patient, whose images are kept in one split; null only with"
        " one_image_one_patient",
    )
    labels: Labels | None = Field(
        None,
        description="column of the class, or a list of columns: the first is the class, the"
        " others are kept in the manifest as label_NAME; rows without a class, or whose cell says"
        " NA, None, unknown or the like, are excluded",
    )
    domains: dict[Role, Literal["red", "green", "blue"]] | tuple[Role, Role] | None = Field(
        None,
        description="instead of labels, for translation: two channels of colour files, as {before:"
        " red, after: blue}, or two roles of file, as [before, after]. Every image becomes one of"
        " each, with that channel alone, and the two are a pair",
    )
    findings: Findings | None = Field(
        None,
        description="instead of labels: columns that say 1, 0 or yes, no, each of a finding, whose"
        " headings are the classes; what is uncertain (-1) or empty is not known, see uncertain and"
        " empty. An image without any of them is excluded; make healthy ones a class, as No"
        " Finding",
    )
    group: str | None = Field(
        None, description="column of the study or series; null: all images of a patient are one"
    )
    text: str | None = Field(None, description="column of a text about the image, kept as text")
    mask: str | None = Field(
        None,
        description="column of the mask's file (PNG, TIFF or NIfTI, inside is what is not 0; an"
        " empty cell: none). It must have the image's size and, of NIfTI files, place; a mask of"
        " several patients is refused unless it is empty or full; path and share inside are"
        " kept in the manifest, the mask beside the image",
    )
    mask_suffix: str | None = Field(
        None,
        min_length=1,
        description="instead of mask: what stands after the name of an image in that of its mask,"
        " as _mask of a_mask.png; an image beside which there is no such file has none",
    )
    slice: str | None = Field(
        None,
        description="column of the slice in a 3-D NIfTI file, its third axis counted from 0; of"
        " further roles and the mask, the slice is taken that lies at the same place",
    )
    frame: str | None = Field(
        None,
        description="column of the frame in a 4-D NIfTI file, counted from 0; a mask of one frame"
        " is that of all",
    )
    split: str | None = Field(
        None,
        description="column that says train, validate or test, the same for all images of a"
        " patient; it is then used instead of a random division",
    )
    covariates: dict[Name, str] = Field(
        {},
        description="further columns kept in the manifest, by name: age in years and sex (female,"
        " male) are understood, and what cannot be is null and counted; others stay as they are",
    )

    @field_validator("mask_suffix")
    @classmethod
    def _is_the_only_mask(cls, suffix: str | None, info: ValidationInfo) -> str | None:
        if suffix and info.data.get("mask"):
            raise ValueError("give mask, a column, or mask_suffix: one of both")
        return suffix

    @field_validator("findings")
    @classmethod
    def _are_the_classes(cls, findings: list[str] | None, info: ValidationInfo) -> list[str] | None:
        if {"labels", "domains"} <= info.data.keys():
            given = [findings, info.data["labels"], info.data["domains"]]
            if sum(one is not None for one in given) != 1:
                raise ValueError(
                    "give labels, the column of the class, or findings, yes-or-no columns, or"
                    " domains, channels to translate: one of them"
                )
        return findings

    @field_validator("domains")
    @classmethod
    def _are_two(cls, domains: Any, info: ValidationInfo) -> Any:
        file = info.data.get("file")
        if domains is not None and len({*domains}) != 2:
            raise ValueError("name two domains, each with another name")
        if isinstance(domains, dict) and (len({*domains.values()}) != 2 or isinstance(file, dict)):
            raise ValueError("name two different channels of one file")
        if isinstance(domains, tuple) and not (isinstance(file, dict) and {*domains} <= {*file}):
            raise ValueError("name two roles of file, or channels of one file: {before: red, …}")
        return domains

    @field_validator("file")
    @classmethod
    def _has_two_or_three_roles(cls, file: str | dict[str, str]) -> str | dict[str, str]:
        if isinstance(file, dict) and len(file) not in (2, 3):
            raise ValueError("name two or three roles, or one column of the files")
        return file

    @field_validator("covariates")
    @classmethod
    def _have_free_names(cls, covariates: dict[str, str]) -> dict[str, str]:
        for name in covariates:
            if (
                name in RESERVED
                or name.startswith(("label_", "source_", "mask_"))
                or (name.endswith("_sha256"))
            ):
                raise ValueError(f"{name!r} is a column of the manifest; call the covariate else")
        return covariates

    def channel_of(self) -> dict[str, int]:
        """The channel of every domain in the image that is read, A first; {} without domains."""
        if isinstance(self.domains, dict):
            return {name: COLOURS.index(colour) for name, colour in self.domains.items()}
        return {name: [*self.file].index(name) for name in self.domains or ()}

    @property
    def masked(self) -> bool:
        """Whether images may have masks."""
        return bool(self.mask or self.mask_suffix)

    def sources(self) -> dict[str, str]:
        """Heading of the column of every file of an item by the manifest's column; first comes the
        one after which the item is named."""
        if isinstance(self.file, str):
            return {"source": self.file}
        first, *others = self.file
        return {"source": self.file[first]} | {f"source_{r}": self.file[r] for r in others}

    def named(self) -> list[tuple[str, str]]:
        """All the columns that the table must have, each with the key that names it."""
        found = [("file", heading) for heading in self.sources().values()]
        for key in ("labels", "findings"):
            found += [(key, heading) for heading in getattr(self, key) or []]
        found += [(f"covariates.{name}", heading) for name, heading in self.covariates.items()]
        single = ("patient", "group", "text", "mask", "slice", "frame", "split")
        return found + [(key, heading) for key in single if (heading := getattr(self, key))]

    def headings(self) -> list[str]:
        """All the columns that the table must have."""
        return [heading for _, heading in self.named()]


class PatientColumns(Settings):
    """A second table, with a row a patient, that says what the images' table does not."""

    table: RawPath = Field(description="CSV or TSV file with one row a patient, and a header")
    key: str = Field(description="its column of the patient, written as in columns.patient")
    columns: list[str] = Field(
        min_length=1,
        description="headings of it that the images of a patient get, as if they were columns of"
        " the images' table; null where it does not know the patient",
    )


class ImagesIndex(Settings):
    table: RawPath = Field(description="CSV or TSV file with one row an image, and a header")
    columns: ImageColumns = Field(description="which columns of the table say what")
    patients: PatientColumns | None = Field(
        None, description="columns of a second table that has a row a patient"
    )
    several: Several = "use"
    uncertain: Literal["exclude", "positive", "negative"] = Field(
        "exclude", description="what a finding counts as of which the table says -1 or uncertain"
    )
    empty: Literal["exclude", "negative"] = Field(
        "exclude",
        description="what a finding counts as whose cell is empty, or says NA, unknown or the like:"
        " not known, and the image is excluded, or absent, as in CheXpert's tables, where empty"
        " means that the report does not mention it",
    )
    one_image_one_patient: bool = Field(
        False,
        description="true states that no two images are of one patient, where the table has no"
        " column of patients; if that is wrong, models are tested on patients they were trained on",
    )
    keep: dict[str, list[str]] = Field(
        {},
        description="rows to use, by column and its values, as {has_postcontrast: ['True']};"
        " others are excluded",
    )
    pattern: Glob = Field(
        "**/*", description="glob of files below root among which names are sought"
    )
    shards: int = Field(2, ge=1, le=10_000, description="jobs the reading is divided into")

    @field_validator("patients")
    @classmethod
    def _have_a_key(
        cls, patients: PatientColumns | None, info: ValidationInfo
    ) -> PatientColumns | None:
        columns = info.data.get("columns")
        if patients and columns and not columns.patient:
            raise ValueError("needs columns.patient, the patient of each image; name that column")
        return patients

    @field_validator("one_image_one_patient")
    @classmethod
    def _knows_patients(cls, alone: bool, info: ValidationInfo) -> bool:
        columns = info.data.get("columns")
        if columns and not columns.patient and not alone:
            table = info.data.get("table", "the table")
            raise ValueError(
                f"nobody says whose the images of {table} are: name the column of the patient as"
                " columns.patient, or state one_image_one_patient: true"
            )
        if columns and columns.patient and alone:
            raise ValueError(
                f"columns.patient is {columns.patient!r}, too; leave out one of the two"
            )
        return alone


class ImagesRead(Settings):
    image_size: int = Field(32, ge=8, le=4096, description="pixels, both sides")
    channels: Literal["grey", "rgb"] | dict[Role, Literal["red", "green", "blue"]] = Field(
        "grey",
        description="grey, which colour images are refused for unless their channels are equal;"
        " rgb; or channels of colour files by role, as {flair: green}. DICOM and NIfTI files are"
        " read as grey only",
    )
    grey_as_rgb: bool = Field(
        False, description="repeat grey images three times for channels rgb; false refuses them"
    )
    window: tuple[float, float] | None = Field(
        None,
        description="values that become black and white, for files of more than 8 bits (HU of"
        " CT); files of 8 bits are then refused. null: PNG and TIFF by the full range of 16 bits,"
        " DICOM by its own window or else the range of its pixels, NIfTI by cal_min and cal_max",
    )
    fit: Literal["pad", "crop", "stretch"] = Field(
        "pad",
        description="how an image becomes square: black borders (pad), its largest centred square"
        " (crop), or with its sides scaled apart (stretch: shapes are distorted)",
    )
    burned_in: BurnedIn = "exclude"

    @field_validator("channels")
    @classmethod
    def _differ(cls, channels: Any) -> Any:
        if isinstance(channels, dict) and (
            not channels or len(set(channels.values())) < len(channels)
        ):
            raise ValueError("name one to three roles, each a channel of its own")
        return channels

    @field_validator("grey_as_rgb")
    @classmethod
    def _is_for_rgb(cls, repeat: bool, info: ValidationInfo) -> bool:
        if repeat and info.data.get("channels", "rgb") != "rgb":
            raise ValueError("grey_as_rgb needs channels: rgb; correct one of the two")
        return repeat

    @field_validator("window")
    @classmethod
    def _rises(cls, window: tuple[float, float] | None) -> tuple[float, float] | None:
        if window and window[0] >= window[1]:
            raise ValueError(f"black {window[0]:g} must be below white {window[1]:g}")
        return window


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
