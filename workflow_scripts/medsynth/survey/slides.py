"""Histology slides under the GDC's names, with a table of labels or with genotypes."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import numpy as np

from medsynth.cohorts.slides.index import SUFFIXES
from medsynth.genomics.barcodes import parse_barcodes
from medsynth.imaging.pictures import SUFFIXES as PICTURES
from medsynth.store.quarantine import UnusableImage
from medsynth.survey import genomics
from medsynth.survey.found import MIN_PATIENTS, Found, shards_for
from medsynth.survey.machine import AS_MACHINE, Machine
from medsynth.survey.tables import describe, not_in_utf8, tables_in
from medsynth.survey.tree import Tree, common_suffix, spread

MOST_OPENED = 8  # slides, for their resolution
ASSUMED_MPP = 0.25  # micrometres a pixel at 40x, as most of TCGA's slides were scanned


def find(trees: list[Tree], everything: list[Tree], machine: Machine) -> list[Found]:
    """The slides of every tree in which some files are called after a TCGA barcode."""
    found = []
    for tree in trees:
        files = tree.ending(SUFFIXES)
        names = parse_barcodes(PurePosixPath(file).stem for file in files)
        # A picture called after a bare case may be of anything; slides are of a vial (01Z).
        plain = np.array([file.lower().endswith(PICTURES) for file in files], bool)
        bare = (names["vial"] == "") & plain
        known = names["case"].notna() & ~bare
        slides = [file for file, one in zip(files, known, strict=True) if one]
        if slides:
            cases = set(names["case"][known])
            found.append(_slides(tree, everything, slides, len(files), cases, machine))
    return found


def _slides(
    tree: Tree, trees: list[Tree], slides: list[str], files: int, cases: set[str], machine: Machine
) -> Found:
    seen = [f"{len(slides):,} slides of {len(cases):,} cases in {tree.root}"]
    why: dict[str, str] = {}
    index: dict[str, Any] = {}
    cohort: dict[str, Any] = {"kind": "slides", "root": str(tree.root), "index": index}
    missing = []
    tables = genomics.find(trees, cases)
    seen += tables.tell(cases)
    described = describe(
        tree.root, slides, (pair for each in trees for pair in tables_in(each)), barcodes=True
    )
    if tables.maf or tables.clinical:
        index["label"] = {"kind": "genotype"}
        why["index.label"] = "mutation or clinical tables are here: WHO 2021 classes of glioma"
        known = (tables.sequenced | tables.clinical_cases) & cases
        if not (tables.segments or tables.clinical):
            missing.append("no segments and no clinical table: 1p/19q of mutated cases is unknown")
        if len(known) < 2 * MIN_PATIENTS:
            missing.append(
                f"mutation and clinical tables know {len(known)} of the {len(cases)} cases with a"
                f" slide; two classes of {MIN_PATIENTS} patients need {2 * MIN_PATIENTS}, and the"
                " workflow refuses to train on fewer"
            )
    elif described and described.label:
        kept, small = described.sizes()
        label = {"kind": "table", "path": str(described.path), "key": described.file}
        index["label"] = label | {"value": described.label}
        why["index.label"] = (
            f"column {described.file} names {len(described.rows):,} of {len(slides):,} slides;"
            f" {described.label}{' (a guess)' if described.guessed() else ''} has"
            f" {len(kept) + len(small)} different values"
        )
        seen.append(f"patients by class: {described.listed(described.classes())}")
        if len(kept) < 2:
            missing.append(f"fewer than two classes have {MIN_PATIENTS} patients")
        elif small:
            index["label"]["keep"] = kept
            left = described.listed(small)
            why["index.label.keep"] = f"left out, below {MIN_PATIENTS} patients: {left}"
            seen.append(why["index.label.keep"])
    else:
        missing += not_in_utf8(trees) or [
            "nothing tells the class of a slide: give MAF and segment files, or a CSV with a column"
            " of slides or barcodes and one of classes"
        ]
        return Found("GDC slides", tree.root, seen, missing=missing)
    index["pattern"] = _pattern(slides, files, why)
    index["shards"] = shards_for(len(slides))
    cohort["tiles"] = {"image_size": machine.image_size, "mpp": machine.mpp}
    why["tiles.image_size"] = AS_MACHINE
    stated, silent = _resolutions(tree, slides)
    seen.append(f"of {stated + silent} slides opened {stated} state their resolution")
    if silent:
        cohort["tiles"]["assume_mpp"] = ASSUMED_MPP
        why["tiles.assume_mpp"] = (
            f"a guess: {silent} of {stated + silent} slides opened state no resolution, and"
            f" {ASSUMED_MPP} um a pixel is a scan at 40x; correct it if they are others (20x: 0.5)"
        )
    cohort["stain"] = {"method": "macenko"}
    why["stain"] = "slides of several hospitals differ in colour: they are mapped to a typical one"
    if index["label"]["kind"] == "genotype":
        cohort["genotypes"], reasons = genomics.settings(tables)
        why |= reasons
    return Found("GDC slides", tree.root, seen, "slides", cohort, why, missing=missing)


def _pattern(slides: list[str], files: int, why: dict[str, str]) -> str:
    """The narrowest glob that matches all slides."""
    suffix = common_suffix(slides) or ""
    if len(slides) < files:
        why["index.pattern"] = f"{files - len(slides):,} image files carry no TCGA barcode"
        if all(PurePosixPath(file).name.startswith("TCGA") for file in slides):
            return f"**/TCGA*{suffix}"
        why["index.pattern"] += " and are set aside"
    return f"**/*{suffix}"


def _resolutions(tree: Tree, slides: list[str]) -> tuple[int, int]:
    """How many of a sample state their resolution, and how many do not."""
    # Of an extra: only where there are slides.
    from medsynth.imaging.histology.pages import find_slide
    from medsynth.imaging.histology.resolution import microns_per_pixel

    stated = silent = 0
    for file in spread(slides, MOST_OPENED):
        try:
            microns_per_pixel(find_slide(tree.root / file).properties, None)
            stated += 1
        except UnusableImage as error:
            silent += error.reason == "no_mpp"  # others are broken; the workflow says how
    return stated, silent
