"""WHO 2021 classes of adult diffuse glioma from sequencing, copy numbers and assays.

Louis et al. 2021, Neuro-Oncology 23(8): glioblastoma is IDH-wildtype, astrocytoma IDH-mutant, and
oligodendroglioma IDH-mutant with whole-arm loss of 1p and 19q.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts import maf
from medsynth.cohorts.assays import MEANINGS, QUARANTINE, read_clinical
from medsynth.cohorts.barcodes import parse_barcodes, parse_tumours, read_sample_sheet
from medsynth.cohorts.segments import DTYPES as DTYPES_OF_SEGMENTS
from medsynth.cohorts.segments import arm_losses, read_segments
from medsynth.cohorts.tsv import TableError, find_files
from medsynth.runtime.config.slides import Genotypes
from medsynth.store.manifests import EXCLUDED, USED

WILDTYPE = "IDH-wildtype"
NON_CODELETED = "IDH-mutant non-codeleted"
CODELETED = "IDH-mutant codeleted"

MAF_FILES = ["*.maf", "*.maf.gz", "*.maf.tsv.gz"]
SEGMENT_FILES = ["*.seg", "*.seg.gz", "*.seg.txt", "*.seg.v2.txt"]
STAINED_VARIANT = "IDH1 p.R132H"  # the only one that the antibody of the stain binds
DTYPES = {
    **{"case": "str", "idh": "str", "idh_variant": "str", "idh_source": "str", "idh_sample": "str"},
    **{"codeletion": "boolean", "codeletion_source": "str", "codeletion_sample": "str"},
    **{"loss_1p": "float64", "loss_19q": "float64"},
    **{"subtype": "str", "reason": "str", "conflict": "str", "missing": "str"},
}

log = logging.getLogger(__name__)


def call_genotypes(
    settings: Genotypes, max_quarantined: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The class of every case that any table knows, and what of the tables cannot be used.

    Of IDH and of 1p/19q, each, the first assay in the configured order that tells anything
    decides. The orders by default: sequencing sees every mutation, the stain one of them; copy
    numbers show whole arms, FISH the copies at one place of each, PCR-LOH also losses that were
    made up for (copy-neutral). A negative stain alone never outweighs anything: it makes a case
    wildtype from `ihc_wildtype_age` on, and else leaves it unknown, because it misses the other
    mutations (one in seven of TCGA's).

    Args:
        settings: the tables and how to call.
        max_quarantined: largest share of the MAF files, of the segment files, and of the rows of
            the clinical table that may be unusable.

    Returns:
        calls: one row a case, sorted: case (12 characters), idh ("mutant", "wildtype", null),
            idh_variant, idh_source ("sequencing", "ihc", null), idh_sample; codeletion (boolean or
            null), codeletion_source ("copy_number", "fish", "pcr_loh", null), codeletion_sample,
            loss_1p and loss_19q (shares in [0, 1]); subtype (one of this module's three, null if
            unknown), reason (why it is unknown, a key of REASONS), conflict (assays that disagree
            with what was used), missing (assays that tell nothing); both separated by blanks.
        quarantine: table ("maf", "segments", "clinical"), source (file name), case (null if not
            known), reason (a key of REASONS), detail.

    Raises:
        TableError: a table that stands alone cannot be read, or too many of a kind.
    """
    evidence, quarantine = _read_evidence(settings, max_quarantined)
    rows = [_resolve(case, settings) for case in evidence.to_dict("records")]
    calls = pd.DataFrame(rows, columns=[*DTYPES]).astype(DTYPES)
    log.info("genotypes of %d cases, %d with a class", len(calls), calls["subtype"].notna().sum())
    for reason, count in calls["reason"].value_counts().items():
        log.info("%d cases without a class: %s", count, reason)
    for (table, reason), count in quarantine.groupby(["table", "reason"]).size().items():
        log.warning("%d items of %s not used: %s", count, table, reason)
    return calls, quarantine


def call_codeletion(
    segments: pd.DataFrame, build: str, loss_threshold: float, arm_fraction: float
) -> pd.DataFrame:
    """1p/19q of the cases with segments (columns of `segments`: see arm_losses).

    Codeleted are cases that lost at least `arm_fraction` of both arms. Of several tumour profiles
    of a case the first in the order of parse_tumours, then of the files, that measured both arms
    decides.

    Returns:
        Index case; codeletion (boolean, null where an arm was not measured), loss_1p, loss_19q,
        codeletion_sample, and codeletion_reason where codeletion is null.
    """
    arms = ["loss_1p", "loss_19q"]
    losses = arm_losses(segments, build, loss_threshold).reset_index()
    order = parse_tumours(losses["sample"]).reset_index(names="rank").set_index("barcode")
    losses = losses.join(order[["case", "rank"]], on="sample")
    losses["unmeasured"] = losses[arms].isna().any(axis=1)
    calls = losses.sort_values(["unmeasured", "rank", "file"]).drop_duplicates("case")
    calls = calls.rename(columns={"sample": "codeletion_sample"}).set_index("case").sort_index()
    both = (calls[arms] >= arm_fraction).all(axis=1).astype("boolean")
    calls["codeletion"] = both.mask(calls["unmeasured"])
    calls["codeletion_reason"] = np.where(calls["unmeasured"], "codeletion_not_measured", None)
    return calls[["codeletion", *arms, "codeletion_sample", "codeletion_reason"]]


