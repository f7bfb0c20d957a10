"""The header of a NIfTI-1 or NIfTI-2 file, checked against the format before it is believed.

Field names and rules follow nifti1.h and nifti2.h (https://nifti.nimh.nih.gov). NIfTI counts
patient mm to the right, front and head (RAS+), DICOM to the left, back and head (LPS+): the first
two rows of the affine change their sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Literal

import nibabel
import numpy as np

from medsynth.imaging.ct.volumes import check_spacing
from medsynth.store.quarantine import UnusableImage, unusable_as

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
ORDERS: tuple[tuple[Literal["little", "big"], str], ...] = (("little", "<"), ("big", ">"))
# By sizeof_hdr: reader, place of the magic, magic of one file, magic of a pair.
FORMATS = {
    348: (nibabel.Nifti1Header, 344, b"n+1\0", b"ni1\0"),
    540: (nibabel.Nifti2Header, 4, b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n"),
}
UNIT_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # xyzt_units: unknown, metre, mm, micron
SCANNER, ALIGNED, TEMPLATES = 1, 2, (3, 4, 5)  # sform_code, qform_code; 0 is none
MAX_VOXELS = 2**29  # 1 GiB of int16: 2,000 slices of 512 x 512
MAX_HEADER = 2**20  # bytes, extensions included
ALIGNMENT = 16  # bytes, of vox_offset; extensions come in multiples of it, too
SAME_PLACE_MM = 1.0  # sform and qform are rounded differently
SAME_SPACING = 0.01
TALLEST_MM = 2200.0  # any axis may be that of the body


@dataclass(frozen=True)
class Header:
    """What a file says of its voxels.

    shape: columns, rows, slices as they are stored. kind: their type in the file's byte order.
    offset: of the first voxel, bytes. slope, intercept: 1 and 0 where the file names none.
    affine: float64 (4, 4), from voxel to LPS mm. frames: volumes, one behind the other.
    display: cal_min and cal_max, the values to be shown black and white; null where there are none.
    """

    shape: tuple[int, int, int]
    kind: np.dtype
    offset: int
    slope: float
    intercept: float
    affine: np.ndarray
    frames: int = 1
    display: tuple[float, float] | None = None

    @property
    def end(self) -> int:
        """Bytes of the whole file."""
        return self.offset + int(np.prod(self.shape)) * self.frames * self.kind.itemsize


def parse_header(head: bytes, *, hu: bool = True) -> Header:
    """Parse and check the first bytes of a file, uncompressed.

    Args:
        head: header and extensions, MAX_HEADER bytes if there are as many.
        hu: the file is one CT volume; False takes single images, several volumes and values of
            8 bits, too.

    Raises:
        UnusableImage: not_nifti (also one half of a pair .hdr and .img), not_3d, absurd_size,
            bad_header, not_hu (8-bit and complex values, colours), bad_spacing, no_affine.
    """
    raw = _raw_header(head)
    shape, frames = _shape(raw, hu)
    return Header(
        shape,
        _kind(raw, 2 if hu else 1),
        _offset(raw, head),
        *_scaling(raw),
        _affine(raw, shape),
        frames,
        _display(raw),
    )


def _raw_header(head: bytes) -> nibabel.Nifti1Header:
    for order, sign in ORDERS:
        if kind := FORMATS.get(size := int.from_bytes(head[:4], order)):
            reader, place, single, pair = kind
            magic = head[place : place + len(single)]
            if magic == pair:
                raise UnusableImage("not_nifti", "half of a .hdr and .img pair: make it one .nii")
            if len(head) < size or magic != single:
                break
            return reader(head[:size], sign, check=False)
    raise UnusableImage("not_nifti", "neither NIfTI-1 nor NIfTI-2")


def _shape(raw: nibabel.Nifti1Header, hu: bool) -> tuple[tuple[int, int, int], int]:
    """Without trailing axes of length one, which many writers add; and the number of volumes."""
    axes, *lengths = map(int, raw["dim"])
    if not 1 <= axes <= 7:
        raise UnusableImage("bad_header", f"dim[0] is {axes}")
    shape = lengths[:axes]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    if not hu and len(shape) == 2:
        shape.append(1)
    if len(shape) != 3 and (hu or len(shape) != 4):
        raise UnusableImage("not_3d", f"{len(shape)} axes")
    if min(shape) < 1 or np.prod(shape, dtype=float) > MAX_VOXELS:
        raise UnusableImage("absurd_size", " x ".join(map(str, shape)))
    columns, rows, slices = shape[:3]
    return (columns, rows, slices), shape[3] if len(shape) > 3 else 1


def _display(raw: nibabel.Nifti1Header) -> tuple[float, float] | None:
    low, high = float(raw["cal_min"]), float(raw["cal_max"])
    return (low, high) if np.isfinite([low, high]).all() and low < high else None


def _kind(raw: nibabel.Nifti1Header, least: int) -> np.dtype:
    with unusable_as("bad_header"):
        kind = raw.get_data_dtype()
    if kind.itemsize * 8 != raw["bitpix"]:
        raise UnusableImage("bad_header", f"{int(raw['bitpix'])} bits of {kind} values")
    if kind.kind not in "iuf" or not least <= kind.itemsize <= 8:
        raise UnusableImage("not_hu", f"{kind} values")
    return kind


def _offset(raw: nibabel.Nifti1Header, head: bytes) -> int:
    """vox_offset, behind the header, its extension flag and the extensions."""
    offset, least = float(raw["vox_offset"]), int(raw["sizeof_hdr"]) + 4
    if not (least <= offset <= MAX_HEADER and offset % ALIGNMENT == 0):  # false for NaN
        raise UnusableImage(
            "bad_header",
            f"vox_offset is {offset:g}, not a multiple of {ALIGNMENT} from {least} on",
        )
    end = int(offset)
    order = next(order for order, sign in ORDERS if sign == raw.endianness)
    place = least if head[least - 4 : least - 3] not in (b"", b"\0") else end
    while place < end and (size := int.from_bytes(head[place : place + 4], order, signed=True)):
        if size < 8 or place + size > end:
            raise UnusableImage("bad_header", f"an extension of {size} bytes in {end}")
        place += size
    return end


def _scaling(raw: nibabel.Nifti1Header) -> tuple[float, float]:
    """scl_slope and scl_inter; a slope of 0 means none, and so does NaN, which nibabel writes."""
    slope, intercept = float(raw["scl_slope"]), float(raw["scl_inter"])
    if slope == 0 or np.isnan(slope):
        return 1.0, 0.0
    if not np.isfinite([slope, intercept]).all():
        raise UnusableImage("bad_header", f"scl_slope {slope:g}, scl_inter {intercept:g}")
    return slope, intercept


def _affine(raw: nibabel.Nifti1Header, shape: tuple[int, ...]) -> np.ndarray:
    """From voxel to LPS mm (4, 4), of the sform or, where only it is the scanner's, the qform."""
    codes = int(raw["sform_code"]), int(raw["qform_code"])
    if not all(0 <= code <= max(TEMPLATES) for code in codes):
        raise UnusableImage("bad_header", f"sform_code {codes[0]}, qform_code {codes[1]}")
    if codes == (0, 0):
        raise UnusableImage("no_affine", "neither sform nor qform")
    if (unit := UNIT_MM.get(int(raw["xyzt_units"]) % 8)) is None:
        raise UnusableImage("bad_header", f"xyzt_units is {int(raw['xyzt_units'])}")
    sizes = np.asarray(raw["pixdim"][1:4], float) * unit
    check_spacing(sizes.tolist(), shape, TALLEST_MM)
    raw["pixdim"][0] = -1 if raw["pixdim"][0] < 0 else 1  # as nifti1_io.c reads it
    with unusable_as("no_affine"), np.errstate(invalid="ignore"):
        sform = raw.get_sform() if codes[0] else None
        qform = raw.get_qform() if codes[1] else None
        if sform is not None and qform is not None and codes[0] == codes[1]:
            if not _agree(sform, qform, shape, unit):
                raise UnusableImage("no_affine", "sform and qform contradict each other")
        # To another space a patient is moved and stretched, but never seen in a mirror.
        hands = {
            np.sign(np.linalg.det(form[:3, :3])) for form in (sform, qform) if form is not None
        }
        if len(hands) > 1:
            raise UnusableImage("no_affine", "sform and qform disagree on which side is left")
        template = codes[0] in TEMPLATES and codes[1] in (SCANNER, ALIGNED)
        affine = LPS_TO_RAS @ (qform if template or not codes[0] else sform)
        affine[:3] *= unit
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        axes = affine[:3, :3] / spacing
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3) or not np.isfinite(affine).all():
        raise UnusableImage("no_affine", "axes are not at right angles")
    if not np.allclose(spacing, sizes, rtol=SAME_SPACING):
        written = [" x ".join(f"{value:.4g}" for value in each) for each in (spacing, sizes)]
        raise UnusableImage("bad_spacing", "the affine says {} mm, pixdim {} mm".format(*written))
    return affine


def _agree(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...], unit: float) -> bool:
    """Whether two affines put the corners of the volume to the same places."""
    corners = np.array([[*corner, 1] for corner in product(*((0, n - 1) for n in shape))])
    return bool((np.abs(corners @ (one - other)[:3].T) * unit <= SAME_PLACE_MM).all())
