"""All that mutation, copy-number and clinical tables tell of every case."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from medsynth.genomics.assays import ASSAYS, QUARANTINE, read_clinical
from medsynth.genomics.barcodes import (
    FIRST_NORMAL,
    cases_within,
    parse_barcodes,
    parse_tumours,
    read_sample_sheet,
    sheets_beside,
)
from medsynth.genomics.mutations.maf import COLUMNS, call_idh, read_maf
from medsynth.genomics.panels import covers_idh
from medsynth.genomics.segments import DTYPES, call_codeletion, read_segments
from medsynth.genomics.settings import SAMPLE_SHEETS, Genotypes
from medsynth.store.tables.header import TableError
from medsynth.store.tables.tsv import find_files

MAF_FILES = ["*.maf", "*.maf.gz", "*.maf.tsv.gz", "data_mutations*.txt"]  # the last of cBioPortal
SEGMENT_FILES = ["*.seg", "*.seg.gz", "*.seg.txt", "*.seg.v2.txt"]
UNCLEAR = "unclear_mutation"
BadRow = dict[str, str | None]  # of the quarantine

CASES = "cases of the clinical table"

log = logging.getLogger(__name__)


class Share(NamedTuple):
    """How much of a kind of table cannot be used."""

    what: str
    unusable: int
    of: int


def read_evidence(settings: Genotypes) -> tuple[pd.DataFrame, pd.DataFrame, list[Share]]:
    """All that the tables tell of every case, null for what they do not; the quarantine; and how
    much of the tables is in it.

    A case of which a mutation file, or a row of one, is in quarantine is never wildtype for want
    of a mutation in the rest.

    Args:
        settings: the tables.

    Raises:
        TableError: of a kind of table nothing can be used.
    """
    barcodes = _sample_barcodes([*settings.maf, *settings.segments])
    idh, bad_mafs, mafs = _sequenced(settings, barcodes)
    codeletion, bad_segments, segments = _measured(settings, barcodes)
    assays, bad_rows, cases = _assayed(settings)
    evidence = idh.join([codeletion, assays], how="outer")
    for column, bad in (("idh", bad_mafs), ("codeletion", bad_segments)):
        lost = bad.dropna(subset="case").sort_values("reason", key=lambda r: r != UNCLEAR)
        lost = lost.drop_duplicates("case").set_index("case")["reason"]
        lost = lost.map(lambda reason: "unclear" if reason == UNCLEAR else "unreadable")
        evidence = evidence.reindex(evidence.index.union(lost.index))
        lost = (f"{column}_" + lost).reindex(evidence.index)
        if column == "idh":
            silent = lost.notna() & (evidence["idh"] != "mutant")
            evidence.loc[silent, ["idh", "idh_sample", "idh_reason"]] = None
        evidence[f"{column}_reason"] = evidence[f"{column}_reason"].fillna(lost)
    evidence = evidence.astype(object).where(evidence.notna(), None)
    quarantine = pd.concat([bad_mafs, bad_segments, bad_rows], ignore_index=True)
    evidence = evidence.rename_axis("case").sort_index().reset_index()
    return evidence, quarantine, [share for share in (mafs, segments, cases) if share.of]


def _sample_barcodes(configured: list[Path]) -> dict[str, str]:
    """Sample by file name, from all sample sheets."""
    barcodes: dict[str, str] = {}
    for sheet in sheets_beside(configured):
        try:
            barcodes |= read_sample_sheet(sheet)
        except TableError as error:
            folder = next((f for f in configured if sheet.is_relative_to(f)), sheet.parent)
            called = f"a sample sheet ({SAMPLE_SHEETS}) in {folder}"
            raise TableError(str(error).replace(str(sheet), called), error.reason) from None
    return barcodes


def _sequenced(
    settings: Genotypes, barcodes: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, Share]:
    """IDH by case of all MAF files, what of them is in quarantine, and the share of files."""
    files = list(find_files(settings.maf, MAF_FILES))
    read = {file: partial(_read_maf, file, barcodes.get(_key(file))) for file in files}
    found, quarantine, share = _read_all("maf", settings.maf, read, barcodes)
    mutations = pd.concat([pd.DataFrame(columns=COLUMNS, dtype="str"), *(m for m, _, _ in found)])
    bad = [row for _, _, rows in found for row in rows]
    tumours = parse_tumours({name for _, names, _ in found for name in names})
    covered = covers_idh(settings.coverage, settings.build)
    quarantine = pd.concat([quarantine, pd.DataFrame(bad, columns=QUARANTINE, dtype="str")])
    return call_idh(mutations.reset_index(drop=True), tumours, covered), quarantine, share


def _read_maf(path: Path, barcode: str | None) -> tuple[pd.DataFrame, set[str], list[BadRow]]:
    """Mutations and samples of one file, with the sheet's `barcode` where it names none itself.

    Returns:
        The hotspot mutations of tumours, the samples, and the quarantine's rows: samples that are
        no barcodes, mutations that cannot be judged or are said of a normal sample.
    """
    rows, samples = read_maf(path)
    parts = parse_barcodes(sorted(samples)).set_index(pd.Index(sorted(samples), dtype="str"))
    cases = set(parts["case"].dropna())
    # A file without a mutation names nobody, others call their sample TUMOR or by a UUID; the
    # sample sheet knows who it was. Not so where the file tells of somebody else as well.
    theirs = set(parse_barcodes([barcode or ""])["case"].dropna())
    unnamed = parts.index[parts["case"].isna()]
    if barcode and theirs and cases <= theirs:
        rows["sample"] = rows["sample"].where(~rows["sample"].isin(unnamed), barcode)
        samples, unnamed = samples | {barcode}, unnamed[:0]
    if len(unnamed) and not cases:
        raise TableError(
            f"{path}: no sample is a TCGA barcode; put the GDC's sample sheet of the same cart "
            "(gdc_sample_sheet*.tsv) beside it, or correct the column of the tumour samples",
            "no_sample_barcode",
        )

    def bad(case: str | None, reason: str, detail: str) -> BadRow:
        row: BadRow = {"table": "maf", "source": path.name, "case": case, "column": None}
        return row | {"reason": reason, "detail": detail}

    lost = [
        bad(case, "no_sample_barcode", f"sample {name!r} is no TCGA barcode")
        for name, case in zip(unnamed, cases_within(unnamed), strict=True)
    ]
    of_rows = parse_barcodes(rows["sample"]).set_index(rows.index)
    rows, of_rows = rows[of_rows["case"].notna()], of_rows[of_rows["case"].notna()]
    normal = of_rows["type"] >= FIRST_NORMAL
    unclear = rows["unclear"].notna() & ~normal
    for key in rows.index[normal | unclear]:
        reason, row = (UNCLEAR if unclear[key] else "normal_sample"), rows.loc[key]
        detail = row["row"] + (f": {row['unclear']}" if unclear[key] else "")
        lost.append(bad(of_rows.loc[key, "case"], reason, detail))
    return rows[~normal & ~unclear], samples, lost


def _measured(
    settings: Genotypes, barcodes: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, Share]:
    """1p/19q by case of all segment files, those in quarantine, and their share."""
    # Of a sample's two files at the GDC, the masked one lacks the germline variants.
    files = sorted(
        find_files(settings.segments, SEGMENT_FILES), key=lambda f: "nocnv" not in f.name
    )
    read = {file: partial(read_segments, file, settings.build, barcodes) for file in files}
    found, quarantine, share = _read_all("segments", settings.segments, read, barcodes)
    empty = pd.DataFrame(columns=[*DTYPES]).astype(DTYPES)
    segments = pd.concat(
        [empty, *(rows.assign(file=number) for number, (rows, _) in enumerate(found))],
        ignore_index=True,
    )
    names = sorted({name for _, unnamed in found for name in unnamed})
    bad = [
        {"table": "segments", "case": case, "reason": "no_sample_barcode"}
        | {"detail": f"sample {name!r} is no TCGA barcode"}
        for name, case in zip(names, cases_within(names), strict=True)
    ]
    quarantine = pd.concat([quarantine, pd.DataFrame(bad, columns=QUARANTINE, dtype="str")])
    calls = call_codeletion(
        segments, settings.build, settings.loss_threshold, settings.arm_fraction
    )
    return calls, quarantine, share


def _assayed(settings: Genotypes) -> tuple[pd.DataFrame, pd.DataFrame, Share]:
    """Assays by case of the clinical table, its rows in quarantine, and the share of its cases."""
    if settings.clinical is None:
        none = pd.DataFrame(columns=[*ASSAYS, "age"]), pd.DataFrame(columns=QUARANTINE)
        return *none, Share(CASES, 0, 0)
    assays, quarantine = read_clinical(settings.clinical, settings.columns)
    unnamed = int(quarantine["case"].isna().sum())
    bad, total = quarantine["case"].nunique() + unnamed, len(assays) + unnamed
    if bad == total > 0:
        # Of what is wrong only the kind: the words are in the quarantine table, and nowhere else.
        kinds = quarantine.groupby(["column", "reason"]).size()
        told = ", ".join(f"{n} {reason} in {column}" for (column, reason), n in kinds.items())
        raise TableError(f"{settings.clinical}: none of its {total} cases can be used: {told}")
    return assays, quarantine, Share(CASES, bad, total)


def _read_all(
    table: str,
    configured: list[Path],
    read: Mapping[Path, Callable[[], Any]],
    barcodes: dict[str, str],
) -> tuple[list[Any], pd.DataFrame, Share]:
    """What the files are read to, those that cannot be, and their share.

    Args:
        configured: files and folders, in which the others were found.
    """
    found, bad, first = [], [], ""
    for file in read:
        try:
            found.append(read[file]())
        except TableError as error:
            case = parse_barcodes([barcodes.get(_key(file), "")])["case"].iloc[0]
            row = {"table": table, "source": file.name, "case": case, "column": None}
            bad.append(row | {"reason": error.reason, "detail": str(error)})
            first = first or str(error).replace(str(file), _called(file, list(read), configured))
    if bad and not found:
        raise TableError(f"none of {len(bad)} {table} files can be used; the first: {first}")
    if bad:
        log.warning("%d of %d %s files not used, first %s", len(bad), len(read), table, first)
    quarantine = pd.DataFrame(bad, columns=QUARANTINE, dtype="str")
    return found, quarantine, Share(f"{table} files", len(bad), len(read))


def _called(file: Path, files: list[Path], configured: list[Path]) -> str:
    """What an error calls a file: names that were found in a folder may be those of cases."""
    if file in configured:
        return str(file)
    folder = next(folder for folder in configured if file.is_relative_to(folder))
    beside = sorted(other for other in files if other.is_relative_to(folder))
    return f"file {beside.index(file) + 1} of {len(beside)} in {folder} (sorted by path)"


def _key(file: Path) -> str:
    """What a sample sheet's entry of the file is known by."""
    return file.name.removesuffix(".gz")
