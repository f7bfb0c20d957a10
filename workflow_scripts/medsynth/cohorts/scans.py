"""A patient's CT scans: read as volumes, brought to a common grid and registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.contrast import ENHANCED, PLAIN
from medsynth.cohorts.dicom import open_dicom, read_hu
from medsynth.cohorts.nifti import is_nifti, read_nifti
from medsynth.cohorts.registration import register_rigid
from medsynth.cohorts.series import Slice, plane_of, volumes_of
from medsynth.cohorts.sources import read_unchanged
from medsynth.cohorts.unusable import UnusableImage
from medsynth.cohorts.volumes import Volume, axial_grid, centre_of, resample
from medsynth.runtime.config.ct import CtConvert
from medsynth.store.digests import digest_bytes
from medsynth.store.manifests import QUARANTINED


@dataclass(frozen=True)
class Scan:
    """One volume and what it was made of.

    name: series id and number of the stretch, unique and no patient's. item: the manifest columns
    that its slices share. sources: the index rows of its files, from the feet to the head.
    """

    name: str
    volume: Volume
    item: dict[str, Any]
    sources: list[dict[str, Any]]


def digest_of(sha256s: list[str]) -> str:
    """One identity for what was made of several files: the digest of their sorted digests.

    Made of one file, it keeps that file's.
    """
    if len(sha256s) == 1:
        return sha256s[0]
    return digest_bytes("\n".join(sorted(sha256s)).encode())


def read_series(
    rows: pd.DataFrame, root: Path, max_missing: int
) -> tuple[list[Scan], list[dict[str, Any]]]:
    """Read one series.

    Args:
        rows: its usable index rows: DICOM slices, or one NIfTI file.
        root: folder `source` is relative to.
        max_missing: as in :func:`medsynth.cohorts.series.volumes_of`. A slice that cannot be read
            is missing, too.

    Returns:
        Its volumes, and the rows that cannot be used, quarantined with their reason.
    """
    items = rows.to_dict("records")
    slices, scans, bad = [], [], []
    for i, item in enumerate(items):
        try:
            data = read_unchanged(root / item["source"], item["source_sha256"])
            if is_nifti(item["source"]):
                scans.append(_scan(read_nifti(data), [item], 0, 0))
            else:
                plane = plane_of(open_dicom(data, pixels=False))
                slices.append(Slice(read_hu(data), plane, i))
        except UnusableImage as error:
            bad.append(
                item | {"status": QUARANTINED, "reason": error.reason, "detail": error.detail}
            )
    for part, (volume, members) in enumerate(volumes_of(slices, max_missing)):
        interpolated = len(volume.hu) - len(members)
        scans.append(_scan(volume, [items[one.index] for one in members], part, interpolated))
    return scans, bad


def _scan(volume: Volume, sources: list[dict[str, Any]], part: int, interpolated: int) -> Scan:
    item = sources[0] | {
        "source_sha256": digest_of([source["source_sha256"] for source in sources]),
        "source_bytes": sum(source["source_bytes"] for source in sources),
        "interpolated": interpolated,
    }
    return Scan(f"{item['series']}-{part}", volume, item, sources)


def read_study(
    rows: pd.DataFrame, root: Path, settings: CtConvert
) -> tuple[list[Scan], list[dict[str, Any]]]:
    """Read one patient's series of one study, on the grid the settings ask for.

    With `spacing_mm`, the series of one frame of reference share the middle of what they scanned
    together, so that the same place of the patient is the same pixel in all of them. With
    `registration`, the longest series without contrast medium is moved onto the longest one with
    it and takes over its grid; the two then have a frame of reference of their own, so that they
    pair with each other only. What was measured of the registration becomes columns reg_*.

    Returns:
        As :func:`read_series`, for all series.
    """
    scans, bad = [], []
    for _, series in rows.groupby("series"):
        found, unusable = read_series(series, root, settings.max_missing)
        scans += found
        bad += unusable
    fixed = moving = None
    if settings.registration:
        fixed, moving = _longest(scans, ENHANCED), _longest(scans, PLAIN)
    if settings.spacing_mm is not None:
        scans = _on_common_grids(scans, settings.image_size, settings.spacing_mm)
    if fixed is None or moving is None:
        return scans, bad
    target = next(scan for scan in scans if scan.name == fixed.name)
    # Moved as it was scanned: interpolated once, not twice.
    result = register_rigid(target.volume, moving.volume, settings.registration)
    shared = {"frame": fixed.name}
    quality = {f"reg_{name}": value for name, value in result.quality.items()}
    changed = {
        fixed.name: replace(target, item=target.item | shared),
        moving.name: replace(moving, volume=result.moved, item=moving.item | shared | quality),
    }
    return [changed.get(scan.name, scan) for scan in scans], bad


def _longest(scans: list[Scan], label: str) -> Scan | None:
    """The scan of this label that covers most of the body; single slices do not count."""
    candidates = [s for s in scans if s.item["label"] == label and len(s.volume.hu) > 1]
    return max(candidates, key=lambda s: (np.ptp(s.volume.heights), s.name), default=None)


def _on_common_grids(scans: list[Scan], size: int, spacing: float) -> list[Scan]:
    frames: dict[str, list[Volume]] = {}
    for scan in scans:
        frames.setdefault(_frame(scan), []).append(scan.volume)
    centres = {frame: centre_of(volumes) for frame, volumes in frames.items()}
    placed = []
    for scan in scans:
        grid = axial_grid(scan.volume, centres[_frame(scan)], size, spacing)
        placed.append(replace(scan, volume=resample(scan.volume, *grid)))
    return placed


def _frame(scan: Scan) -> str:
    """Without a frame of reference, coordinates compare with nobody else's."""
    frame = scan.item["frame"]
    return scan.name if pd.isna(frame) else frame