def join_genotypes(index: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Labels of the slides: group, label, status, reason; one row a slide of the index.

    All slides of a case have its label. Slides of cases without a class are excluded with the
    case's reason, or ``no_genotype`` if no table knows it. The index needs the columns group
    (slide) and patient (case, 12 characters).
    """
    slides = index[["group", "patient"]].drop_duplicates("group")
    cases = calls.set_index("case")
    patients = slides["patient"].str.upper()
    labels = patients.map(cases["subtype"])
    known = labels.notna()
    return pd.DataFrame(
        {
            "group": slides["group"],
            "label": labels,
            "status": np.where(known, USED, EXCLUDED),
            "reason": patients.map(cases["reason"]).fillna("no_genotype").mask(known),
        }
    ).reset_index(drop=True)


def _read_evidence(settings: Genotypes, limit: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All that the tables tell of every case, null for what they do not; and the quarantine."""
    barcodes = {
        name: barcode
        for folder in filter(Path.is_dir, [*settings.maf, *settings.segments])
        for sheet in sorted(folder.rglob("gdc_sample_sheet*.tsv"))
        for name, barcode in read_sample_sheet(sheet).items()
    }
    idh, bad_mafs = _sequenced(settings, barcodes, limit)
    codeletion, bad_segments = _measured(settings, barcodes, limit)
    assays, bad_rows = _assayed(settings, limit)
    evidence = idh.join([codeletion, assays], how="outer")
    for column, bad in (("idh", bad_mafs), ("codeletion", bad_segments)):
        cases = sorted(set(bad["case"].dropna()))
        lost = pd.Series(f"{column}_unreadable", cases, dtype="str")
        evidence = evidence.reindex(evidence.index.union(lost.index))
        evidence[f"{column}_reason"] = evidence[f"{column}_reason"].fillna(lost)
    evidence = evidence.astype(object).where(evidence.notna(), None)
    quarantine = pd.concat([bad_mafs, bad_segments, bad_rows], ignore_index=True)
    return evidence.rename_axis("case").sort_index().reset_index(), quarantine


def _sequenced(
    settings: Genotypes, barcodes: dict[str, str], limit: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """IDH by case of all MAF files, and those in quarantine."""

    def read(path: Path) -> tuple[pd.DataFrame, set[str]]:
        mutations, samples = maf.read_maf(path)
        # A file without a mutation names nobody; the sample sheet knows who was sequenced.
        samples |= (
            {barcodes[path.name.removesuffix(".gz")]}
            if path.name.removesuffix(".gz") in barcodes
            else set()
        )
        if samples and parse_barcodes(samples)["case"].isna().all():
            raise TableError(f"{path}: no sample is a TCGA barcode", "no_sample_barcode")
        return mutations, samples

    files = find_files(settings.maf, MAF_FILES)
    found, quarantine = _read_all("maf", files, read, barcodes, limit)
    empty = pd.DataFrame(columns=maf.COLUMNS, dtype="str")
    mutations = pd.concat([empty, *(rows for rows, _ in found)], ignore_index=True)
    samples = {name for _, names in found for name in names}
    if unnamed := int(parse_barcodes(samples)["case"].isna().sum()):
        log.warning("%d sequenced samples left out: they have no TCGA barcode", unnamed)
    tumours = parse_tumours(samples)
    covered = maf.covers_idh(settings.coverage, settings.build)
    return maf.call_idh(mutations, tumours, covered), quarantine


def _measured(
    settings: Genotypes, barcodes: dict[str, str], limit: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """1p/19q by case of all segment files, and those in quarantine."""
    # Of a sample's two files at the GDC, the masked one lacks the germline variants.
    files = sorted(
        find_files(settings.segments, SEGMENT_FILES), key=lambda f: "nocnv" not in f.name
    )
    found, quarantine = _read_all(
        "segments", files, lambda f: read_segments(f, settings.build, barcodes), barcodes, limit
    )
    empty = pd.DataFrame(columns=[*DTYPES_OF_SEGMENTS]).astype(DTYPES_OF_SEGMENTS)
    segments = pd.concat(
        [empty, *(rows.assign(file=number) for number, rows in enumerate(found))], ignore_index=True
    )
    calls = call_codeletion(
        segments, settings.build, settings.loss_threshold, settings.arm_fraction
    )
    return calls, quarantine


def _assayed(settings: Genotypes, limit: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assays by case of the clinical table, and its rows in quarantine."""
    if settings.clinical is None:
        return pd.DataFrame(columns=[*MEANINGS, "age"]), pd.DataFrame(columns=QUARANTINE)
    assays, quarantine = read_clinical(settings.clinical, settings.columns)
    unnamed = int(quarantine["case"].isna().sum())
    bad, total = quarantine["case"].nunique() + unnamed, len(assays) + unnamed
    advice = f"{settings.clinical}: {', '.join(sorted(set(quarantine['detail'])))}"
    _check("cases of the clinical table", bad, total, limit, advice)
    return assays, quarantine


def _read_all(
    table: str,
    files: Iterable[Path],
    read: Callable[[Path], Any],
    barcodes: dict[str, str],
    limit: float,
) -> tuple[list[Any], pd.DataFrame]:
    """What `read` makes of the files, and those that it refuses."""
    found, bad, first = [], [], ""
    for file in files:
        try:
            found.append(read(file))
        except TableError as error:
            case = parse_barcodes([barcodes.get(file.name.removesuffix(".gz"), "")])["case"].iloc[0]
            row = {"table": table, "source": file.name, "case": case}
            bad.append(row | {"reason": error.reason, "detail": str(error)})
            first = first or str(error)
    _check(f"{table} files", len(bad), len(found) + len(bad), limit, f"the first: {first}")
    return found, pd.DataFrame(bad, columns=QUARANTINE, dtype="str")


def _check(what: str, bad: int, total: int, limit: float, advice: str) -> None:
    if bad > limit * total:
        raise TableError(
            f"{bad} of {total} {what} cannot be used (allowed are {limit:.0%}); correct them or "
            f"raise max_quarantined; {advice}"
        )


def _resolve(case: dict[str, Any], settings: Genotypes) -> dict[str, Any]:
    """One case's row, from its sequencing, copy numbers and assays (null: not done)."""
    stain = case["ihc"] if "ihc" in settings.idh_order else None
    negative = stain is not None and not stain
    told = {"sequencing": case["idh"], "ihc": "mutant" if stain else None}
    told = {assay: told[assay] for assay in settings.idh_order}
    idh_source = next((assay for assay, idh in told.items() if idh), None)
    idh = told.get(idh_source)
    age, limit = case["age"], settings.ihc_wildtype_age
    if idh is None and negative and None not in (age, limit) and age >= limit:
        idh, idh_source = "wildtype", "ihc"
    variant = (case["idh_variant"] or STAINED_VARIANT) if idh == "mutant" else None
    idh_conflict = [assay for assay, other in told.items() if other and other != idh]
    if idh_source == "sequencing" and negative and variant == STAINED_VARIANT:
        idh_conflict.append("ihc")

    arms = {"copy_number": case["codeletion"], "fish": case["fish"], "pcr_loh": case["pcr_loh"]}
    arms = {assay: arms[assay] for assay in settings.codeletion_order}
    source = next((assay for assay, lost in arms.items() if lost is not None), None)
    codeleted = arms.get(source)
    conflict = [assay for assay, lost in arms.items() if lost is not None and lost != codeleted]

    missing = [assay for assay in told if (stain if assay == "ihc" else told[assay]) is None]
    missing += [assay for assay, lost in arms.items() if lost is None]
    subtype, reason = None, None
    if settings.conflicts == "exclude" and (idh_conflict or (idh == "mutant" and conflict)):
        reason = "assay_conflict"
    elif idh is None:
        reason = case["idh_reason"] or ("idh_incomplete" if negative else "idh_missing")
    elif idh == "wildtype":
        subtype = WILDTYPE
    elif codeleted is None:
        reason = case["codeletion_reason"] or "codeletion_missing"
    else:
        subtype = CODELETED if codeleted else NON_CODELETED
    return {
        **{key: case[key] for key in ("case", "loss_1p", "loss_19q")},
        **{"idh": idh, "idh_variant": variant, "idh_source": idh_source},
        "idh_sample": case["idh_sample"] if idh_source == "sequencing" else None,
        **{"codeletion": codeleted, "codeletion_source": source},
        "codeletion_sample": case["codeletion_sample"] if source == "copy_number" else None,
        **{"subtype": subtype, "reason": reason},
        "conflict": " ".join([*idh_conflict, *conflict]) or None,
        "missing": " ".join(missing) or None,
    }
