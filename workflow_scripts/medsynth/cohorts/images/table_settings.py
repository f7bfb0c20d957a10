"""Settings of the table that describes the images: what its columns say, and which rows to use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from medsynth.cohorts.images.decoding_settings import COLOURS, Role
from medsynth.cohorts.settings import Findings, Several
from medsynth.runtime.settings import Glob, Name, RawPath, Settings

# What the manifest calls its own columns, or columns of the table that have a key of their own.
RESERVED = {
    *("item_id", "source", "source_sha256", "source_bytes", "patient", "group", "label", "split"),
    *("shard", "row", "status", "reason", "detail", "split_hint", "text", "slice", "frame", "mask"),
    *("image", "domain", "channel"),
}
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
