"""Settings of histology slides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.cohorts.patients.settings import PatientTables
from medsynth.cohorts.settings import CohortSettings, TableColumns
from medsynth.cohorts.slides.wording import WORDS
from medsynth.genomics.settings import AUTO, Genotypes
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.runtime.settings import (
    Division,
    Glob,
    ImageForm,
    RawPath,
    Settings,
    Split,
    TableLabel,
)


class GenotypeLabel(Settings):
    """WHO 2021 glioma classes, joined by case from mutation and copy-number tables."""

    kind: Literal["genotype"] = Field(
        description="the class is called from the tables of the cohort's group genotypes"
    )


class SlideTable(TableLabel):
    """Of the classes in the table some may be left out."""

    keep: list[str] | None = Field(
        None,
        min_length=2,
        description="classes to use, others are excluded; null: all. Needed where some have fewer"
        " than min_patients patients",
    )


class SlideIndex(Settings):
    label: Annotated[SlideTable | GenotypeLabel, Field(discriminator="kind")] = Field(
        description="class of each slide: from a table of yours, or by genotype"
    )
    pattern: Glob = Field("**/*", description="glob of slide files below root")
    shards: int = Field(2, ge=1, le=10_000, description="jobs the tiling is divided into")


class Stain(Settings):
    """Every slide's colours are mapped to those of the typical training slide."""

    method: Literal["none", "macenko", "reinhard"] = Field(
        "none", description="Macenko 2009 (optical density) or Reinhard 2001 (CIELAB)"
    )
    tiles_per_slide: int = Field(
        16, ge=1, le=1_000_000, description="training tiles a slide to fit to"
    )


class SlideCohort(CohortSettings):
    """Histology slides as the GDC names them."""

    folder: ClassVar = "medsynth.cohorts.slides"
    tasks: ClassVar = ("generation", "classification", "diagnosis")
    words: ClassVar = WORDS
    single: ClassVar = "png"
    shard_threads: ClassVar = 2  # decoding
    provides: ClassVar = ("genotypes", "patients", "stain")
    read_later: ClassVar = ("genotypes", "patients")

    kind: Literal["slides"] = Field(description="histology slides")
    root: RawPath = Field(description="folder of slides")
    index: SlideIndex = Field(description="which slides are used, and their classes")
    tiles: SlideTiles = Field(SlideTiles(), description="how slides are cut, and which tiles count")
    stain: Stain = Field(Stain(), description="how colours of different slides are made alike")
    genotypes: Genotypes | None = Field(
        None, description="tables that label kind genotype needs; other labels do not use them"
    )
    split: Division = Split()
    patients: PatientTables | None = Field(
        None, description="tables with a row a patient: further modalities, survival"
    )

    @field_validator("genotypes")
    @classmethod
    def _are_given_for_genotypes(
        cls, genotypes: Genotypes | None, info: ValidationInfo
    ) -> Genotypes | None:
        index = info.data.get("index")
        if index and index.label.kind == "genotype" and genotypes is None:
            raise ValueError("label kind 'genotype' needs a genotypes: group with maf and segments")
        return genotypes

    def provided(self) -> tuple[str, ...]:
        asked = {
            "genotypes": self.label_kind() == "genotype",
            "patients": self.patients is not None,
            "stain": self.stain.method != "none",
        }
        return tuple(made for made in self.provides if asked[made])

    def pixel_um(self) -> float:
        return self.tiles.mpp

    def classes(self) -> list[str]:
        label = self.index.label
        return (label.keep or []) if isinstance(label, SlideTable) else []

    def image_form(self) -> ImageForm:
        """Tiles in colour."""
        return ImageForm(self.tiles.image_size, 3, "uint8")

    def shard_settings(self) -> SlideTiles:
        return self.tiles

    def tables_read(self) -> list[TableColumns]:
        """Those of every cohort and of patients, and the clinical table's that are named."""
        genotypes = self.genotypes
        of_patients = self.patients.headings() if self.patients else []
        found = [*super().tables_read(), *(TableColumns(*one) for one in of_patients)]
        if not (genotypes and genotypes.clinical):
            return found
        named = [
            (f"genotypes.columns.{part}", heading)
            for part, written in genotypes.columns.model_dump().items()
            if written and written != AUTO
            for heading in ([written] if isinstance(written, str) else written)
        ]
        clinical = [TableColumns(genotypes.clinical, named)] if named else []
        return [*found, *clinical]

    def trial_settings(self) -> SlideTiles:
        """A few tiles, sharp or not."""
        few = {"max_tiles": min(4, self.tiles.max_tiles), "min_sharpness": None}
        return self.tiles.model_copy(update=few)

    def raw_paths(self) -> dict[str, list[Path]]:
        """Those of every cohort, the genotype tables, and those of patients."""
        paths, tables = super().raw_paths(), self.genotypes
        if tables:
            paths |= {"genotypes.maf": tables.maf, "genotypes.segments": tables.segments}
            single = {"clinical": tables.clinical, "coverage": tables.coverage}
            paths |= {f"genotypes.{k}": [p] for k, p in single.items() if isinstance(p, Path)}
        return paths | (self.patients.paths() if self.patients else {})
