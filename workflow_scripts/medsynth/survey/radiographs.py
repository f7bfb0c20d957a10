"""MIMIC-CXR as DICOM files, and MIMIC-CXR-JPG.

Layout: https://physionet.org/content/mimic-cxr, https://physionet.org/content/mimic-cxr-jpg.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from medsynth.cohorts.mimic_cxr.settings import published_table
from medsynth.store.tables.delimited import read_table
from medsynth.survey.found import MIN_PATIENTS, Found, shards_for
from medsynth.survey.machine import AS_MACHINE, Machine
from medsynth.survey.tree import Tree

IMAGE = re.compile(r"(.*?)files/p\d+/p\d+/s\d+/[^/]+\.(dcm|jpg)")
REPORT = re.compile(r"(.*?)files/p\d+/p\d+/s\d+\.txt")
ZIPPED = "mimic-cxr-reports.zip"
METADATA = re.compile(r"(.*?)mimic-cxr-2\.0\.0-metadata\.csv(\.gz)?")
NO_FINDING, NO_DISEASE = "No Finding", {"Support Devices"}
FRONTAL = ["AP", "PA"]
MOST_FINDINGS = 3  # beside No Finding


def find(trees: list[Tree], everything: list[Tree], machine: Machine) -> list[Found]:
    """The radiographs; DICOM's where both forms are there."""
    images: dict[tuple[Path, str], list[str]] = {}
    tables: list[Path] = []
    reports: list[Path] = []
    for tree in everything:
        for file in tree.files:
            if match := IMAGE.fullmatch(file):
                images.setdefault((tree.root / match[1], match[2]), []).append(file)
            elif match := METADATA.fullmatch(file):
                tables.append(tree.root / match[1])
            elif file.endswith(ZIPPED):
                reports.insert(0, tree.root / file)
            elif (match := REPORT.fullmatch(file)) and tree.root / match[1] not in reports:
                reports.append(tree.root / match[1])
    if not images:
        return []
    seen = [
        f"{len(files):,} {'DICOM' if form == 'dcm' else 'JPEG'} files of"
        f" {len({f.split('/')[-3] for f in files}):,} patients in {root}"
        for (root, form), files in images.items()
    ]
    (root, form), files = min(images.items(), key=lambda item: (item[0][1], -len(item[1])))
    if not tables:
        return [
            Found(
                "MIMIC-CXR",
                root,
                seen,
                missing=[
                    "mimic-cxr-2.0.0-metadata.csv.gz is not here; it comes with MIMIC-CXR-JPG"
                    " (physionet.org/content/mimic-cxr-jpg), not with MIMIC-CXR: download"
                    " the tables and give their folder, too"
                ],
            )
        ]
    folder = root if root in tables else tables[0]
    cohort: dict[str, Any] = {"kind": "mimic_cxr", "root": str(root)}
    why = {}
    if len(images) > 1:
        why["root"] = "DICOM files hold what the JPEG files were made of: they go before them"
    if folder != root:
        cohort["tables"] = str(folder)
    if reports:
        cohort["reports"] = str(reports[0])
        seen.append("reports of the studies")
    present = {PurePosixPath(f).stem for f in files}
    listed = read_table(published_table(folder, "metadata"))
    here = listed["dicom_id"].isin(present)
    rows = listed[here]
    if (absent := len(files) - len(rows)) > 0:
        seen.append(f"{absent:,} files that the metadata table does not know")
    views = rows.groupby("ViewPosition")["subject_id"].nunique().sort_values(ascending=False)
    seen.append("patients by view: " + ", ".join(f"{v or 'none'} {n:,}" for v, n in views.items()))
    label, reason = _label(folder, rows)
    why["index.label"] = reason
    kept = [view for view in FRONTAL if views.get(view, 0) >= MIN_PATIENTS]
    missing = []
    if label["kind"] == "view" and len(kept) < 2:
        missing.append("fewer than two frontal views with enough patients: no two classes")
    cohort["index"] = {"label": label, "views": kept or FRONTAL, "shards": shards_for(len(files))}
    why["index.views"] = "frontal views; lateral ones look another way and are left out"
    cohort["read"] = {"image_size": machine.image_size}
    why["read.image_size"] = AS_MACHINE
    wanted = listed["ViewPosition"].isin(cohort["index"]["views"])
    lacking = wanted & ~here
    if lacking.any():
        missing.append(
            f"{lacking.sum():,} of {len(listed):,} images in the metadata table are of these views"
            " and not on this disk: they are set aside as missing_file"
        )
    official = _official(folder, rows)
    if official:
        cohort["split"] = {"official": True}
        why["split"] = official
    unusable = float(lacking.sum() / max(1, wanted.sum()))
    return [
        Found("MIMIC-CXR", root, seen, "mimic_cxr", cohort, why, missing=missing, unusable=unusable)
    ]


def _label(folder: Path, rows: pd.DataFrame) -> tuple[dict[str, Any], str]:
    """The findings of most patients, or the view, and why."""
    for labeler in ("chexpert", "negbio"):
        path = published_table(folder, labeler)
        if not path.exists():
            continue
        table = read_table(path)
        table = table[table["study_id"].isin(set(rows["study_id"]))]
        findings = [c for c in table.columns if c not in ("subject_id", "study_id")]
        positive = {
            c: int(table.loc[table[c].isin(["1", "1.0"]), "subject_id"].nunique()) for c in findings
        }
        diseases = [c for c in findings if c not in {NO_FINDING} | NO_DISEASE]
        diseases.sort(key=lambda c: -positive[c])
        chosen = [c for c in diseases[:MOST_FINDINGS] if positive[c] >= MIN_PATIENTS]
        if positive.get(NO_FINDING, 0) >= MIN_PATIENTS:
            chosen.insert(0, NO_FINDING)
        if len(chosen) >= 2:
            label = {"kind": "finding", "findings": chosen}
            counted = ", ".join(
                f"{c} {positive[c]:,}" for c in [NO_FINDING, *diseases] if c in positive
            )
            return label | ({} if labeler == "chexpert" else {"labeler": labeler}), (
                f"the findings of most patients in the {labeler} table ({counted}); take others as"
                " you need them"
            )
    return {"kind": "view"}, (
        "the view, for want of a table of findings with enough patients"
        " (mimic-cxr-2.0.0-chexpert.csv.gz of MIMIC-CXR-JPG); with it: {kind: finding, findings:"
        " [No Finding, Cardiomegaly]}"
    )


def _official(folder: Path, rows: pd.DataFrame) -> str | None:
    """Why the published split is used: enough patients of what is here stand in each part."""
    path = published_table(folder, "split")
    if not path.exists():
        return None
    table = read_table(path)
    table = table[table["dicom_id"].isin(set(rows["dicom_id"]))]
    people = table.groupby("split")["subject_id"].nunique()
    if len(people) < 3 or people.min() < 2 * MIN_PATIENTS:
        return None
    counts = ", ".join(f"{name} {n:,}" for name, n in people.items())
    return f"the published split, of patients: {counts}"
