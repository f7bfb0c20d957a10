"""Settings of the tables that tell a glioma's genotype."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.runtime.settings import Fraction, RawPath, Settings

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
        le=150,
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
