"""CT slices with and without contrast medium, from DICOM files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from pydicom.dataset import Dataset

from medsynth.cohorts.dicom import AIR_HU, open_dicom, read_hu, unusable_as
from medsynth.cohorts.resize import padded_square, resize_area
from medsynth.cohorts.sources import (
    check_names,
    fill_shard,
    hash_sources,
    matching_files,
    quarantine_repeats,
    read_labels,
    row_of,
)
from medsynth.cohorts.unusable import UnusableImage
from medsynth.runtime.config.base import TableLabel
from medsynth.runtime.config.ct import CtConvert, CtIndex
from medsynth.store.digests import DigestCache
from medsynth.store.manifests import EXCLUDED, QUARANTINED, USED, manifest, shard_of

PLAIN, ENHANCED = "ct", "cect"
TABLE_VALUES = {"true": ENHANCED, "1": ENHANCED, "yes": ENHANCED, ENHANCED: ENHANCED}
TABLE_VALUES |= {"false": PLAIN, "0": PLAIN, "no": PLAIN, PLAIN: PLAIN}

# Descriptions are cut off at 16 to 64 characters ("WITH IV C"), so "contrast" is often a stump.
BOTH = re.compile(r"\b(with|w) ?([/&+]|and)? ?(without|w ?/? ?o)\b")
WITHOUT = re.compile(
    r"\b(without|w ?/ ?o|wo|non ?-?con\w*|no (iv )?con\w*|unenhanced|native|pre ?-?con\w*)\b"
)
WITH = re.compile(r"\b((with|w) ?/? ?(iv?|c|con\w*)|post ?-?con\w*|enhanced|angio\w*|cta|cect)\b")
NO_AGENT = re.compile(r"\W*|0|n|n/?a|(no|non|none|not|without|w/?o)\b.*")
# Contrast medium that is drunk stays in the bowel; only in the vein does it make a slice "cect".
BY_MOUTH = re.compile(r"\b(oral|orally|po|rectal|rectally)\b")
IN_VEIN = re.compile(r"\b(iv|i\.v|intraven\w*)\b")
LEAST_AXIAL = 0.8  # cosine of the slice normal to the body axis; gantries tilt up to 30 degrees


def index_ct(root: Path, settings: CtIndex, cache: DigestCache | None = None) -> pd.DataFrame:
    """One row for every file below `root` that the pattern matches, from the headers alone.

    Patients are taken from the label table's column "patient_id" where it has one (public
    sets often have their PatientID replaced), else from PatientID.

    Returns:
        Index manifest. item_id is SOPInstanceUID (or the file stem), group SeriesInstanceUID,
        label "ct" or "cect". Extra columns: frame (FrameOfReferenceUID) and z (mm along the slice
        normal, towards the head; null without ImagePositionPatient). Excluded: localizer,
        not_axial, no_contrast_label. Quarantined: not_dicom, wrong_modality, bad_tags,
        no_patient, duplicate, unreadable.

    Raises:
        CohortError: no file matches, or the label table is missing, lacks columns, contradicts
            itself or says a name that several files have.
    """
    table = read_labels(settings.label) if isinstance(settings.label, TableLabel) else None
    rows = []
    files = matching_files(root, settings.pattern)
    if table is not None:
        check_names(files, table)
    for file in files:
        row = {"item_id": file.stem, "source": file.relative_to(root).as_posix(), "status": USED}
        try:
            dataset = open_dicom(file, pixels=False)
            found = None if table is None else row_of(table, file, root)
            row |= _describe(dataset, file.stem, table is not None, found)
        except UnusableImage as error:
            row |= {"status": QUARANTINED, "reason": error.reason, "detail": error.detail}
        row["shard"] = shard_of(row["item_id"], settings.shards)
        rows.append(row)
    frame = manifest(rows)
    quarantine_repeats(frame)
    hash_sources(frame, root, cache)
    return manifest(frame)


def convert_ct(
    index: pd.DataFrame, root: Path, settings: CtConvert, path: Path, attrs: dict[str, str]
) -> pd.DataFrame:
    """Convert the slices of one shard to int16 HU (image_size, image_size, 1).

    Slices that are not square are padded with air (-1024 HU); areas are averaged.

    Returns:
        Manifest of the index's usable rows: used with `row`, or quarantined with their reason.
    """

    def decode(data: bytes) -> np.ndarray:
        square = padded_square(read_hu(data), AIR_HU)
        return resize_area(square, settings.image_size, settings.image_size)

    return fill_shard(index, root, path, attrs, decode)


def _describe(dataset: Dataset, stem: str, tabled: bool, found: pd.Series | None) -> dict:
    """The columns that a header gives, and the row `found` in the label table if there is one."""
    with unusable_as("bad_tags"):
        if dataset.get("Modality") != "CT":
            raise UnusableImage("wrong_modality", str(dataset.get("Modality")))
        normal, z = _position(dataset)
        row = {
            "item_id": str(dataset.get("SOPInstanceUID") or stem),
            "patient": str(dataset.get("PatientID") or "").strip(),
            "group": str(dataset.get("SeriesInstanceUID") or "") or None,
            "frame": str(dataset.get("FrameOfReferenceUID") or "") or None,
            "z": z,
        }
        localizer = "LOCALIZER" in (dataset.get("ImageType") or [])
        label = None if tabled else contrast_of(dataset)
    if found is not None:
        label = TABLE_VALUES.get(str(found["label"]).lower())
        row["patient"] = found.get("patient_id", row["patient"])
    row["label"] = label
    if not row["patient"] or pd.isna(row["patient"]):
        raise UnusableImage("no_patient")
    if localizer:
        return row | {"status": EXCLUDED, "reason": "localizer"}
    if abs(normal[2]) < LEAST_AXIAL:
        return row | {"status": EXCLUDED, "reason": "not_axial"}
    if label is None:
        return row | {"status": EXCLUDED, "reason": "no_contrast_label"}
    return row


def _position(dataset: Dataset) -> tuple[np.ndarray, float | None]:
    """Slice normal towards the head, and the position along it (PS3.3 C.7.6.2.1.1)."""
    directions = dataset.get("ImageOrientationPatient") or [1, 0, 0, 0, 1, 0]
    row, column = np.array(directions, dtype=float).reshape(2, 3)
    normal = np.cross(row, column)
    if normal[2] < 0:
        normal = -normal
    position = dataset.get("ImagePositionPatient")
    return normal, float(np.dot(np.array(position, float), normal)) if position else None


def contrast_of(dataset: Dataset) -> str | None:
    """Contrast phase by what the header says, from the most specific attribute on.

    ContrastBolusAgent (with ContrastBolusRoute), then SeriesDescription, then StudyDescription: a
    study with contrast has series without, so the study is asked last, and one "with and without"
    says nothing.

    Returns:
        "ct", "cect", or None if the header does not say.
    """
    agent = str(dataset.get("ContrastBolusAgent") or "").strip().lower()
    route = f"{agent} {dataset.get('ContrastBolusRoute') or ''}".lower()
    if not NO_AGENT.fullmatch(agent) and (IN_VEIN.search(route) or not BY_MOUTH.search(route)):
        return ENHANCED
    for keyword in ("SeriesDescription", "StudyDescription"):
        words = re.sub(r"[^a-z0-9/&+-]+", " ", str(dataset.get(keyword) or "").lower())
        if BOTH.search(words):
            continue
        if WITHOUT.search(words):
            return PLAIN
        if WITH.search(words):
            return ENHANCED
    return None
