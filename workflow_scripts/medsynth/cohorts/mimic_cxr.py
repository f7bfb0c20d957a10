"""MIMIC-CXR: the published tables and DICOM tree (Johnson et al. 2019, doi:10.13026/C2JT1Q)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from medsynth.cohorts.dicom import read_radiograph
from medsynth.cohorts.resize import centre_square, resize_area
from medsynth.cohorts.sources import (
    fill_shard,
    hash_sources,
    quarantine_repeats,
    read_csv,
    set_aside,
)
from medsynth.cohorts.unusable import CohortError
from medsynth.runtime.config.cxr import CxrIndex, CxrRead, FindingLabel
from medsynth.store.digests import DigestCache
from medsynth.store.manifests import EXCLUDED, USED, manifest, shard_of

KEYS = ["subject_id", "study_id", "dicom_id"]


def index_mimic_cxr(
    root: Path, settings: CxrIndex, cache: DigestCache | None = None
) -> pd.DataFrame:
    """One row for every radiograph of mimic-cxr-2.0.0-metadata.csv.gz.

    Args:
        root: folder with files/ and the mimic-cxr-2.0.0-*.csv.gz tables (or unpacked .csv).
            The split table is optional; the CheXpert table is needed for label kind "finding".
        settings: label, views, number of shards.
        cache: known digests of files.

    Returns:
        Index manifest with the extra columns "view" and "split_hint" (train, validate, test or
        null). item_id is dicom_id, patient subject_id, group study_id. Excluded: view, no_finding
        (none of the findings is positive), ambiguous (several are), uncertain. Quarantined:
        duplicate, missing_file, unreadable. Only used rows are hashed.

    Raises:
        CohortError: a table or a column is missing.
    """
    frame = read_csv(_table(root, "metadata"), [*KEYS, "ViewPosition"])[[*KEYS, "ViewPosition"]]
    frame = frame.rename(columns={"ViewPosition": "view"}).assign(status=USED, reason=None)
    set_aside(frame, ~frame["view"].isin(settings.views), EXCLUDED, "view")
    if isinstance(settings.label, FindingLabel):
        frame = _label_findings(frame, root, settings.label)
    else:
        frame["label"] = frame["view"]
    frame = _add_split_hint(frame, root)
    subject = "p" + frame["subject_id"]
    study = "s" + frame["study_id"]
    folder = "files/" + subject.str[:3] + "/" + subject + "/" + study
    frame["source"] = folder + "/" + frame["dicom_id"] + ".dcm"
    frame = frame.rename(
        columns={"dicom_id": "item_id", "subject_id": "patient", "study_id": "group"}
    ).sort_values("item_id", ignore_index=True)
    frame["shard"] = [shard_of(item, settings.shards) for item in frame["item_id"]]
    quarantine_repeats(frame)
    hash_sources(frame, root, cache)
    return manifest(frame)


def shard_mimic_cxr(
    index: pd.DataFrame, root: Path, settings: CxrRead, path: Path, attrs: dict[str, str]
) -> pd.DataFrame:
    """Decode the radiographs of one shard to uint8 (image_size, image_size, 1).

    The largest centred square is cut out and its areas are averaged: the image stays undistorted
    and free of made-up borders, the ends of the longer side are lost.

    Returns:
        Manifest of the index's usable rows: used with `row`, or quarantined with their reason.
    """

    def decode(data: bytes) -> np.ndarray:
        square = centre_square(read_radiograph(data))
        return resize_area(square, settings.image_size, settings.image_size)

    return fill_shard(index, root, path, attrs, decode)


def _table(root: Path, name: str) -> Path:
    packed = root / f"mimic-cxr-2.0.0-{name}.csv.gz"
    unpacked = packed.with_suffix("")
    return unpacked if unpacked.exists() else packed


def _label_findings(frame: pd.DataFrame, root: Path, label: FindingLabel) -> pd.DataFrame:
    """The one positive finding (1.0) of the study; -1.0 is uncertain, empty is not mentioned."""
    keys = ["subject_id", "study_id"]
    table = read_csv(_table(root, "chexpert"), [*keys, *label.findings]).drop_duplicates(keys)
    merged = frame.merge(table[[*keys, *label.findings]], on=keys, how="left")
    values = merged[label.findings].apply(pd.to_numeric, errors="coerce")
    if label.uncertain == "exclude":
        set_aside(merged, (values == -1).any(axis=1), EXCLUDED, "uncertain")
    positive = (values == 1) | ((values == -1) & (label.uncertain == "positive"))
    set_aside(merged, positive.sum(axis=1) == 0, EXCLUDED, "no_finding")
    set_aside(merged, positive.sum(axis=1) > 1, EXCLUDED, "ambiguous")
    merged["label"] = positive.idxmax(axis=1).where(merged["status"] == USED)
    return merged.drop(columns=label.findings)


def _add_split_hint(frame: pd.DataFrame, root: Path) -> pd.DataFrame:
    path = _table(root, "split")
    if not path.exists():
        return frame.assign(split_hint=None)
    table = read_csv(path, [*KEYS, "split"])
    if strange := sorted(set(table["split"].dropna()) - {"train", "validate", "test"}):
        raise CohortError(
            f"{path}: column split has values {', '.join(strange)}; expected train, validate, test"
        )
    hints = table.drop_duplicates(KEYS).rename(columns={"split": "split_hint"})
    return frame.merge(hints[[*KEYS, "split_hint"]], on=KEYS, how="left")
