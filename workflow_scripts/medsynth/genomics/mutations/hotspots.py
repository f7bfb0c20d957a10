"""The codons of IDH1 and IDH2 that decide a glioma's class, and where they lie in the genome.

WHO 2021 asks for the residues whose change makes the enzyme produce 2-hydroxyglutarate: IDH1 R132
and IDH2 R172; IDH2 R140 does the same, in leukaemias and seldom in gliomas.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Symbol, Entrez and Ensembl number of the genes (https://www.genenames.org, HGNC:5382, HGNC:5383).
GENES = {
    "IDH1": ("IDH1", "3417", "ENSG00000138413"),
    "IDH2": ("IDH2", "3418", "ENSG00000182054"),
}


class Hotspot(NamedTuple):
    """A codon: its bases on the coding strand, and on either build its first base of three.

    Both genes lie on the minus strand, so that the codon's first base is its last in the genome.
    Places: IDH1 c.395G>A (R132H) is chr2:g.209113112C>T (hg19) and chr2:g.208248388C>T (hg38),
    IDH2 c.515G>A (R172K) chr15:g.90631838C>T and chr15:g.90088606C>T, IDH2 c.419G>A (R140Q)
    chr15:g.90631934C>T and chr15:g.90088702C>T (COSMIC, ClinVar; those of R132 and R172 agree with
    all 427 hotspot mutations of MC3's lower-grade gliomas). `others` are the codon's numbers in
    other transcripts (NM_001289910 and NM_001290114 of IDH2 lack 52 and 130 residues).
    """

    gene: str
    residue: int
    codon: str
    first: dict[str, int]
    others: tuple[int, ...] = ()


HOTSPOTS = [
    Hotspot("IDH1", 132, "CGT", {"hg19": 209_113_111, "hg38": 208_248_387}),
    Hotspot("IDH2", 140, "CGG", {"hg19": 90_631_933, "hg38": 90_088_701}, (88, 10)),
    Hotspot("IDH2", 172, "AGG", {"hg19": 90_631_837, "hg38": 90_088_605}, (120, 42)),
]
# Chromosome, first and last base of the genes: UCSC, refGene of either build.
PLACES = {
    "IDH1": ("2", {"hg19": (209_100_951, 209_130_798), "hg38": (208_236_227, 208_266_074)}),
    "IDH2": ("15", {"hg19": (90_626_277, 90_645_736), "hg38": (90_083_045, 90_102_554)}),
}
# NCBI_Build without letter case, blanks, points, hyphens and underscores.
BUILDS = {
    **dict.fromkeys(["hg19", "grch37", "37", "b37", "hs37d5", "grch37lite", "ncbi37"], "hg19"),
    **dict.fromkeys(["hg38", "grch38", "38", "b38", "grch38d1vd1", "ncbi38"], "hg38"),
}


BASES = "TCAG"
ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"  # standard code, NCBI 1
COMPLEMENT = str.maketrans("ACGT", "TGCA")
ELSEWHERE = Hotspot("", 0, "", {})


def hotspots_of(gene: str) -> list[Hotspot]:
    return [hotspot for hotspot in HOTSPOTS if hotspot.gene == gene]


def gene_at(chromosome: str, start: float, build: str) -> str | None:
    """The gene over a base, of either build if none is said; null if it is none of both."""
    stated = build_of(build)
    for gene, (name, spans) in PLACES.items():
        if chromosome_of(chromosome) == name:
            there = [spans[stated]] if stated else spans.values()
            if any(first <= start <= last for first, last in there):
                return gene
    return None


def hotspot_at(gene: str, chromosome: str, start: float, end: float, build: str) -> Hotspot | None:
    """The hotspot that bases of a gene touch, ELSEWHERE in the gene, or null if that is unknown.

    Args:
        gene: "IDH1" or "IDH2".
        chromosome, build: as tables write them; an unknown build is told by the gene's places,
            which do not overlap.
        start, end: first and last base, 1-based; NaN if not known.
    """
    name, spans = PLACES[gene]
    if chromosome_of(chromosome) != name:
        return None
    end = end if end >= start else start
    stated = build_of(build)
    for build in [stated] if stated else spans:
        first, last = spans[build]
        if first <= start <= end <= last:
            touched = (
                hotspot
                for hotspot in hotspots_of(gene)
                if start <= hotspot.first[build] + 2 and end >= hotspot.first[build]
            )
            return next(touched, ELSEWHERE)
    return None


def residue_of(hotspot: Hotspot, start: float, reference: str, allele: str) -> str | None:
    """The residue (one letter, * for a stop) that an exchange of bases makes of the hotspot's.

    Args:
        start: first base of the alleles.
        reference, allele: bases on the genome's forward strand.

    Returns:
        Null if the alleles are not as long as each other or end before the codon, or the
        reference is not the genome's (of the other strand, counted from 0, another build).
    """
    if len(reference) != len(allele) or not re.fullmatch("[ACGT]+", reference + allele):
        return None
    near = (f for f in hotspot.first.values() if -len(reference) < start - f < 3)
    if (first := next(near, None)) is None:
        return None
    bases = list(hotspot.codon.translate(COMPLEMENT)[::-1])
    for place, (old, new) in enumerate(zip(reference, allele, strict=True), int(start) - first):
        if 0 <= place < 3:
            if bases[place] != old:
                return None
            bases[place] = new
    return translate("".join(bases)[::-1].translate(COMPLEMENT))


def translate(codon: str) -> str:
    """The residue of a codon, one letter, * for a stop."""
    one, two, three = (BASES.index(base) for base in codon)
    return ACIDS[16 * one + 4 * two + three]


def chromosome_of(text: str) -> str:
    """ "2" of ``chr2``, ``Chr 2``, ``2.0``."""
    return re.sub(r"^chr(?:omosome)?[\s_]*|\.0$", "", text.strip().lower()).upper()


def build_of(text: str) -> str | None:
    """ "hg19" or "hg38" of any name of theirs, else null."""
    return BUILDS.get(re.sub(r"[\s_.\-]", "", text.lower()))
