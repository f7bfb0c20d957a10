"""CT with and without contrast medium: which slices and volumes there are, by their headers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from medsynth.cohorts.ct.identity import file_id
from medsynth.cohorts.ct.labels import check_words, label_by_brightness, label_columns, phase_of
from medsynth.cohorts.ct.settings import CtIndex, TagContrast
from medsynth.cohorts.files import (
    evenly,
    hash_sources,
    matching_files,
    quarantine_repeats,
    set_aside,
)
from medsynth.cohorts.labels import check_names, read_labels, row_of
from medsynth.imaging.ct.nifti import check_nifti, is_nifti
from medsynth.imaging.ct.series import (
    ID_DIGITS,
    divide_acquisitions,
    field_mm,
    height_of,
    plane_id_of,
    plane_of,
    same_place,
    series_of,
)
from medsynth.imaging.ct.slices import check_ct_image
from medsynth.imaging.dicom import check_burned_in, open_dicom
from medsynth.runtime.settings import TableLabel
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_json
from medsynth.store.manifests import QUARANTINED, USED, manifest, shard_of
from medsynth.store.quarantine import CohortError, ExcludedImage, UnusableImage, unusable_as
from medsynth.store.tables.absence import says_nothing

SETTINGS = CtIndex
PATIENT = "patient_id"  # column of the label table
EXTRAS = ["study", "series", "frame", "plane", "z", "field_mm", "acquisition"]
EXTRAS += ["manufacturer", "kernel", "label_source", "contrast_confidence", "detail"]
LEAST_AXIAL = 0.8  # cosine of the slice normal to the body axis; gantries tilt up to 30 degrees


def index(
    root: Path, settings: CtIndex, cache: DigestCache | None = None, threads: int = 1
) -> pd.DataFrame:
    """One row for every file below `root` that the pattern matches, from the headers alone.

    Patients are taken from the label table's column "patient_id" where it has one (public
    sets often have their PatientID replaced), else from PatientID; for NIfTI files the column is
    needed. Only where the header does not tell the contrast phase, and the settings say so, pixels
    are read.

    Returns:
        Index manifest. Shards are of whole patients. item_id as
        :func:`.identity.file_id` says, group SeriesInstanceUID (NIfTI: item_id), label "ct" or
        "cect". Extra columns: study and series (digests; a series that mixes orientations, grids,
        reconstructions or phases has several), frame (FrameOfReferenceUID), plane (where the pixels
        lie in it), z (mm along the slice normal, towards the head; null for NIfTI), manufacturer
        and kernel (in capitals), label_source (tags, table, brightness), contrast_confidence (of
        brightness; uncalibrated), detail (the words behind a reason). Excluded: what
        :func:`medsynth.imaging.ct.slices.check_ct_image` and burned_in leave out, not_axial,
        no_contrast_label, contrast_contradiction. Quarantined: not_dicom, not_nifti,
        wrong_modality (none named), multi_frame, bad_tags, no_patient, no_position, bad_spacing,
        duplicate, same_place, unreadable, unknown_phase.

    Raises:
        CohortError: no file matches, or the label table is missing, lacks columns, contradicts
            itself or has a key that several files answer to; NIfTI files whose patient nobody says.
    """
    frame = hashed(listed(root, settings), root, settings, cache, threads)
    label = settings.label
    if isinstance(label, TagContrast) and label.intensity:
        label_by_brightness(frame, root, label.min_confidence)
    return manifest(frame.drop(columns="acquisition"))


def hashed(
    frame: pd.DataFrame,
    root: Path,
    settings: CtIndex,
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Listed rows with the digests of their files, and what these tell."""
    hash_sources(frame, root, cache, threads)
    volumes = (frame["status"] == USED) & frame["source"].map(is_nifti)
    # With the bytes, so that nobody guesses a patient's number from the ids of their slices.
    frame.loc[volumes, "series"] = [
        digest_json(*pair)[:ID_DIGITS]
        for pair in zip(frame["item_id"][volumes], frame["source_sha256"][volumes], strict=True)
    ]
    return frame


def listed(root: Path, settings: CtIndex, most: int | None = None) -> pd.DataFrame:
    """As :func:`index`, from the headers alone: no pixel is read, and none is hashed.

    Args:
        root, settings: see there.
        most: files of which the header is read, evenly spread over all; None: each.
    """
    label, table = settings.label, None
    files = matching_files(root, settings.pattern)
    if isinstance(label, TableLabel):
        table = read_labels(label, PATIENT)
        check_names(files, root, table)
        check_words(table, label)
    rows = [_row(file, root, table, settings) for file in evenly(files, most)]
    dtypes = {"z": float, "contrast_confidence": float, "manufacturer": "str", "kernel": "str"}
    frame = manifest(rows).astype(dtypes)
    _check_patients(frame, settings, table is not None and PATIENT in table)
    quarantine_repeats(frame)
    usable = frame["status"] == USED
    frame.loc[usable, "series"] = divide_acquisitions(frame[usable])
    set_aside(frame, usable & same_place(frame.where(usable)), QUARANTINED, "same_place")
    return frame


