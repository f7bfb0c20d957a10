"""CT series: which slices belong together, and the volumes that they are.

Where a slice lies follows from ImagePositionPatient, ImageOrientationPatient and PixelSpacing
(PS3.3 C.7.6.2.1.1). InstanceNumber, SliceLocation and file names are not believed, nor is
GantryDetectorTilt, whose sign differs between vendors: the positions say it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from pydicom.dataset import Dataset
from scipy import ndimage

from medsynth.imaging.ct.stretches import stretches
from medsynth.imaging.ct.volumes import Volume, canonical, check_spacing
from medsynth.imaging.dicom import AIR_HU, open_dicom, read_hu
from medsynth.store.digests import digest_json
from medsynth.store.quarantine import UnusableImage, unusable_as

ID_DIGITS = 16
SAME_PLACE = 0.01  # mm: positions are written with two to five decimals
GEOMETRY = ("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing")
STRAIGHT = 0.01  # pixels of sideways movement over a whole series


@dataclass(frozen=True)
class Slice:
    """One decoded slice.

    hu: int16 (rows, columns). affine: float64 (4, 4), from (column, row, 0) to LPS mm; its third
    column is the unit normal towards the head. index: the caller's name for it.
    """

    hu: np.ndarray
    affine: np.ndarray
    index: int


def normal_of(orientation: Sequence[float]) -> np.ndarray:
    """Unit normal (3,) towards the head of the plane of ImageOrientationPatient."""
    row, column = np.array(orientation, dtype=float).reshape(2, 3)
    normal = np.cross(row, column)
    return -normal if normal[2] < 0 else normal


def read_placed(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The Hounsfield units of a slice and where they lie, as in :class:`Slice`.

    Raises:
        UnusableImage: those of plane_of and :func:`medsynth.imaging.dicom.read_hu`.
    """
    plane = plane_of(open_dicom(data, pixels=False))
    return read_hu(data), plane


def plane_of(dataset: Dataset) -> np.ndarray:
    """The affine of a :class:`Slice`.

    ImagerPixelSpacing and NominalScannedPixelSpacing, which are about detectors and film, do not
    stand in for PixelSpacing.

    Raises:
        UnusableImage: no_position, bad_spacing.
    """
    if missing := [keyword for keyword in GEOMETRY if not dataset.get(keyword)]:
        raise UnusableImage("no_position", f"without {', '.join(missing)}")
    with unusable_as("no_position"):
        affine = np.eye(4)
        row, column = np.array(dataset.ImageOrientationPatient, dtype=float).reshape(2, 3)
        affine[:3, 2] = normal_of([*row, *column])
        affine[:3, 3] = np.array(dataset.ImagePositionPatient, dtype=float)
        square = np.allclose([row @ row, column @ column, row @ column], [1, 1, 0], atol=1e-3)
        shape = int(dataset.Columns), int(dataset.Rows)
    if not (square and np.isfinite(affine).all()):
        raise UnusableImage("no_position", "no right-angled plane")
    with unusable_as("bad_spacing"):
        between_rows, between_columns = np.array(dataset.PixelSpacing, dtype=float)
        check_spacing((between_columns, between_rows), shape)
    affine[:3, 0], affine[:3, 1] = row * between_columns, column * between_rows
    return affine


def height_of(affine: np.ndarray) -> float:
    """Place of a :class:`Slice` in mm along its normal, towards the head."""
    return float(affine[:3, 2] @ affine[:3, 3])


def plane_id_of(affine: np.ndarray, shape: tuple[int, ...]) -> str:
    """Id of axes, matrix, pixel size and place within the plane, to whole millimetres.

    Args:
        affine: of a :class:`Slice` or a Volume.
        shape: of a volume: slices, rows, columns.
    """
    axes = affine[:3, :2] / np.linalg.norm(affine[:3, :2], axis=0)
    place = axes.T @ affine[:3, 3]
    numbers = [affine[:3, :2].ravel().round(3), place.round()]
    values = [[float(v) + 0.0 for v in each] for each in numbers]  # no -0.0
    return digest_json(*values, list(shape[1:]))[:ID_DIGITS]


def series_of(dataset: Dataset, patient: str, label: str | None) -> str:
    """Id of the slices that can be one volume with this one: 16 hex digits.

    Archives put reconstructions, orientations and matrix sizes under one SeriesInstanceUID, and
    copies of several patients, too. The id depends on the slice (and what it was labelled) alone,
    so it stays when others come and go, and gives nobody away.
    """

    def numbers(keyword: str, decimals: int) -> list[float]:
        values = dataset.get(keyword)
        values = values if isinstance(values, Sequence) else [values]
        return [round(float(v), decimals) + 0.0 for v in values if v is not None]  # no -0.0

    return digest_json(
        patient,
        label,
        *(str(dataset.get(k)) for k in ("SeriesInstanceUID", "FrameOfReferenceUID", "ImageType")),
        *(str(dataset.get(k)) for k in ("ConvolutionKernel", "Rows", "Columns")),
        numbers("ImageOrientationPatient", 3),
        numbers("PixelSpacing", 4),
        numbers("SliceThickness", 3),
    )[:ID_DIGITS]


