"""Whether a row of a mutation table reports a hotspot mutation of IDH1 or IDH2.

The place in the genome decides over the number of the residue, because transcripts count
differently. What is neither silent nor can be judged is unclear, and never counts as no mutation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import nan
from typing import NamedTuple

from medsynth.genomics.mutations.hotspots import (
    ELSEWHERE,
    Hotspot,
    hotspot_at,
    hotspots_of,
    residue_of,
)
from medsynth.genomics.mutations.variant_words import (
    CUT,
    SUBSTITUTION,
    SYNONYMOUS,
    UNTRANSLATED,
    Change,
    class_of,
    coding_changes,
    protein_changes,
)
from medsynth.store.tables.header import squeeze

# Mutation_Status of rows that report no somatic mutation (MAF 2.4, cBioPortal's importer).
NO_MUTATION = {"none", "wildtype", "loh"}
# Those, and the Validation_Status, that take a mutation back.
DOUBTED = {"germline", "invalid", "notvalidated", *NO_MUTATION}
# Cells of an allele that name none; of several (T,<*>) the others count.
NO_ALLELE = {"", ".", "NA", "N/A", "NAN", "*", "<*>", "<NON_REF>"}


@dataclass(frozen=True)
class Row:
    """The cells of a row, as text; empty what the table lacks."""

    gene: str  # "IDH1" or "IDH2"
    variant_class: str = ""
    changes: tuple[str, ...] = ()  # protein changes, then coding ones
    chromosome: str = ""
    start: float = nan  # first and last base, 1-based
    end: float = nan
    build: str = ""
    reference: str = ""
    alleles: tuple[str, ...] = ()
    status: str = ""
    validation: str = ""

    def __str__(self) -> str:
        place = "" if self.start != self.start else f" at {self.chromosome}:{self.start:.0f}"
        changes = " or ".join(filter(None, self.changes))
        return f"{self.gene} {changes or 'no change'}, class {self.variant_class!r}{place}"


class Verdict(NamedTuple):
    """The hotspot mutation that a row reports, null for none; or why it is unclear."""

    variant: str | None = None
    unclear: str | None = None


NONE = Verdict()


def judge(row: Row) -> Verdict:
    """Whether the row reports a hotspot mutation: by its alleles at the hotspot's place, else by
    its place, else by its protein change."""
    status, validation = squeeze(row.status), squeeze(row.validation)
    if status in NO_MUTATION:
        return NONE
    verdict = _judged(row)
    if verdict.variant and {status, validation} & DOUBTED:
        return Verdict(
            unclear=f"no somatic mutation by its status {row.status} {row.validation}".strip()
        )
    return verdict


def _judged(row: Row) -> Verdict:
    kind = class_of(row.variant_class)
    changes = [change for text in row.changes for change in protein_changes(text)]
    if not changes:
        changes = [change for text in row.changes for change in coding_changes(row.gene, text)]
    hotspot = hotspot_at(row.gene, row.chromosome, row.start, _last_base(row), row.build)
    if hotspot is None:
        return _by_change(row.gene, kind, changes)
    if hotspot is ELSEWHERE:
        if any(_exchanges(change, of) for change in changes for of in hotspots_of(row.gene)):
            return Verdict(unclear="the place is not that of the residue")
        return NONE
    return _at_hotspot(hotspot, row, kind, changes)


def _bases(text: str) -> int:
    """How many bases an allele has; 0 for an inserted one's reference, or none."""
    return len(text) if re.fullmatch("[ACGTN]+", text.strip().upper()) else 0


def _last_base(row: Row) -> float:
    """By the end, or where there is none (VCF) by the reference's length."""
    return max(
        row.start, row.start + _bases(row.reference) - 1, row.end if row.end == row.end else 0
    )


def _first_base(row: Row) -> float:
    """One further where the places count as BED does: from 0, the end behind the last base."""
    bases = _bases(row.reference)
    return row.start + 1 if bases and row.end - row.start == bases else row.start


def _at_hotspot(hotspot: Hotspot, row: Row, kind: str | None, changes: list[Change]) -> Verdict:
    """Of a row whose bases touch the hotspot, by whatever number the transcript gives it."""
    reference = row.reference.strip().upper()
    alleles = {part.strip() for cell in row.alleles for part in re.split("[,;/|]", cell.upper())}
    alleles -= {reference, *NO_ALLELE}
    first = _first_base(row)
    residues = {residue_of(hotspot, first, reference, allele) for allele in alleles}
    exchanged = [c.new for c in changes if c.old == "R" and c.exchanges]
    if len(residues) == 1 and (made := residues.pop()):
        if made == "R":
            claimed = kind == SUBSTITUTION or exchanged
            return Verdict(unclear="the alleles leave the residue as it is") if claimed else NONE
        if kind == SYNONYMOUS:
            return Verdict(unclear="called silent, but the alleles change the residue")
        return NONE if made == "*" else _mutation(hotspot, made)
    if kind == SYNONYMOUS:
        return Verdict(unclear="called silent, with a change of the residue") if exchanged else NONE
    if exchanged:
        return _mutation(hotspot, exchanged[0])
    if changes and all(c.new == "=" for c in changes) and kind not in (SUBSTITUTION, CUT):
        return NONE
    if kind == CUT or any(c.new in ("*", "fs") for c in changes):
        return NONE
    if kind == SUBSTITUTION and all(c.new == "" for c in changes):
        return _mutation(hotspot, "?")
    return Verdict(unclear="at the hotspot, but neither alleles nor change say what becomes of it")


def _by_change(gene: str, kind: str | None, changes: list[Change]) -> Verdict:
    """Of a row without a place."""
    hits = [
        (of, change) for change in changes for of in hotspots_of(gene) if _exchanges(change, of)
    ]
    if kind in (SYNONYMOUS, UNTRANSLATED):
        return Verdict(unclear="called silent, with a change of the residue") if hits else NONE
    if hits:
        hotspot, change = hits[0]
        if change.old != "R" or kind == CUT:
            return Verdict(unclear="the change contradicts the protein or its class")
        return _mutation(hotspot, change.new)
    if not changes:
        return Verdict(unclear="neither silent nor with a place or a change that can be read")
    if all(change.new == "=" for change in changes):
        claimed = kind in (SUBSTITUTION, CUT)
        return Verdict(unclear="the change is silent, its class is not") if claimed else NONE
    for change in changes:
        for of in hotspots_of(gene):
            arginine = change.old in ("R", "") or change.first < change.last
            said = arginine and change.new not in ("=", "*", "fs", "splice")
            if said and any(change.first <= other <= change.last for other in of.others):
                return Verdict(unclear="may be a hotspot, counted in another transcript")
            if change.first <= of.residue <= change.last:
                if change.new == "" and kind == SUBSTITUTION:
                    return _mutation(of, "?")
                if change.new in ("", "X", "in-frame"):
                    return Verdict(unclear="at the hotspot, but not what becomes of it")
    return NONE


def _exchanges(change: Change, hotspot: Hotspot) -> bool:
    """Whether the change puts another residue in the hotspot's place, by the residue's number."""
    return change.exchanges and change.first == change.last == hotspot.residue


def _mutation(hotspot: Hotspot, new: str) -> Verdict:
    return Verdict(f"{hotspot.gene} p.R{hotspot.residue}{new}")