def _row(file: Path, root: Path, table: pd.DataFrame | None, settings: CtIndex) -> dict[str, Any]:
    """The index row of one file, used, excluded or quarantined."""
    source = file.relative_to(root).as_posix()
    row: dict[str, Any] = dict.fromkeys(EXTRAS)
    row |= {"item_id": file_id(source), "source": source, "status": USED}
    try:
        found = None if table is None else row_of(table, file, root)
        if is_nifti(source):
            check_nifti(file)
            phase = phase_of(None, found, settings.label)
            row |= dict.fromkeys(("group", "series"), row["item_id"])  # until its digest is known
        else:
            dataset = open_dicom(file, pixels=False)
            with unusable_as("bad_tags"):
                row |= _identity(dataset, source)
                check_ct_image(dataset)
                check_burned_in(dataset, settings.burned_in)
                phase = phase_of(dataset, found, settings.label)
        row["label"] = phase.label
        if found is not None:
            row["patient"] = _patient(found.get(PATIENT, row.get("patient")))
        if not row.get("patient") and (found is not None or not is_nifti(source)):
            raise UnusableImage("no_patient")
        if not is_nifti(source):
            with unusable_as("bad_tags"):
                row |= _place(dataset)
                row["series"] = series_of(dataset, row["patient"], row["label"])
                row |= _scanner(dataset)
        row |= label_columns(phase, settings.label)
    except UnusableImage as error:
        row |= {"status": error.status, "reason": error.reason, "detail": error.detail}
    return row | {"shard": shard_of(row.get("patient") or row["item_id"], settings.shards)}


def _identity(dataset: Dataset, source: str) -> dict[str, Any]:
    study = dataset.get("StudyInstanceUID")
    return {
        "item_id": file_id(source, dataset),
        "patient": _patient(dataset.get("PatientID")),
        "group": str(dataset.get("SeriesInstanceUID") or "") or None,
        "study": digest_json(str(study))[:ID_DIGITS] if study else None,
        "frame": str(dataset.get("FrameOfReferenceUID") or "") or None,
        "acquisition": str(dataset.get("AcquisitionNumber")),
    }


def _patient(written: Any) -> str | None:
    return None if pd.isna(written) or says_nothing(str(written)) else str(written).strip()


def _place(dataset: Dataset) -> dict[str, Any]:
    affine = plane_of(dataset)
    if affine[2, 2] < LEAST_AXIAL:
        raise ExcludedImage("not_axial")
    shape = (1, int(dataset.Rows), int(dataset.Columns))
    place = {"plane": plane_id_of(affine, shape), "z": height_of(affine)}
    return place | {"field_mm": field_mm(affine, shape)}


def _scanner(dataset: Dataset) -> dict[str, str | None]:
    """Who built it (0008,0070), how it reconstructs (0018,1210): they are spelt in any capitals."""

    def words(value: Any) -> str | None:
        values = value if isinstance(value, MultiValue) else [value or ""]
        return " ".join(str(v).upper() for v in values).strip() or None

    return {
        "manufacturer": words(dataset.get("Manufacturer")),
        "kernel": words(dataset.get("ConvolutionKernel")),
    }


def _check_patients(frame: pd.DataFrame, settings: CtIndex, tabled: bool) -> None:
    """Refuse volumes whose patient nothing tells: two phases of one would be two patients.

    Raises:
        CohortError: see above.
    """
    nameless = frame["reason"].isin(["no_patient", "no_contrast_label"])
    good = (frame["status"] == USED) | nameless
    volumes = int((good & frame["source"].map(is_nifti)).sum())
    if not volumes or tabled:
        return
    if isinstance(settings.label, TableLabel):
        raise CohortError(
            f"{settings.label.path}: no column {PATIENT!r}, and {volumes} NIfTI files, which do not"
            " say whose they are; add the column, with the same id for all files of a patient, or"
            " leave these files out of index.pattern"
        )
    raise CohortError(
        f"{volumes} NIfTI files, which tell neither patient nor contrast phase; give index.label"
        f" kind: table with a table that has the columns of key and value and {PATIENT!r}, the same"
        " id for all files of a patient, or leave these files out of index.pattern"
    )
