"""Mutation, copy-number and clinical tables of gliomas: where they are, and their genome build."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa

from medsynth.genomics.assays import HEADINGS, MEANINGS
from medsynth.genomics.barcodes import parse_barcodes, read_sample_sheet
from medsynth.genomics.evidence import MAF_FILES, SEGMENT_FILES
from medsynth.genomics.mutations.maf import NEEDED
from medsynth.genomics.segments import FORMS, LENGTHS
from medsynth.genomics.settings import SAMPLE_SHEETS
from medsynth.store.tables.header import TableError, header_of, squeeze
from medsynth.store.tables.tsv import read_columns
from medsynth.survey.tables import tables_in
from medsynth.survey.tree import SAMPLE, Tree, is_named, spread

MOST_NAMED = 5  # files that are listed one by one; of more, their folder is given


@dataclass
class Tables:
    """What of genotypes is in the trees.

    Attributes:
        maf, segments: files with the headings of their kind.
        sheets: sample sheets of the GDC.
        clinical: table that tells of IDH or 1p/19q, with the cases in it.
        sequenced, measured: cases of the files that were looked into.
        build: by the ends of the segments; None where they fit both builds or none.
    """

    maf: list[Path] = field(default_factory=list)
    segments: list[Path] = field(default_factory=list)
    sheets: list[Path] = field(default_factory=list)
    clinical: Path | None = None
    clinical_cases: set[str] = field(default_factory=set)
    sequenced: set[str] = field(default_factory=set)
    measured: set[str] = field(default_factory=set)
    build: str | None = None

    def tell(self, cases: set[str]) -> list[str]:
        """Counts, beside the cases of the slides."""
        whole = "" if max(len(self.maf), len(self.segments)) <= SAMPLE else " in a sample of them"
        rows = [
            (f"{len(self.maf):,} mutation tables (MAF)", self.maf, self.sequenced, whole),
            (f"{len(self.segments):,} segment tables", self.segments, self.measured, whole),
            ("a clinical table with IDH or 1p/19q", self.clinical, self.clinical_cases, ""),
        ]
        told = [
            f"{what}: {len(known):,} cases{where}, {len(known & cases):,} of them with a slide here"
            for what, there, known, where in rows
            if there
        ]
        return told + ([f"{len(self.sheets)} GDC sample sheet(s)"] if self.sheets else [])


def find(trees: list[Tree], cases: set[str]) -> Tables:
    """Look at names and headers of all trees, and into a sample of the files.

    Args:
        trees: of the user.
        cases: of the slides; of several clinical tables the one that knows most of them is taken.
    """
    found = Tables()
    for tree in trees:
        for file in tree.files:
            if is_named(file, MAF_FILES):
                found.maf.append(tree.root / file)
            elif is_named(file, SEGMENT_FILES):
                found.segments.append(tree.root / file)
            elif PurePosixPath(file).match(SAMPLE_SHEETS):
                found.sheets.append(tree.root / file)
    found.maf = _with(found.maf, [[*NEEDED.values()]])
    found.segments = _with(found.segments, FORMS)
    for tree in trees:
        for path, table in tables_in(tree):
            _consider(found, path, table, cases)
    sheet = _sheet(found.sheets)
    found.sequenced = _cases_of(spread(found.maf), NEEDED["sample"]) | _listed(found.maf, sheet)
    ends = [_ends(path) for path in spread(found.segments)]
    found.measured = _listed(found.segments, sheet)
    for frame in ends:
        found.measured |= _cases(frame["sample"].dropna().unique())
    found.build = _build(ends)
    return found


def settings(found: Tables) -> tuple[dict[str, Any], dict[str, str]]:
    """The group `genotypes`, and its reasons."""
    group: dict[str, Any] = {
        key: _named(paths)
        for key, paths in {"maf": found.maf, "segments": found.segments}.items()
        if paths
    }
    why = {}
    if found.segments:
        group["build"] = found.build or "hg38"
        why["genotypes.build"] = (
            f"segments end where the chromosomes of {found.build} do"
            if found.build
            else "a guess: the segments fit hg19 and hg38; correct it if they are of hg19"
        )
    if found.clinical:
        group["clinical"] = str(found.clinical)
        why["genotypes.clinical"] = "a table with published IDH or 1p/19q, or assays of them"
    return group, why


def _with(paths: list[Path], forms: list[list[str]]) -> list[Path]:
    """Those whose header has all the headings of a form; of many, a sample speaks for all."""
    looked = spread(sorted(paths))
    wrong = set()
    for path in looked:
        try:
            header = {squeeze(name) for name in header_of(path)[1]}
        except (TableError, OSError):
            header = set()
        if not any(header >= {squeeze(name) for name in form} for form in forms):
            wrong.add(path)
    return [path for path in sorted(paths) if path not in wrong]


def _consider(found: Tables, path: Path, table: pd.DataFrame, cases: set[str]) -> None:
    """Take a table for the clinical one, if it tells of IDH or 1p/19q and knows more cases."""
    headings = {squeeze(name): name for name in table.columns}
    case = next((headings[name] for name in HEADINGS["case"] if name in headings), None)
    told = any(name in headings for assay in MEANINGS for name in HEADINGS[assay])
    if case is None or not told:
        return
    known = _cases(table[case].unique())
    if known and (len(known & cases), len(known)) > (
        len(found.clinical_cases & cases),
        len(found.clinical_cases),
    ):
        found.clinical, found.clinical_cases = path, known


def _cases(texts: Iterable[str]) -> set[str]:
    return set(parse_barcodes(texts)["case"].dropna())


def _cases_of(paths: list[Path], column: str) -> set[str]:
    cases: set[str] = set()
    for path in paths:
        try:
            name = next(n for n in header_of(path)[1] if squeeze(n) == squeeze(column))
            cases |= _cases(read_columns(path, [name], {name: pa.string()})[name].dropna().unique())
        except (TableError, OSError):
            continue  # the workflow quarantines it, and says why
    return cases


def _sheet(sheets: list[Path]) -> dict[str, str]:
    """Sample by file name, as far as the sheets can be read."""
    barcodes: dict[str, str] = {}
    for path in sheets:
        with suppress(TableError, OSError):
            barcodes |= read_sample_sheet(path)
    return barcodes


def _listed(paths: list[Path], sheet: dict[str, str]) -> set[str]:
    """The cases of files whose sample only the sheet knows."""
    names = (path.name.removesuffix(".gz") for path in paths)
    return _cases([sheet[name] for name in names if name in sheet])


def _ends(path: Path) -> pd.DataFrame:
    """sample, chrom and end of the segments; empty where the file cannot be read."""
    try:
        header = {squeeze(name): name for name in header_of(path)[1]}
        form = next(f for f in FORMS if header.keys() >= {squeeze(name) for name in f})
        names = [header[squeeze(form[i])] for i in (0, 1, 3)]
        frame = read_columns(path, names, dict.fromkeys(names, pa.string()))
    except (TableError, OSError, StopIteration):
        return pd.DataFrame(columns=["sample", "chrom", "end"], dtype="str")
    frame.columns = ["sample", "chrom", "end"]
    return frame


def _build(ends: list[pd.DataFrame]) -> str | None:
    """The only build whose chromosomes hold all segments, and are longer than the other's there."""
    fitting = set(LENGTHS)
    for frame in ends:
        chrom = frame["chrom"].str.replace("(?i)^chr", "", regex=True)
        last = pd.to_numeric(frame["end"], errors="coerce").groupby(chrom).max()
        for build, lengths in LENGTHS.items():
            if any(last.get(name, 0) > length for name, length in lengths.items()):
                fitting.discard(build)
    return fitting.pop() if len(fitting) == 1 else None


def _named(paths: list[Path]) -> list[str]:
    if len(paths) <= MOST_NAMED:
        return [str(path) for path in paths]
    return [os.path.commonpath([path.parent for path in paths])]
