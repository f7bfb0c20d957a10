"""Settings of histology slides and the genotypes that label them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.runtime.settings import Division, Fraction, Glob, RawPath, Settings, Split, TableLabel


class GenotypeLabel(Settings):
    """WHO 2021 glioma classes, joined by case from mutation and copy-number tables."""

    kind: Literal["genotype"] = Field(
        description="the class is called from the tables of the cohort's group genotypes"
    )


class SlideIndex(Settings):
    label: Annotated[TableLabel | GenotypeLabel, Field(discriminator="kind")] = Field(
        description="class of each slide: from a table of yours, or by genotype"
    )
    pattern: Glob = Field("**/*", description="glob of slide files below root")
    shards: int = Field(2, ge=1, description="jobs the tiling is divided into")


class SlideTiles(Settings):
    image_size: int = Field(32, ge=8, description="tile side in pixels")
    mpp: float = Field(1.0, gt=0, description="microns per pixel of the tiles")
    assume_mpp: float | None = Field(
        None,
        ge=0.05,
        le=10,
        description="microns per pixel of slides that state none, or a display's (72, 96, 300 dots"
        " an inch), and no objective power; never in place of a resolution that they state;"
        " null quarantines them",
    )
    min_tissue: Fraction = Field(0.5, description="least share of tissue in a tile")
    max_pen: Fraction = Field(0.1, description="largest share of pen marks in a tile")
    min_sharpness: float | None = Field(
        None,
        gt=0,
        description="least variance of the Laplacian of a tile's grey levels; at 0.5 um a pixel"
        " sharp tissue lies above 200, tissue 1 um out of focus below 60; null keeps blurred tiles",
    )
    max_tiles: int = Field(64, ge=1, description="tiles taken from one slide, evenly spread")


class Stain(Settings):
    """Every slide's colours are mapped to those of the typical training slide."""

    method: Literal["none", "macenko", "reinhard"] = Field(
        "none", description="Macenko 2009 (optical density) or Reinhard 2001 (CIELAB)"
    )
    tiles_per_slide: int = Field(16, ge=1, description="training tiles a slide to fit to")


AUTO = "auto"
SAMPLE_SHEETS = "gdc_sample_sheet*.tsv"  # of a GDC cart: whose the files are


class AssayColumns(Settings):
    """How the clinical table calls its columns: a heading; auto, for the usual ones of TCGA, the
    GDC, cBioPortal and GLASS; null, to leave the column out."""

    case: str = Field(AUTO, description="TCGA barcode of the case or sample")
    ihc: str | None = Field(AUTO, description="stain with the R132H antibody: positive, negative")
    fish: str | tuple[str, str] | None = Field(
        AUTO,
        description="1p/19q by FISH: codeleted, intact, 1p only, 19q only;"
        " or two columns, of 1p and of 19q: loss, intact",
    )
    pcr_loh: str | tuple[str, str] | None = Field(
        AUTO,
        description="1p/19q by PCR of microsatellites: loh, no loh, partial;"
        " or two columns, of 1p and of 19q",
    )
    idh: str | None = Field(
        AUTO, description="IDH as published: Mutant, WT, IDHmut, IDHmut-codel, R132H and the like"
    )
    codeletion: str | None = Field(
        AUTO, description="1p/19q as published: codel, noncodel, IDHmut-codel, intact and the like"
    )
    age: str | None = Field(
        AUTO,
        description="age at diagnosis; the unit by the cell's words, the heading, or how large"
        " the values are (12775 of the GDC's age_at_diagnosis are days)",
    )


class Genotypes(Settings):
    """Where the mutation, copy-number and clinical tables are, and how calls are made of them."""

    maf: list[RawPath] = Field([], description="MAF files or folders of them")
    coverage: Literal["exome", "unknown"] | RawPath = Field(
        "exome",
        description="what the MAF files cover: exome, unknown, or the file of a targeted panel"
        " (BED, or its genes). Without a mutation only samples whose IDH1 R132 and IDH2 R172 are"
        " covered are wildtype",
    )
    segments: list[RawPath] = Field([], description="segment files or folders")
    build: Literal["hg19", "hg38"] = Field(
        "hg38", description="genome build of the segments, and of a panel in BED form"
    )
    clinical: RawPath | None = Field(
        None, description="clinical and assay table (IHC, FISH, PCR-LOH), CSV or TSV"
    )
    columns: AssayColumns = Field(
        AssayColumns(), description="how the clinical table calls its columns"
    )
    loss_threshold: float = Field(
        -0.2,
        lt=0,
        description="log2 ratio to the tumour's own level that counts as loss; one copy of two"
        " passes -0.2 from 26 % tumour cells on",
    )
    arm_fraction: Fraction = Field(0.7, description="share of an arm that must be lost")
    ihc_wildtype_age: float | None = Field(
        55,
        ge=0,
        description="years from which a negative stain alone means IDH-wildtype (WHO 2021 asks no"
        " sequencing of glioblastomas from 55 on); younger or of unknown age: unknown; null: never",
    )
    idh_order: list[Literal["sequencing", "ihc", "published"]] = Field(
        ["sequencing", "ihc", "published"],
        description="assays of IDH, the one that decides first; those left out are not used",
    )
    codeletion_order: list[Literal["copy_number", "fish", "pcr_loh", "published"]] = Field(
        ["copy_number", "fish", "pcr_loh", "published"],
        description="assays of 1p/19q, the one that decides first; those left out are not used",
    )
    conflicts: Literal["prefer", "exclude"] = Field(
        "prefer", description="cases whose assays disagree: prefer the first one, or no class"
    )

    @field_validator("columns")
    @classmethod
    def _have_evidence_of_idh(cls, columns: AssayColumns, info: ValidationInfo) -> AssayColumns:
        tables = info.data
        told = tables["clinical"] and (columns.ihc or columns.idh) if "clinical" in tables else True
        if not (tables.get("maf", True) or told):
            raise ValueError("nothing tells IDH: give maf, or clinical with a column ihc or idh")
        return columns

    @field_validator("idh_order", "codeletion_order")
    @classmethod
    def _names_each_assay_once(cls, order: list[str]) -> list[str]:
        if not order or len(set(order)) < len(order):
            raise ValueError("idh_order and codeletion_order name each assay once")
        return order


class SlideCohort(Settings):
    """Histology slides as the GDC names them."""

    kind: Literal["slides"] = Field(description="histology slides")
    root: RawPath = Field(description="folder of slides")
    index: SlideIndex = Field(description="which slides are used, and their classes")
    tiles: SlideTiles = Field(SlideTiles(), description="how slides are cut, and which tiles count")
    stain: Stain = Field(Stain(), description="how colours of different slides are made alike")
    genotypes: Genotypes | None = Field(
        None, description="tables that label kind genotype needs; other labels do not use them"
    )
    split: Division = Split()

    @field_validator("genotypes")
    @classmethod
    def _are_given_for_genotypes(
        cls, genotypes: Genotypes | None, info: ValidationInfo
    ) -> Genotypes | None:
        index = info.data.get("index")
        if index and index.label.kind == "genotype" and genotypes is None:
            raise ValueError("label kind 'genotype' needs a genotypes: group with maf and segments")
        return genotypes
