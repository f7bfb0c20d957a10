"""The words of mutation tables: variant classes, and protein and coding changes.

Classes: GDC's MAF (https://docs.gdc.cancer.gov/Data/File_Formats/MAF_Format/), Sequence Ontology
as VEP and SnpEff write it, Funcotator, ANNOVAR and cBioPortal. Changes: HGVS
(https://hgvs-nomenclature.org), in full or as tables shorten them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from medsynth.genomics.mutations.hotspots import hotspots_of, translate

# Variant classes without letter case, blanks, hyphens and underscores.
SYNONYMOUS, UNTRANSLATED, SUBSTITUTION, CUT, OTHER = "same", "outside", "other", "cut", "changed"
CLASSES = {
    **dict.fromkeys(
        [
            "silent",
            "silentmutation",
            "synonymous",
            "synonymousvariant",
            "synonymousmutation",
            "synonymoussnv",
        ]
        + ["synonymouscoding", "stopretained", "stopretainedvariant", "startretainedvariant"]
        + ["codingsilent", "synonymoussubstitution", "substitutioncodingsilent"],
        SYNONYMOUS,
    ),
    **dict.fromkeys(
        ["intron", "intronic", "intronvariant", "igr", "intergenic", "intergenicvariant"]
        + ["intergenicregion", "intragenic", "intragenicvariant", "rna", "lincrna", "ncrna"]
        + ["ncrnaexonic", "ncrnaintronic", "noncodingexonvariant", "noncodingtranscriptvariant"]
        + ["noncodingtranscriptexonvariant", "3'utr", "5'utr", "3utr", "5utr", "utr3", "utr5"]
        + ["threeprimeutr", "fiveprimeutr", "3primeutrvariant", "5primeutrvariant"]
        + ["3'flank", "5'flank", "3flank", "5flank", "threeprimeflank", "fiveprimeflank"]
        + ["upstream", "downstream", "upstreamgenevariant", "downstreamgenevariant"]
        + ["nmdtranscriptvariant", "utr3prime", "utr5prime", "maturemirnavariant"]
        + ["regulatoryregionvariant", "tfbindingsitevariant"],
        UNTRANSLATED,
    ),
    **dict.fromkeys(
        ["missense", "missensemutation", "missensevariant", "nonsynonymous", "nonsynonymoussnv"]
        + ["nonsynonymouscoding", "nonsynonymousvariant", "missensesnv", "substitutionmissense"],
        SUBSTITUTION,
    ),
    **dict.fromkeys(
        ["nonsense", "nonsensemutation", "stopgain", "stopgained", "substitutionnonsense"]
        + ["frameshift", "frameshiftdel", "frameshiftins", "frameshiftdeletion"]
        + ["frameshiftinsertion", "frameshiftvariant", "frameshiftblocksubstitution"]
        + ["frameshiftsubstitution", "truncating", "truncatingmutation"],
        CUT,
    ),
    # Known, and they change the protein in some way; whether at a hotspot, they do not say.
    **dict.fromkeys(
        ["inframedel", "inframeins", "inframedeletion", "inframeinsertion", "nonstopmutation"]
        + ["nonframeshiftdeletion", "nonframeshiftinsertion", "nonframeshiftsubstitution"]
        + ["splicesite", "splicing", "spliceregion", "spliceregionvariant", "spliceacceptorvariant"]
        + ["splicedonorvariant", "translationstartsite", "stoploss", "stoplost", "startlost"]
        + ["proteinalteringvariant", "multihit", "targetedregion"],
        OTHER,
    ),
}
# Beside other words they say nothing of the residue.
SPLICE_REGION = {"spliceregion", "spliceregionvariant", "splicedonorregionvariant"}
SPLICE_REGION |= {"splicepolypyrimidinetractvariant", "splicedonor5thbasevariant"}

LETTERS = dict(
    zip(
        "ala arg asn asp cys gln glu gly his ile leu lys met phe pro ser thr trp tyr val ter"
        " stop xaa".split(),
        "ARNDCQEGHILKMFPSTWYV**X",
        strict=True,
    )
)
ACID = rf"(?:{'|'.join(LETTERS)}|[ARNDCQEGHILKMFPSTWYVX*])"
# Names of transcripts and coding changes look like protein changes (c.C395G).
NO_PROTEIN = re.compile(
    r"\b(?:[NX][MPR]_|ENS[A-Z]*\d{6})[\w.]*|\b[cgnmr]\.[^\s:,;|()]+|\bexon\d+", re.IGNORECASE
)
UNCHANGED = re.compile(r"^\s*(?:[^\s:]+:)?(?:p\.)?\(?=\)?\s*$")  # of the whole protein
PROTEIN = re.compile(
    rf"(?<![A-Z0-9])(?:p\s*\.)?\s*[\[(]*\s*(?P<old>{ACID})(?P<first>\d+)"
    rf"(?:_(?:{ACID})?(?P<last>\d+))?"
    rf"(?P<what>=|delins|del|ins|dup|(?:{ACID})?fs|_?splice|>?(?P<new>{ACID})(?![A-Z0-9])|\?)?",
    re.IGNORECASE,
)
CODING = re.compile(
    r"c\.(?:(\d+)([ACGT])>([ACGT])|([ACGT])(\d+)([ACGT]))(?![A-Z0-9])", re.IGNORECASE
)


class Change(NamedTuple):
    """A protein change: the residues from first to last, and what becomes of them."""

    old: str  # one letter
    first: int
    last: int
    new: str  # one letter, "*" (stop), "=", "fs", "in-frame", "splice"; "" if not said

    @property
    def exchanges(self) -> bool:
        """Whether one residue takes the place of another (X is none: stop or unknown)."""
        return len(self.new) == 1 and self.new not in "=*X"


def class_of(text: str) -> str | None:
    """The kind of a variant class in any of the vocabularies; null for words that are in none.

    Of several (``missense_variant&splice_region_variant``) a substitution before what breaks off
    the protein, before other changes, before words that are not known, before silent ones.
    """
    words = {re.sub(r"[\s_\-()]", "", word) for word in re.split(r"[&,;|~+]", text.lower())} - {""}
    kinds = {CLASSES.get(word) for word in words - SPLICE_REGION or words}
    order = (SUBSTITUTION, CUT, OTHER, None, SYNONYMOUS, UNTRANSLATED)
    return next((kind for kind in order if kind in kinds), None)


def protein_changes(text: str) -> list[Change]:
    """All protein changes that a cell names, in one or three letters, with ``p.`` or without."""
    text = re.sub("%3D", "=", text, flags=re.IGNORECASE)  # as VEP escapes it
    if UNCHANGED.match(text):
        return [Change("", 0, 0, "=")]
    found = []
    for match in PROTEIN.finditer(NO_PROTEIN.sub(" ", text)):
        old, first, what = _letter(match["old"]), int(match["first"]), (match["what"] or "").lower()
        if match["new"]:
            new = _letter(match["new"])
        elif what in ("", "?", "="):
            new = what.strip("?")
        elif what.endswith(("fs", "splice")):
            new = "fs" if what.endswith("fs") else "splice"
        else:
            new = "in-frame"
        new = "=" if new == old else new
        found.append(Change(old, first, int(match["last"] or first), new))
    return found


def coding_changes(gene: str, text: str) -> list[Change]:
    """Single coding changes (``c.395G>A``, ``c.G395A``) as protein changes.

    What becomes of the residue is known at the gene's hotspots only, elsewhere "".
    """
    found = []
    for match in CODING.finditer(text):
        number = int(match[1] or match[5])
        old, new = (match[2] or match[4]).upper(), (match[3] or match[6]).upper()
        residue, place = (number - 1) // 3 + 1, (number - 1) % 3
        change = Change("", residue, residue, "")
        for hotspot in hotspots_of(gene):
            if hotspot.residue == residue and hotspot.codon[place] == old:
                made = translate(hotspot.codon[:place] + new + hotspot.codon[place + 1 :])
                change = Change("R", residue, residue, "=" if made == "R" else made)
        found.append(change)
    return found


def _letter(acid: str) -> str:
    return LETTERS.get(acid.lower(), acid.upper())
