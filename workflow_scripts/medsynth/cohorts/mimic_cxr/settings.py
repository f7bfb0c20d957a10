"""Settings of chest radiographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from medsynth.cohorts.mimic_cxr.wording import WORDS
from medsynth.cohorts.settings import CohortSettings, Findings, Several, TableColumns
from medsynth.runtime.settings import BurnedIn, Division, ImageForm, RawPath, Settings, Split
from medsynth.text.settings import ReportTexts

STUDY = ["subject_id", "study_id"]  # columns of the published tables
KEYS = [*STUDY, "dicom_id"]
VIEW = "ViewPosition"


def published_table(folder: Path, name: str) -> Path:
    """mimic-cxr-2.0.0-{name}.csv, or packed as .csv.gz, as it is published."""
    packed = folder / f"mimic-cxr-2.0.0-{name}.csv.gz"
    unpacked = packed.with_suffix("")
    return unpacked if unpacked.exists() else packed


class ViewLabel(Settings):
    """ViewPosition of mimic-cxr-2.0.0-metadata.csv.gz as the class."""

    kind: Literal["view"] = Field(description="the class is the ViewPosition")


class FindingLabel(Settings):
    """The positive ones among the findings listed as classes, as a labeler read the report."""

    kind: Literal["finding"] = Field(
        description="the classes are findings that a labeler read in the study's report"
    )
    labeler: Literal["chexpert", "negbio"] = Field(
        "chexpert", description="table mimic-cxr-2.0.0-chexpert.csv.gz or -negbio.csv.gz"
    )
    findings: Findings = Field(
        description="its columns, e.g. Cardiomegaly; an empty cell means that the report does not"
        " mention the finding, and counts as absent"
    )
    uncertain: Literal["exclude", "positive", "negative"] = Field(
        "exclude", description="what the labeler's -1 counts as"
    )
    several: Several = "use"


class CxrIndex(Settings):
    label: Annotated[ViewLabel | FindingLabel, Field(discriminator="kind")] = Field(
        description="class of each radiograph: its view, or a finding of its study"
    )
    views: list[str] = Field(["AP", "PA"], min_length=1, description="ViewPosition values to keep")
    shards: int = Field(2, ge=1, le=10_000, description="jobs the reading is divided into")


class CxrRead(Settings):
    image_size: int = Field(32, ge=8, le=4096, description="pixels, both sides")
    fit: Literal["pad", "crop", "stretch"] = Field(
        "pad",
        description="how a radiograph becomes square: black borders beside all of it (pad), its"
        " largest centred square (crop: lungs and angles at the ends of the longer side are lost),"
        " or all of it with its sides scaled apart (stretch: shapes are distorted)",
    )
    burned_in: BurnedIn = "exclude"


class CxrIndexing(CxrIndex):
    """What the index is made of: its settings, and where the published tables lie."""

    tables: RawPath | None = None  # in root


class CxrCohort(CohortSettings):
    """Chest radiographs of a MIMIC-CXR (DICOM) or MIMIC-CXR-JPG download."""

    folder: ClassVar = "medsynth.cohorts.mimic_cxr"
    tasks: ClassVar = ("generation", "reporting", "classification")
    words: ClassVar = WORDS
    single: ClassVar = "dicom"
    provides: ClassVar = ("reports", "texts")
    read_later: ClassVar = ("reports",)

    kind: Literal["mimic_cxr"] = Field(
        description="chest radiographs of MIMIC-CXR or MIMIC-CXR-JPG"
    )
    root: RawPath = Field(description="folder of files/, which holds the .dcm or .jpg images")
    tables: RawPath | None = Field(
        None,
        description="folder of the mimic-cxr-2.0.0-*.csv.gz tables, which come with MIMIC-CXR-JPG"
        " only; null: in root",
    )
    reports: RawPath | None = Field(
        None,
        description="mimic-cxr-reports.zip of MIMIC-CXR, or the folder it was unpacked to;"
        " null: reports are not read",
    )
    index: CxrIndex = Field(description="which radiographs are used, and their classes")
    read: CxrRead = Field(CxrRead(), description="how files become square 8-bit images")
    split: Division = Split()
    text: ReportTexts = Field(
        ReportTexts(), description="the text of a radiograph, out of its study's report"
    )

    def provided(self) -> tuple[str, ...]:
        return self.provides if self.reports else ()

    def image_form(self) -> ImageForm:
        """Radiographs in grey levels."""
        return ImageForm(self.read.image_size, 1, "uint8")

    def covariates(self) -> tuple[str, ...]:
        """MIMIC-CXR's tables hold neither age nor sex."""
        return ("view",)

    def classes(self) -> list[str]:
        label = self.index.label
        return self.index.views if isinstance(label, ViewLabel) else label.findings

    def several(self) -> bool:
        label = self.index.label
        return isinstance(label, FindingLabel) and label.several == "use"

    def index_settings(self) -> CxrIndexing:
        return CxrIndexing(**dict(self.index), tables=self.tables)

    def shard_settings(self) -> CxrRead:
        return self.read

    def raw_paths(self) -> dict[str, list[Path]]:
        """Those of every cohort, the published tables and the reports."""
        # The tables are asked for here, too: images are hashed for hours before a script is heard.
        return super().raw_paths() | {
            "tables (they come with MIMIC-CXR-JPG)": self._needed_tables(),
            "reports": [self.reports] if self.reports else [],
        }

    def tables_read(self) -> list[TableColumns]:
        """The published tables."""
        where, label = "tables" if self.tables else "root", self.index.label
        metadata, *findings = self._needed_tables()
        read = [TableColumns(metadata, [(where, heading) for heading in (*KEYS, VIEW)])]
        if isinstance(label, FindingLabel):
            named = [("index.label.findings", finding) for finding in label.findings]
            read.append(TableColumns(findings[0], [*((where, key) for key in STUDY), *named]))
        return read

    def optional_paths(self) -> list[Path]:
        """The table of splits; beside the tables may be half a terabyte of others' images."""
        return [self.tables or self.root, self._split_table()]

    def _needed_tables(self) -> list[Path]:
        label = self.index.label
        names = ["metadata", *([label.labeler] if isinstance(label, FindingLabel) else [])]
        return [published_table(self.tables or self.root, name) for name in names]

    def _split_table(self) -> Path:
        return published_table(self.tables or self.root, "split")
