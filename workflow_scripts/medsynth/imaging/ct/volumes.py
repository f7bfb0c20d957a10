"""CT volumes: Hounsfield units on a grid, where the grid lies in the patient, and other grids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from nibabel import orientations
from scipy import ndimage

from medsynth.imaging.dicom import AIR_HU
from medsynth.store.quarantine import UnusableImage

FWHM = np.sqrt(8 * np.log(2))  # width at half maximum of a Gaussian of sigma 1
ON_GRID = 1e-6  # voxels
# What a CT scanner makes: pixels from 0.05 mm (1,024 over an ear) on; slices more than 10 mm apart
# say nothing about what lies between them. Other values are metres, microns or nonsense.
SPACING_MM = (0.05, 10.0)
WIDEST_FIELD_MM = 1000.0  # no gantry is wider


@dataclass(frozen=True)
class Volume:
    """Slices of one series, from the feet to the head.

    hu: int16 (slices, rows, columns), Hounsfield units.
    affine: float64 (4, 4), from voxel (column, row, slice) to patient mm, DICOM's LPS axes.
    """

    hu: np.ndarray
    affine: np.ndarray

    @property
    def spacing(self) -> np.ndarray:
        """Distance (3,) in mm of neighbouring voxels along columns, rows and slices."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def heights(self) -> np.ndarray:
        """Place (slices,) in mm of every slice along the slice normal, towards the head.

        As in :func:`medsynth.imaging.ct.series.height_of`.
        """
        columns, rows, _ = (self.affine[:3, :3] / self.spacing).T
        normal = np.cross(columns, rows)
        normal *= np.sign(normal[2])
        steps = np.arange(len(self.hu))[:, None] * self.affine[:3, 2]
        return (self.affine[:3, 3] + steps) @ normal

    def places(self, voxels: np.ndarray) -> np.ndarray:
        """Patient coordinates (n, 3) in mm of voxels (n, 3) in the order column, row, slice."""
        return voxels @ self.affine[:3, :3].T + self.affine[:3, 3]


def check_spacing(
    spacing: Sequence[float], shape: Sequence[int], longest: float = WIDEST_FIELD_MM
) -> None:
    """Refuse spacings that no CT scanner makes.

    Args:
        spacing: distance in mm of neighbours along each axis.
        shape: their number along each axis.
        longest: extent in mm that no axis has.

    Raises:
        UnusableImage: bad_spacing.
    """
    low, high = SPACING_MM
    written = " x ".join(f"{value:g}" for value in spacing)
    if not all(low <= value <= high for value in spacing):  # a NaN is not, either
        raise UnusableImage("bad_spacing", f"{written} mm, not {low:g} to {high:g} mm")
    if (extent := max(np.multiply(spacing, shape))) > longest:
        raise UnusableImage("bad_spacing", f"{written} mm, which is {extent:.0f} mm in all")


def canonical(volume: Volume) -> Volume:
    """The same voxels, with columns running to the left, rows to the back, slices to the head.

    Axes are swapped and turned round, nothing is interpolated.
    """
    turn = orientations.io_orientation(volume.affine)
    hu = orientations.apply_orientation(volume.hu.transpose(2, 1, 0), turn)
    affine = volume.affine @ orientations.inv_ornt_aff(turn, volume.hu.shape[::-1])
    return Volume(np.ascontiguousarray(hu.transpose(2, 1, 0)), affine)


def resample(volume: Volume, affine: np.ndarray, shape: tuple[int, int, int]) -> Volume:
    """The volume on another grid, linearly interpolated; what it does not reach is air.

    Where the grid is coarser, the volume is first smoothed by the Gaussian whose width at half
    maximum makes up the difference (Cardoso et al., MICCAI 2015, "Scale factor point spread
    function matching"); otherwise noise would be picked instead of averaged.

    Args:
        affine: (4, 4) of the new grid.
        shape: (slices, rows, columns) of the new grid.
    """
    between = np.linalg.inv(volume.affine) @ affine  # new voxel to old, (column, row, slice)
    coarser = np.linalg.norm(between[:3, :3], axis=1)[::-1]
    sigma = np.sqrt(np.maximum(coarser**2 - 1, 0)) / FWHM
    # The outermost voxels once more: they are wider than their centres.
    hu = ndimage.gaussian_filter(volume.hu.astype(np.float32), sigma, mode="nearest")
    hu = np.pad(hu, 1, mode="edge")
    matrix, offset = between[:3, :3][::-1, ::-1], between[:3, 3][::-1] + 1
    if np.allclose(matrix, np.diag(np.diag(matrix)), atol=ON_GRID / max(shape)):
        matrix = np.diag(matrix)  # separable, and much faster
    moved = ndimage.affine_transform(hu, matrix, offset, shape, order=1, cval=AIR_HU)
    return Volume(np.rint(moved).astype(np.int16), affine)


def centre_of(volumes: Iterable[Volume]) -> np.ndarray:
    """The middle (2,), left and back in mm, of the smallest box that holds all the volumes."""
    corners = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3)
    places = [v.places(corners * (np.array(v.hu.shape[::-1]) - 1)) for v in volumes]
    return (np.min(places, axis=(0, 1)) + np.max(places, axis=(0, 1)))[:2] / 2


def axial_grid(
    volume: Volume, centre: np.ndarray, size: int, spacing: float
) -> tuple[np.ndarray, tuple[int, int, int]]:
    """An isotropic grid of axial slices through a volume.

    Volumes given the same `centre` land on the same pixels, whatever their own fields of view.
    Slices lie at multiples of `spacing`, so those of two series of one frame of reference meet;
    a volume too thin to reach a multiple has one slice, in its middle.

    Args:
        centre: middle (2,) of the image, left and back in mm.
        size: rows and columns.
        spacing: of all three axes, mm.

    Returns:
        Affine (4, 4) and shape (slices, size, size).
    """
    slices, rows, columns = volume.hu.shape
    middle = [[(columns - 1) / 2, (rows - 1) / 2, end] for end in (0, slices - 1)]
    low, high = sorted(volume.places(np.array(middle))[:, 2])
    first, last = np.ceil(low / spacing - ON_GRID), np.floor(high / spacing + ON_GRID)
    bottom, count = (first * spacing, int(last - first) + 1)
    if count < 1:
        bottom, count = (low + high) / 2, 1
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [*(centre - spacing * (size - 1) / 2), bottom]
    return affine, (count, size, size)
