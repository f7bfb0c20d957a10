"""One slice of a NIfTI file as a picture, turned as a reader expects it."""

from __future__ import annotations

import numpy as np
from nibabel import orientations

from medsynth.imaging.ct.nifti import stored_voxels
from medsynth.imaging.ct.nifti_header import Header
from medsynth.imaging.pictures import check_finite, scaled
from medsynth.imaging.pixels import check_size
from medsynth.store.quarantine import UnusableImage

SQUARE = 0.01  # pixels whose sides differ by more would be stretched
SAME_PLACE = 0.25  # of a pixel's side; writers round affines differently
HEAD = 2  # axis of LPS


def read_nifti_slice(
    data: bytes,
    window: tuple[float, float] | None = None,
    place: int | None = None,
    frame: int | None = None,
    beside: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Read one slice: the patient's left at the right, head or front at the top.

    Args:
        data: of the file.
        window: values that become black and white; None: 0 to 255 of 8-bit files that are not
            scaled, cal_min to cal_max of others.
        place: slice along the third axis as it is stored, from 0; None: the file has one only.
        frame: of a 4-D file, from 0; None: it has one only.
        beside: affine of the file that the slice is counted in, if this one goes with another; the
            slice is then taken that lies there, however the axes of the two are stored.

    Returns:
        uint8 (H, W), and the affine, float64 (4, 4), from voxel to LPS mm.

    Raises:
        UnusableImage: other_place (nothing of the file lies there), not_2d (several slices), not_3d
            (several frames), bad_slice, bad_spacing (pixels that are not square), needs_window,
            not_finite, and those of :func:`.nifti.stored_voxels`.
    """
    header, values, affine = _slice(data, place, frame, beside)
    plain = header.kind.kind == "u" and header.kind.itemsize == 1
    if plain and (header.slope, header.intercept) == (1, 0) and header.display is None:
        if window:
            raise UnusableImage("eight_bits")
        return _upright(values, affine), header.affine
    if window is None and header.display is not None:
        window = header.display
    return _upright(scaled(values, window, None), affine), header.affine


def read_nifti_mask(
    data: bytes,
    place: int | None = None,
    frame: int | None = None,
    beside: np.ndarray | None = None,
) -> np.ndarray:
    """Read a mask as bool (H, W), as :func:`read_nifti_slice` does; inside is not 0.

    A mask of one frame is that of every frame of its image.

    Raises:
        UnusableImage: not_finite, and those of read_nifti_slice.
    """
    _, values, affine = _slice(data, place, frame, beside, any_frame=True)
    check_finite(values)
    return _upright(values != 0, affine)


def _slice(
    data: bytes,
    place: int | None,
    frame: int | None,
    beside: np.ndarray | None,
    *,
    any_frame: bool = False,
) -> tuple[Header, np.ndarray, np.ndarray]:
    """The header, the values (columns, rows) of a slice, and the affine that they are turned to."""
    header, voxels = stored_voxels(data, hu=False)
    affine = header.affine
    if any_frame and header.frames == 1:
        frame = None
    if beside is not None:
        turn = orientations.ornt_transform(*map(orientations.io_orientation, (affine, beside)))
        affine = affine @ orientations.inv_ornt_aff(turn, voxels.shape[:3])
        voxels = orientations.apply_orientation(voxels, turn)
        place = _same_place(affine, voxels.shape, beside, place or 0)
    for number, axis, reason in ((place, 2, "not_2d"), (frame, 3, "not_3d")):
        count = voxels.shape[axis]
        if number is None and count > 1:
            raise UnusableImage(reason, f"{count}, of which none is named")
        if number is not None and number >= count:
            raise UnusableImage("bad_slice", f"{number} of {count}, counted from 0")
    values = voxels[:, :, place or 0, frame or 0]
    check_size(*values.shape)
    sizes = np.linalg.norm(affine[:3, :2], axis=0)
    if abs(sizes[0] / sizes[1] - 1) > SQUARE:
        raise UnusableImage("bad_spacing", "pixels of {:g} x {:g} mm".format(*sizes))
    return header, values, affine


def _same_place(affine: np.ndarray, shape: tuple[int, ...], beside: np.ndarray, place: int) -> int:
    """The slice of a volume of this affine and shape that lies at a place of another volume."""
    corners = [[i, j, place, 1] for i in (0, shape[0] - 1) for j in (0, shape[1] - 1)]
    there = beside @ np.array(corners, float).T
    found = round((np.linalg.inv(affine) @ there)[2, 0])
    here = affine @ np.array([[i, j, found, 1] for i, j, _, _ in corners], float).T
    away = float(np.abs(here - there).max())
    if not 0 <= found < shape[2] or away > SAME_PLACE * np.linalg.norm(beside[:3, 0]):
        raise UnusableImage("other_place", f"{away:.3g} mm away, or slice {found} of {shape[2]}")
    return found


def _upright(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Rows and columns of stored (i, j): columns to the left or back, rows to the back or feet."""
    turn = orientations.io_orientation(affine)[:2]
    for axis, (towards, sign) in enumerate(turn):
        if (sign < 0) != (towards == HEAD):  # axes of LPS rise to the left, back and head
            values = np.flip(values, axis)
    if turn[0, 0] < turn[1, 0]:
        values = values.T
    return np.ascontiguousarray(values)
