"""CT volumes as NIfTI-1 and NIfTI-2 files, read and written.

NIfTI counts patient mm to the right, front and head (RAS+), DICOM to the left, back and head
(LPS+): the first two rows of the affine change their sign.
"""

from __future__ import annotations

import gzip
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np

from medsynth.cohorts.dicom import AIR_HU, unusable_as
from medsynth.cohorts.unusable import UnusableImage
from medsynth.cohorts.volumes import Volume, canonical
from medsynth.store.atomic import replacing

SUFFIXES = (".nii", ".nii.gz")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
MM = {"mm": 1.0, "unknown": 1.0, "meter": 1000.0, "micron": 0.001}
MAX_VOXELS = 2**29  # 1 GiB of int16: 2,000 slices of 512 x 512
MAX_HEADER = 2**20
SCANNER = 1  # sform_code of coordinates that are the scanner's


def stem_of(path: str) -> str:
    """The path without .nii or .nii.gz."""
    return path.removesuffix(".gz").removesuffix(".nii")


def check_nifti(path: Path) -> None:
    """Check a file by its header alone.

    Raises:
        UnusableImage: missing_file, unreadable, and those of the header in :func:`read_nifti`.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            with unusable_as("not_nifti"):
                head = (gzip.GzipFile(fileobj=file) if zipped else file).read(MAX_HEADER)
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except OSError as error:
        raise UnusableImage("unreadable", type(error).__name__) from error
    _geometry(_header(head))


def read_nifti(data: bytes) -> Volume:
    """Read a CT volume.

    Returns:
        A :func:`canonical` volume; values are scaled by scl_slope and scl_inter, those below
        -1024 HU become -1024.

    Raises:
        UnusableImage: of the header not_nifti, not_3d, absurd_size, no_affine, not_hu (8-bit
            values); of the voxels truncated, not_finite, not_hu (nothing is below 0 HU: a
            segmentation, or stored values without their intercept), blank.
    """
    with unusable_as("not_nifti"):
        zipped = data[:2] == b"\x1f\x8b"
        stream = gzip.GzipFile(fileobj=BytesIO(data)) if zipped else BytesIO(data)
        head = stream.read(MAX_HEADER)
    header = _header(head)
    affine = _geometry(header)
    shape, kind = _shape(header), header.get_data_dtype()
    with unusable_as("not_nifti"):
        slope, intercept = header.get_slope_inter()  # None where the file names no valid slope
    with unusable_as("truncated"):
        offset, count = int(header.get_data_offset()), int(np.prod(shape))
        raw = head + stream.read(max(0, offset + count * kind.itemsize - len(head)))
        values = np.frombuffer(raw, kind, count, offset).reshape(shape, order="F")
    if (slope or 1, intercept or 0) != (1, 0):
        values = values * np.float32(slope) + np.float32(intercept)
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):  # a NaN anywhere makes both NaN
        raise UnusableImage("not_finite")
    if low == high:
        raise UnusableImage("blank")
    if low >= 0:
        raise UnusableImage("not_hu", "nothing below 0")
    if values.dtype.kind == "f":
        values = np.rint(values)
    hu = np.clip(values, AIR_HU, np.iinfo(np.int16).max).astype(np.int16)
    return canonical(Volume(hu.transpose(2, 1, 0), affine))


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a .nii.gz of int16 HU, sform and qform in the scanner's coordinates; equal volumes give
    equal bytes, and nothing in the file names a patient."""
    image = nibabel.Nifti1Image(volume.hu.transpose(2, 1, 0), LPS_TO_RAS @ volume.affine)
    image.set_sform(image.affine, SCANNER)
    image.set_qform(image.affine, SCANNER)
    image.header.set_xyzt_units("mm")
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))


def _header(head: bytes) -> nibabel.Nifti1Header:
    with unusable_as("not_nifti"):
        for kind in (nibabel.Nifti1Header, nibabel.Nifti2Header):
            if kind.may_contain_header(head):
                return kind.from_fileobj(BytesIO(head))
    raise UnusableImage("not_nifti", "neither NIfTI-1 nor NIfTI-2")


def _shape(header: nibabel.Nifti1Header) -> tuple[int, ...]:
    """Without trailing axes of length one, which many writers add."""
    shape = tuple(map(int, header.get_data_shape()))
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _geometry(header: nibabel.Nifti1Header) -> np.ndarray:
    """LPS affine (4, 4) in mm."""
    with unusable_as("not_nifti"):
        shape, kind = _shape(header), header.get_data_dtype()
        unit = MM[header.get_xyzt_units()[0]]
        coded = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    if len(shape) != 3:
        raise UnusableImage("not_3d", f"{len(shape)} axes")
    if min(shape) < 1 or np.prod(shape, dtype=float) > MAX_VOXELS:
        raise UnusableImage("absurd_size", " x ".join(map(str, shape)))
    if kind.kind not in "iuf" or kind.itemsize < 2:
        raise UnusableImage("not_hu", f"{kind} values")
    if not coded:
        raise UnusableImage("no_affine", "neither sform nor qform")
    with unusable_as("no_affine"), np.errstate(invalid="ignore"):
        affine = LPS_TO_RAS @ header.get_best_affine()
        affine[:3] *= unit
        axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3):  # false for NaN
        raise UnusableImage("no_affine", "axes are not at right angles")
    return affine
