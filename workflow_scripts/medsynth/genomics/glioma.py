"""WHO 2021 classes of adult diffuse glioma from sequencing, copy numbers and assays.

Louis et al. 2021, Neuro-Oncology 23(8): glioblastoma is IDH-wildtype, astrocytoma IDH-mutant, and
oligodendroglioma IDH-mutant with whole-arm loss of 1p and 19q.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.genomics.evidence import Share, read_evidence
from medsynth.genomics.settings import Genotypes
from medsynth.store.manifests import EXCLUDED, USED

WILDTYPE = "IDH-wildtype"
NON_CODELETED = "IDH-mutant non-codeleted"
CODELETED = "IDH-mutant codeleted"

# What a call of IDH rests on. An exome without a mutation may have missed it: two of 95 such calls
# of TCGA's lower-grade gliomas are mutant by Ceccarelli et al. 2016.
MUTATION, SILENT_EXOME, SILENT_PANEL = "mutation", "silent_exome", "silent_panel"
STAIN, STAIN_AND_AGE, PUBLISHED = "positive_stain", "negative_stain_and_age", "published"
STAINED_VARIANT = "IDH1 p.R132H"  # the only one that the antibody of the stain binds
DTYPES = {
    **{"case": "str", "idh": "str", "idh_variant": "str", "idh_source": "str", "idh_sample": "str"},
    **{"idh_rests_on": "str"},
    **{"codeletion": "boolean", "codeletion_source": "str", "codeletion_sample": "str"},
    **{"loss_1p": "float64", "loss_19q": "float64"},
    **{"subtype": "str", "reason": "str", "conflict": "str", "missing": "str"},
}

log = logging.getLogger(__name__)


def call_genotypes(settings: Genotypes) -> tuple[pd.DataFrame, pd.DataFrame, list[Share]]:
    """The class of every case that any table knows, and what of the tables cannot be used.

    Of IDH and of 1p/19q, each, the first assay in the configured order that tells anything
    decides. The orders by default: sequencing sees every mutation, the stain one of them; copy
    numbers show whole arms, FISH the copies at one place of each, PCR-LOH also losses that were
    made up for (copy-neutral). A negative stain alone never outweighs anything: it makes a case
    wildtype from `ihc_wildtype_age` on, and else leaves it unknown, because it misses the other
    mutations (one in seven of TCGA's). A mutation that cannot be judged leaves a case unknown as
    long as no positive assay decides.

    Args:
        settings: the tables and how to call.

    Returns:
        calls: one row a case, sorted: case (12 characters), idh ("mutant", "wildtype", null),
            idh_variant (null if not told), idh_source ("sequencing", "ihc", "published", null),
            idh_sample, idh_rests_on (MUTATION and its like here, null); codeletion (boolean or
            null), codeletion_source ("copy_number", "fish", "pcr_loh", "published", null),
            codeletion_sample, loss_1p and loss_19q (shares in [0, 1]); subtype (one of this
            module's three, null if unknown), reason (why it is unknown, a key of REASONS),
            conflict (assays that disagree with what was used), missing (assays that tell nothing);
            both separated by blanks.
        quarantine: table ("maf", "segments", "clinical"), source (file name), case (null if not
            known), column (of the clinical table), reason (a key of REASONS), detail.
        shares: how many of the MAF files, the segment files and the clinical table's cases are in
            quarantine, of those that were given.

    Raises:
        TableError: of a kind of table nothing can be used.
    """
    evidence, quarantine, shares = read_evidence(settings)
    rows = [_resolve(case, settings) for case in evidence.to_dict("records")]
    calls = pd.DataFrame(rows, columns=[*DTYPES]).astype(DTYPES)
    log.info("genotypes of %d cases, %d with a class", len(calls), calls["subtype"].notna().sum())
    for reason, count in calls["reason"].value_counts().items():
        log.info("%d cases without a class: %s", count, reason)
    for (table, reason), count in quarantine.groupby(["table", "reason"]).size().items():
        log.warning("%d items of %s not used: %s", count, table, reason)
    return calls, quarantine, shares


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


def _resolve(case: dict[str, Any], settings: Genotypes) -> dict[str, Any]:
    """One case's row, from its sequencing, copy numbers and assays (null: not done)."""
    stain = case["ihc"] if "ihc" in settings.idh_order else None
    negative = stain is not None and not stain
    published = {True: "mutant", False: "wildtype", None: None}[case["published_idh"]]
    told = {"sequencing": case["idh"], "ihc": "mutant" if stain else None, "published": published}
    told = {assay: told[assay] for assay in settings.idh_order}
    idh_source = next((assay for assay, idh in told.items() if idh), None)
    idh = told[idh_source] if idh_source else None
    rests: dict[str | None, str] = {"ihc": STAIN, "published": PUBLISHED}
    rests_on = rests.get(idh_source)
    if idh_source == "sequencing":
        silent = SILENT_PANEL if isinstance(settings.coverage, Path) else SILENT_EXOME
        rests_on = MUTATION if idh == "mutant" else silent
    age, limit = case["age"], settings.ihc_wildtype_age
    unclear = case["idh_reason"] == "idh_unclear"
    if idh is None and negative and not unclear and None not in (age, limit) and age >= limit:
        idh, idh_source, rests_on = "wildtype", "ihc", STAIN_AND_AGE
    variants: dict[str | None, str] = {"sequencing": case["idh_variant"], "ihc": STAINED_VARIANT}
    variant = variants.get(idh_source) if idh == "mutant" else None
    idh_conflict = [assay for assay, other in told.items() if other and other != idh]
    if idh_source == "sequencing" and negative and variant == STAINED_VARIANT:
        idh_conflict.append("ihc")

    arms = {"copy_number": case["codeletion"], "fish": case["fish"], "pcr_loh": case["pcr_loh"]}
    arms["published"] = case["published_codeletion"]
    arms = {assay: arms[assay] for assay in settings.codeletion_order}
    source = next((assay for assay, lost in arms.items() if lost is not None), None)
    codeleted = arms[source] if source else None
    conflict = [assay for assay, lost in arms.items() if lost is not None and lost != codeleted]

    missing = [assay for assay in told if (stain if assay == "ihc" else told[assay]) is None]
    missing += [assay for assay, lost in arms.items() if lost is None]
    missing = [assay for assay in missing if assay != "published"]  # which is no assay
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
        "idh_rests_on": rests_on,
        "idh_sample": case["idh_sample"] if idh_source == "sequencing" else None,
        **{"codeletion": codeleted, "codeletion_source": source},
        "codeletion_sample": case["codeletion_sample"] if source == "copy_number" else None,
        **{"subtype": subtype, "reason": reason},
        "conflict": " ".join([*idh_conflict, *conflict]) or None,
        "missing": " ".join(missing) or None,
    }
