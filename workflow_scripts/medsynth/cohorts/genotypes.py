"""WHO 2021 classes of adult diffuse glioma from sequencing, copy numbers and assays.

Louis et al. 2021, Neuro-Oncology 23(8): glioblastoma is IDH-wildtype, astrocytoma IDH-mutant, and
oligodendroglioma IDH-mutant with whole-arm loss of 1p and 19q.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.maf import TableError, find_files, read_maf
from medsynth.cohorts.segments import arm_losses, read_sample_sheet, read_segments
from medsynth.runtime.config.slides import Genotypes
from medsynth.store.manifests import EXCLUDED, USED

WILDTYPE = "IDH-wildtype"
NON_CODELETED = "IDH-mutant non-codeleted"
CODELETED = "IDH-mutant codeleted"

MAF_FILES = ["*.maf", "*.maf.gz", "*.maf.tsv.gz"]
SEGMENT_FILES = ["*.seg", "*.seg.gz", "*.seg.txt", "*.seg.v2.txt"]
CASE = r"TCGA-\w{2}-\w{4}"
STAINED_VARIANT = "IDH1 p.R132H"  # the only one that the antibody of the stain binds
DTYPES = {
    **{"case": "str", "idh": "str", "idh_variant": "str", "idh_source": "str"},
    **{"codeletion": "boolean", "codeletion_source": "str"},
    **{"loss_1p": "float64", "loss_19q": "float64"},
    **{"subtype": "str", "reason": "str", "conflict": "str"},
}
_UNKNOWN = ["", "'--", "--", "unknown", "not reported", "not done"]
_ASSAYS = {
    "idh1_r132h_ihc": {"positive": True, "negative": False},
    "codeletion_fish": {"codeleted": True, "intact": False},
}

log = logging.getLogger(__name__)


def call_idh(maf: pd.DataFrame, profiled: Iterable[str]) -> pd.DataFrame:
    """IDH status of the profiled cases: index case, columns idh and idh_variant.

    Mutant are missense mutations of IDH1 R132 and of IDH2 R140 and R172, the residues whose change
    makes the enzyme produce 2-hydroxyglutarate; every other profiled case is wildtype.
    """
    residue = (maf["Hugo_Symbol"] == "IDH1") & maf["HGVSp_Short"].str.fullmatch(r"p\.R132[A-Z]")
    residue |= (maf["Hugo_Symbol"] == "IDH2") & maf["HGVSp_Short"].str.fullmatch(
        r"p\.R(?:140|172)[A-Z]"
    )
    hits = maf[residue.fillna(False) & (maf["Variant_Classification"] == "Missense_Mutation")]
    variants = (hits["Hugo_Symbol"] + " " + hits["HGVSp_Short"]).groupby(_case_of(hits)).first()
    calls = pd.DataFrame(index=pd.Index(sorted(set(profiled)), name="case"))
    calls["idh_variant"] = variants.reindex(calls.index)
    calls["idh"] = np.where(calls["idh_variant"].notna(), "mutant", "wildtype")
    return calls


def call_codeletion(
    segments: pd.DataFrame, build: str, loss_threshold: float, arm_fraction: float
) -> pd.DataFrame:
    """1p/19q of the cases with segments: index case, columns codeletion, loss_1p, loss_19q.

    Codeleted are cases that lost at least `arm_fraction` of both arms; codeletion is null where
    an arm was not measured. A case with several tumour samples is called from its first (primary).
    """
    calls = arm_losses(segments, build, loss_threshold).sort_index()
    calls = calls.groupby(calls.index.str[:12]).head(1)
    calls.index = calls.index.str[:12].rename("case")
    both = (calls[["loss_1p", "loss_19q"]] >= arm_fraction).all(axis=1).astype("boolean")
    calls["codeletion"] = both.where(calls[["loss_1p", "loss_19q"]].notna().all(axis=1))
    return calls


def read_clinical(path: str | Path) -> pd.DataFrame:
    """Assays by case: index case, nullable booleans idh1_r132h_ihc and codeletion_fish.

    Raises:
        TableError: missing columns, a value that is none of the known ones, or cases whose rows
            contradict each other.
    """
    path = Path(path)
    delimiter = "," if path.suffix == ".csv" else "\t"
    table = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False)
    if missing := [c for c in ["case_submitter_id", *_ASSAYS] if c not in table]:
        raise TableError(f"{path}: no column {', '.join(missing)}; add it (cells may be empty)")
    cases = table["case_submitter_id"].str[:12].rename("case")
    assays = pd.DataFrame(index=pd.Index(sorted(cases.unique()), name="case"))
    for column, meanings in _ASSAYS.items():
        values = table[column].str.strip().str.lower()
        if strange := sorted(set(values) - set(meanings) - set(_UNKNOWN)):
            raise TableError(
                f"{path}: column {column} holds {strange[0]!r}; write one of "
                f"{', '.join(meanings)} or leave the cell empty"
            )
        by_case = values.map(meanings).astype("boolean").groupby(cases)
        if contradicted := int((by_case.nunique() > 1).sum()):
            raise TableError(
                f"{path}: column {column} says both things of {contradicted} case(s); keep one"
            )
        assays[column] = by_case.first()
    return assays


def call_genotypes(settings: Genotypes) -> pd.DataFrame:
    """The class of every case that any table knows, one row a case, sorted.

    Sequencing and copy numbers decide; assays fill what they lack. A negative R132H stain alone
    leaves IDH unknown, because it misses the other mutations (one in seven of TCGA's).

    Returns:
        case (12 characters), idh ("mutant", "wildtype", null), idh_variant, idh_source
        ("sequencing", "ihc", null), codeletion (boolean or null), loss_1p and loss_19q (shares in
        [0, 1]), codeletion_source ("copy_number", "fish", null), subtype (one of this module's
        three, null if unknown), reason (why it is unknown), conflict (assays that disagree with
        what was used).

    Raises:
        TableError: a table cannot be read.
    """
    maf = pd.concat([read_maf(p) for p in find_files(settings.maf, MAF_FILES)], ignore_index=True)
    named = maf["Tumor_Sample_Barcode"].str.match(CASE).fillna(False).astype(bool)
    if unnamed := int((~named).sum()):
        log.warning("%d mutations left out: their samples have no TCGA barcode", unnamed)
    maf = maf[named]
    barcodes: dict[str, str] = {}
    for folder in filter(Path.is_dir, settings.segments):
        for sheet in sorted(folder.rglob("gdc_sample_sheet*.tsv")):
            barcodes |= read_sample_sheet(sheet)
    files = find_files(settings.segments, SEGMENT_FILES)
    segments = pd.concat(
        [read_segments(p, settings.build, barcodes) for p in files], ignore_index=True
    )
    codeletion = call_codeletion(
        segments, settings.build, settings.loss_threshold, settings.arm_fraction
    )
    sequenced = call_idh(maf, _case_of(maf)).join(codeletion, how="outer")
    assays = pd.DataFrame(columns=[*_ASSAYS])
    if settings.clinical:
        assays = read_clinical(settings.clinical)
    evidence = sequenced.join(assays, how="outer").astype(object)
    evidence = evidence.where(evidence.notna(), None).rename_axis("case").sort_index().reset_index()
    rows = [_resolve(case) for case in evidence.to_dict("records")]
    calls = pd.DataFrame(rows, columns=[*DTYPES]).astype(DTYPES)
    log.info("genotypes of %d cases, %d with a class", len(calls), calls["subtype"].notna().sum())
    return calls


def join_genotypes(index: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Labels of the slides: group, label, status, reason; one row a slide of the index.

    Slides of cases without a class are excluded with reason ``no_genotype``. The index needs the
    columns group (slide) and patient (case, 12 characters).
    """
    slides = index[["group", "patient"]].drop_duplicates("group")
    labels = slides["patient"].map(calls.set_index("case")["subtype"])
    known = labels.notna()
    return pd.DataFrame(
        {
            "group": slides["group"],
            "label": labels,
            "status": np.where(known, USED, EXCLUDED),
            "reason": pd.Series("no_genotype", slides.index).mask(known),
        }
    ).reset_index(drop=True)


def _resolve(case: dict[str, Any]) -> dict[str, Any]:
    """One case's row, from its sequencing, copy numbers and assays (null: not done)."""
    idh, variant, codeleted = case["idh"], case["idh_variant"], case["codeletion"]
    stain, fish = case["idh1_r132h_ihc"], case["codeletion_fish"]
    idh_source = None if idh is None else "sequencing"
    codeletion_source = None if codeleted is None else "copy_number"

    conflict = []
    stain_misses = variant == STAINED_VARIANT and stain is not None and not stain
    if stain_misses or (idh == "wildtype" and stain):
        conflict.append("idh1_r132h_ihc")
    if codeleted is not None and fish is not None and codeleted != fish:
        conflict.append("codeletion_fish")

    if idh is None and stain:
        idh, variant, idh_source = "mutant", STAINED_VARIANT, "ihc"
    if codeleted is None and fish is not None:
        codeleted, codeletion_source = fish, "fish"

    subtype, reason = None, None
    if idh is None:
        reason = "IDH unknown"
    elif idh == "wildtype":
        subtype = WILDTYPE
    elif codeleted is None:
        reason = "IDH-mutant, 1p/19q unknown"
    else:
        subtype = CODELETED if codeleted else NON_CODELETED
    return {
        **{"case": case["case"], "idh": idh, "idh_variant": variant, "idh_source": idh_source},
        **{"codeletion": codeleted, "codeletion_source": codeletion_source},
        **{"loss_1p": case["loss_1p"], "loss_19q": case["loss_19q"]},
        **{"subtype": subtype, "reason": reason, "conflict": " ".join(conflict) or None},
    }


def _case_of(maf: pd.DataFrame) -> pd.Series:
    return maf["Tumor_Sample_Barcode"].str[:12]
