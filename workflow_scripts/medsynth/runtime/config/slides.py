"""Settings of histology slides and the genotypes that label them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medsynth.runtime.config.base import Fraction, RawPath, Settings, Split, TableLabel


class GenotypeLabel(Settings):
    """WHO 2021 glioma classes, joined by case from mutation and copy-number tables."""

    kind: Literal["genotype"]


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
