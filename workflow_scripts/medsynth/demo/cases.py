"""The glioma cases that the slides and the genomic tables of the demo share."""

from __future__ import annotations

from dataclasses import dataclass

SUBTYPES = ("IDH-wildtype", "IDH-mutant non-codeleted", "IDH-mutant codeleted")
VARIANTS = (("IDH1", "p.R132H"), ("IDH1", "p.R132H"), ("IDH1", "p.R132C"), ("IDH2", "p.R172K"))


@dataclass(frozen=True)
class Case:
    """One patient; `subtype` is the truth that is drawn, `evidence` says which tables tell it.

    evidence: "sequencing" (MAF and segments), "assays" (clinical table only) or "none".
    """

    barcode: str
    subtype: str
    variant: tuple[str, str] | None
    evidence: str


def glioma_cases(count: int) -> list[Case]:
    """`count` cases, subtypes in turn; the last has no evidence, the one before it only assays.

    Their tissue source site ZZ stands for no hospital, so they cannot be taken for real ones.
    """
    cases = []
    for number in range(count):
        subtype = SUBTYPES[number % len(SUBTYPES)]
        variant = None
        if subtype != "IDH-wildtype":
            variant = VARIANTS[number // len(SUBTYPES) % len(VARIANTS)]
        evidence = {count - 2: "assays", count - 1: "none"}.get(number, "sequencing")
        if evidence == "assays" and variant:
            variant = VARIANTS[0]  # the only one that the stain sees
        cases.append(Case(f"TCGA-ZZ-D{number:03d}", subtype, variant, evidence))
    return cases