def divide_acquisitions(frame: pd.DataFrame) -> pd.Series:
    """Series ids, of which those of several scans of one region are divided by acquisition.

    Several phases may share a series. Where no place repeats, and no acquisition has slices among
    those of another one, the number only counts the rotations of a step-and-shoot scan.

    Args:
        frame: rows with series, z and acquisition.
    """
    repeats = same_place(frame).groupby(frame["series"]).transform("any")
    repeats |= frame["series"].isin(_interlocked(frame))
    divided = [
        digest_json(series, acquisition)[:ID_DIGITS] if repeated else series
        for series, acquisition, repeated in zip(
            frame["series"], frame["acquisition"], repeats, strict=True
        )
    ]
    return pd.Series(divided, index=frame.index, dtype="str")


def _interlocked(frame: pd.DataFrame) -> set[str]:
    """The series of which two acquisitions, of two slices at least, overlap."""
    ranges = frame.groupby(["series", "acquisition"])["z"].agg(["min", "max"])
    ranges = ranges[ranges["max"] > ranges["min"]].sort_values(["series", "min"]).reset_index()
    reached = ranges.groupby("series")["max"].cummax().groupby(ranges["series"]).shift()
    return set(ranges.loc[ranges["min"] < reached - SAME_PLACE, "series"])


def same_place(frame: pd.DataFrame) -> pd.Series:
    """Mask of the rows that repeat the place (series and z) of an earlier row."""
    placed = frame[frame["z"].notna()].sort_values(["series", "z"], kind="stable")
    apart = placed.groupby("series")["z"].diff()
    place = (~(apart <= SAME_PLACE)).cumsum().sort_index()  # null and far: another place
    return place.duplicated().reindex(frame.index, fill_value=False)


def volumes_of(slices: Sequence[Slice], max_missing: int) -> Iterator[tuple[Volume, list[Slice]]]:
    """Put slices together.

    They are sorted by place and divided into :func:`.stretches.stretches`: at gaps
    of more than `max_missing` slices and where their distance changes; shorter gaps are
    interpolated linearly. Every slice is moved sideways to where its position says, so that what a
    tilted gantry has sheared is upright.

    Args:
        slices: of one series: same orientation, spacing and matrix.

    Yields:
        Volumes with axes at right angles, :func:`canonical`, and the slices they are made of. A
        volume of a single slice is 1 mm thick, and its tilt is left out.
    """
    if not slices:
        return
    normal = slices[0].affine[:3, 2]
    heights = np.array([one.affine[:3, 3] @ normal for one in slices])
    order = np.argsort(heights, kind="stable")
    start = 0
    for slots in stretches(heights[order], max_missing):
        members = [slices[i] for i in order[start : start + len(slots)]]
        start += len(slots)
        yield _flat(members[0]) if len(members) == 1 else _stack(members, slots), members


def _flat(one: Slice) -> Volume:
    volume = canonical(Volume(one.hu[None], one.affine))
    centre = (np.array(volume.hu.shape[::-1]) - 1) / 2
    affine = np.diag([*volume.spacing, 1.0])
    affine[:3, 3] = volume.places(centre[None])[0] - volume.spacing * centre
    return Volume(volume.hu, affine)


def _stack(slices: Sequence[Slice], slots: np.ndarray) -> Volume:
    affine = slices[0].affine.copy()
    across, normal = affine[:3, :2], affine[:3, 2].copy()
    places = np.stack([one.affine[:3, 3] for one in slices]) - affine[:3, 3]
    moves = places @ (across / np.square(across).sum(axis=0))  # pixels: columns, rows
    if np.ptp(moves, axis=0).max() < STRAIGHT:
        moves = np.zeros_like(moves)
    low = np.floor(moves.min(axis=0)).astype(int)
    wider, higher = np.ceil(moves.max(axis=0)).astype(int) - low
    rows, columns = slices[0].hu.shape
    hu = np.empty((slots[-1] + 1, rows + higher, columns + wider), np.int16)
    for one, slot, (right, down) in zip(slices, slots, moves - low, strict=True):
        framed = np.pad(one.hu, ((0, higher), (0, wider)), constant_values=AIR_HU)
        if right or down:
            by, outside = (down, right), {"mode": "grid-constant", "cval": AIR_HU}
            framed = np.rint(ndimage.shift(framed.astype(np.float32), by, order=1, **outside))
        hu[slot] = framed
    for below, above in pairwise(slots):
        for slot in range(below + 1, above):
            weight = (slot - below) / (above - below)
            hu[slot] = np.rint((1 - weight) * hu[below] + weight * hu[above])
    affine[:3, 2] = normal * (places[-1] @ normal) / slots[-1]
    affine[:3, 3] += across @ low
    return canonical(Volume(hu, affine))


def field_mm(affine: np.ndarray, shape: tuple[int, ...]) -> float | None:
    """Side in mm of the square that an image fills, if its pixels are square."""
    across, down = np.linalg.norm(affine[:3, :2], axis=0)
    return float(across * max(shape[1:])) if np.isclose(across, down, rtol=1e-3) else None
