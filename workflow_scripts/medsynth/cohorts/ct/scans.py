"""A patient's CT scans: read as volumes, brought to a common grid and registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.ct.identity import volume_id
from medsynth.cohorts.ct.settings import CtConvert
from medsynth.cohorts.files import decode_unchanged
from medsynth.imaging.ct.contrast.words import ENHANCED, PLAIN
from medsynth.imaging.ct.nifti import is_nifti, read_nifti
from medsynth.imaging.ct.series import Slice, read_placed, volumes_of
from medsynth.imaging.ct.settings import CtRegister
from medsynth.imaging.ct.volumes import Volume, axial_grid, centre_of, resample
from medsynth.imaging.dicom import AIR_HU
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digests import digest_bytes
from medsynth.store.quarantine import UnusableImage


@dataclass(frozen=True)
class Scan:
    """One volume and what it was made of.

    name: see :func:`.identity.volume_id`. item: the manifest columns
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
    rows: pd.DataFrame, root: Path, max_missing: int, in_child: Isolated
) -> tuple[list[Scan], list[dict[str, Any]]]:
    """Read one series.

    Args:
        rows: its usable index rows: DICOM slices, or one NIfTI file.
        root: folder `source` is relative to.
        max_missing: as in :func:`.series.volumes_of`. A slice that cannot be read
            is missing, too.
        in_child: the process that decodes.

    Returns:
        Its volumes, and the rows that cannot be used, quarantined with their reason.
    """
    items = rows.to_dict("records")
    slices, scans, bad = [], [], []
    for i, item in enumerate(items):
        try:
            source = root / item["source"], item["source_sha256"]
            if is_nifti(item["source"]):
                volume = in_child(decode_unchanged, read_nifti, *source)
                scans.append(_scan(volume, [item], 0, 0))
            else:
                hu, affine = in_child(decode_unchanged, read_placed, *source)
                slices.append(Slice(hu, affine, i))
        except UnusableImage as error:
            bad.append(
                item | {"status": error.status, "reason": error.reason, "detail": error.detail}
            )
    for part, (volume, members) in enumerate(volumes_of(slices, max_missing)):
        interpolated = len(volume.hu) - len(members)
        scans.append(_scan(volume, [items[one.index] for one in members], part, interpolated))
    divided = {"stretches": len(scans)}
    return [replace(scan, item=scan.item | divided) for scan in scans], bad


def _scan(volume: Volume, sources: list[dict[str, Any]], part: int, interpolated: int) -> Scan:
    item = sources[0] | {
        "source_sha256": digest_of([source["source_sha256"] for source in sources]),
        "source_bytes": sum(source["source_bytes"] for source in sources),
        "interpolated": interpolated,
    }
    return Scan(volume_id(item["series"], part), volume, item, sources)


def read_study(
    rows: pd.DataFrame, root: Path, settings: CtConvert, in_child: Isolated
) -> tuple[list[Scan], list[dict[str, Any]]]:
    """Read one patient's series of one study, on the grid the settings ask for.

    With `spacing_mm`, the series of one frame of reference share the middle of what they scanned
    together, so that the same place of the patient is the same pixel in all of them. With
    `registration`, the series of the longest volume without contrast medium is moved onto that of
    the longest one with it, see :func:`_registered`.

    Returns:
        As :func:`read_series`, for all series.
    """
    scans, bad = [], []
    for _, series in rows.groupby("series"):
        found, unusable = read_series(series, root, settings.max_missing, in_child)
        scans += found
        bad += unusable
    placed = scans
    if settings.spacing_mm is not None:
        placed = _on_common_grids(scans, settings.image_size, settings.spacing_mm)
    if settings.registration:
        placed = _registered(scans, placed, settings.registration)
    return placed, bad


def _registered(scans: list[Scan], placed: list[Scan], settings: CtRegister) -> list[Scan]:
    """The scans, those of the plain series moved onto the grids of those of the enhanced one.

    How, the longest volume of either tells. A series may be divided into several: on each enhanced
    one, every slice is that of the plain one which was scanned there. All of these have a frame of
    reference of their own, so that they pair with each other only; what was measured of the
    registration becomes columns reg_*. What has no counterpart stays as it is.

    Args:
        scans: as they were scanned: interpolated once, not twice.
        placed: the same on the grid of the cohort.
    """
    from medsynth.imaging.ct.registration import register_rigid  # an extra: only where asked for

    fixed, moving = _longest(scans, ENHANCED), _longest(scans, PLAIN)
    if fixed is None or moving is None:
        return placed
    target = next(scan for scan in placed if scan.name == fixed.name)
    result = register_rigid(target.volume, moving.volume, settings)
    shared = {"frame": fixed.name}
    quality = {f"reg_{name}": value for name, value in result.quality.items()}
    movers = [scan for scan in scans if scan.item["series"] == moving.item["series"]]
    divided = {"stretches": len(movers)}
    others: list[Scan] = []
    moved: list[Scan] = []
    used: set[str] = set()
    for target in placed:
        if target.item["series"] == fixed.item["series"]:
            volume, chosen = _composed(movers, result.transform, target.volume)
            if chosen:
                sources = [source for scan in chosen for source in scan.sources]
                interpolated = sum(scan.item["interpolated"] for scan in chosen)
                scan = _scan(volume, sources, len(moved), interpolated)
                moved.append(replace(scan, item=scan.item | divided | shared | quality))
                target = replace(target, item=target.item | shared)
                used |= {scan.name for scan in chosen}
        if target.item["series"] != moving.item["series"]:
            others.append(target)
    left = [s for s in placed if s.item["series"] == moving.item["series"] and s.name not in used]
    named = [volume_id(moving.item["series"], len(moved) + part) for part in range(len(left))]
    return others + moved + [replace(s, name=name) for s, name in zip(left, named, strict=True)]


def _composed(
    movers: list[Scan], transform: np.ndarray, target: Volume
) -> tuple[Volume, list[Scan]]:
    """Several volumes of one series on one grid, and those that show something there.

    Every slice is that of the volume whose slices lie nearest.
    """
    from medsynth.imaging.ct.registration import laid, mapped

    slices, rows, columns = target.hu.shape
    middles = np.array([[(columns - 1) / 2, (rows - 1) / 2, k] for k in range(slices)])
    there = mapped(target.places(middles), transform)
    beyond = []  # mm that a volume ends before the slice
    for scan in movers:
        place = mapped(there, np.linalg.inv(scan.volume.affine))[:, 2]
        outside = np.maximum(-place, place - (len(scan.volume.hu) - 1)).clip(0)
        beyond.append(outside * scan.volume.spacing[2])
    nearest = np.argmin(beyond, axis=0)
    hu = np.full(target.hu.shape, AIR_HU, np.int16)
    chosen = []
    for i in np.unique(nearest):
        here = nearest == i
        hu[here] = laid(movers[i].volume, transform, target).hu[here]
        if np.ptp(hu[here]):
            chosen.append(movers[i])
    return Volume(hu, target.affine), chosen


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
