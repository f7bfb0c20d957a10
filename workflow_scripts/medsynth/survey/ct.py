"""CT as DICOM files, in the folders of TCIA or others, or as NIfTI files."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pydicom.dataset import Dataset

from medsynth.cohorts.ct.index import PATIENT
from medsynth.imaging.ct.contrast.phase import header_phase, table_phase
from medsynth.imaging.ct.nifti import SUFFIXES as NIFTI
from medsynth.imaging.dicom import SUFFIXES as DICOM
from medsynth.imaging.dicom import open_dicom
from medsynth.store.quarantine import UnusableImage
from medsynth.survey.found import Found, shards_for
from medsynth.survey.machine import AS_MACHINE, Machine
from medsynth.survey.tables import Described, describe, not_in_utf8, tables_in
from medsynth.survey.tree import Tree, common_suffix, spread

PHASES = {"ct": "without contrast medium", "cect": "with it"}


def find(trees: list[Tree], everything: list[Tree], machine: Machine) -> list[Found]:
    """The CT images of every tree: DICOM files whose headers say CT, else NIfTI files."""
    found = []
    for tree in trees:
        files = dicom_files(tree)
        headers = read_headers(tree, files)
        modalities = Counter(str(h.get("Modality") or "none") for h in headers)
        volumes = tree.ending(NIFTI)
        if modalities["CT"] and modalities["CT"] * 2 >= len(headers):
            found.append(_dicom(tree, everything, files, headers, modalities, machine))
        elif volumes and not files:
            found.append(_nifti(tree, everything, volumes, machine))
    return found


def dicom_files(tree: Tree) -> list[str]:
    """By their suffix; without any such, files without suffix, as scanners name them."""
    return tree.ending(DICOM) or [file for file in tree.files if "." not in file.rsplit("/", 1)[-1]]


def read_headers(tree: Tree, files: list[str]) -> list[Dataset]:
    """Of a sample of the files, those that can be read."""
    headers = []
    for file in spread(files):
        try:
            headers.append(open_dicom(tree.root / file, pixels=False))
        except UnusableImage:
            continue  # the workflow sets it aside, and says why
    return headers


def _dicom(
    tree: Tree,
    trees: list[Tree],
    files: list[str],
    headers: list[Dataset],
    modalities: Counter[str],
    machine: Machine,
) -> Found:
    folders = len({file.rpartition("/")[0] for file in files})
    kinds = ", ".join(f"{name} {n}" for name, n in modalities.most_common())
    seen = [
        f"{len(files):,} DICOM files in {folders:,} folder(s) of {tree.root}",
        f"modality of a sample of {len(headers)} headers: {kinds}",
    ]
    why: dict[str, str] = {}
    missing = []
    phases = Counter(header_phase(h).label for h in headers if h.get("Modality") == "CT")
    told = ", ".join(f"{phases[k]} {words}" for k, words in PHASES.items())
    seen.append(f"contrast phase by these headers: {told}, {phases[None]} do not say")
    if table := _phase_table(tree, trees, files):
        label, reason = _of_table(table)
        seen.append(reason)
        if table.patient and table.patient != PATIENT:
            why["index.label.path"] = (
                f"patients by the header's PatientID; call the column {table.patient} {PATIENT} to"
                " have the table decide"
            )
    else:
        label = {"kind": "tags"}
        reason = f"no table of phases is here: the headers decide ({told} in the sample)"
        if not (phases["ct"] and phases["cect"]):
            missing.append(
                "the headers of the sample do not show both contrast phases; a table with a column"
                " of files and one of the phase (yes, no) would tell"
            )
    why["index.label"] = reason
    suffix = common_suffix(files)
    return _found(tree, f"**/*{suffix or ''}", label, len(files), seen, why, missing, machine)


def _nifti(tree: Tree, trees: list[Tree], volumes: list[str], machine: Machine) -> Found:
    seen = [f"{len(volumes):,} NIfTI files in {tree.root}"]
    table = _phase_table(tree, trees, volumes)
    if table is None or table.patient != PATIENT:
        what = (
            f"no column {PATIENT} in the table of phases"
            if table
            else f"no table with columns of files, phase (yes, no) and {PATIENT}"
        )
        return Found(
            "NIfTI volumes",
            tree.root,
            seen,
            missing=not_in_utf8(trees)
            or [f"{what}: NIfTI files tell neither patient nor contrast phase"],
        )
    label, reason = _of_table(table)
    suffix = common_suffix(volumes)
    pattern = f"**/*{suffix}" if suffix else "**/*.nii*"
    why = {"index.label": reason}
    return _found(tree, pattern, label, len(volumes), [*seen, reason], why, [], machine)


def _phase_table(tree: Tree, trees: list[Tree], files: list[str]) -> Described | None:
    """A table that names the files and says the contrast phase of most."""
    tables = (pair for each in trees for pair in tables_in(each))
    described = describe(tree.root, files, tables)
    if described is None:
        return None
    candidates = [described.label, *described.unsure]
    for heading in [name for name in candidates if name]:
        words = [word for word in described.rows[heading].unique() if word]
        if {table_phase(word) for word in words} == {*PHASES}:
            return Described(**{**vars(described), "label": heading})
    return None


def _of_table(table: Described) -> tuple[dict[str, Any], str]:
    assert table.label
    label = {"kind": "table", "path": str(table.path), "key": table.file, "value": table.label}
    counts: Counter[str] = Counter()
    for word, patients in table.classes().items():
        counts[PHASES[table_phase(word) or ""]] += patients
    told = ", ".join(f"{n:,} {words}" for words, n in counts.items())
    of = "patients" if table.patient else "files"
    return label, (
        f"column {table.file} of {table.path.name} names {len(table.rows):,} files, {table.label}"
        f" says the phase: {told} ({of})"
    )


def _found(
    tree: Tree,
    pattern: str,
    label: dict[str, Any],
    files: int,
    seen: list[str],
    why: dict[str, str],
    missing: list[str],
    machine: Machine,
) -> Found:
    cohort = {
        "kind": "ct",
        "root": str(tree.root),
        "index": {"label": label, "pattern": pattern, "shards": shards_for(files)},
        "convert": {"image_size": machine.image_size},
    }
    why["convert.image_size"] = AS_MACHINE
    return Found("CT", tree.root, seen, "ct", cohort, why, "cyclegan", missing)
