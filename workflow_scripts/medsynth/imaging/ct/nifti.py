"""CT volumes as NIfTI-1 and NIfTI-2 files, read and written."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import nibabel
import numpy as np

from medsynth.imaging.ct.nifti_header import (
    FORMATS,
    LPS_TO_RAS,
    MAX_HEADER,
    SCANNER,
    Header,
    parse_header,
)
from medsynth.imaging.ct.volumes import Volume, canonical
from medsynth.imaging.dicom import AIR_HU, MOST_HU
from medsynth.store.atomic import replacing
from medsynth.store.quarantine import UnusableImage, unusable_as

LEAST_RANGE_HU = 20  # the noise of a scan alone has more
GZIP = b"\x1f\x8b"
# Of a pair .hdr and .img, the first is read to say what is to be done with it.
SUFFIXES = (".nii", ".nii.gz", ".hdr", ".hdr.gz")


def is_nifti(path: str) -> bool:
    return path.lower().endswith(SUFFIXES)


def may_be_nifti(data: bytes) -> bool:
    """Whether the bytes begin as a NIfTI header does, or are packed, as other files seldom are."""
    sizes = {int.from_bytes(data[:4], order) for order in ("little", "big")}
    return data.startswith(GZIP) or bool(sizes & FORMATS.keys())


def stem_of(path: str) -> str:
    """The path without .nii or .nii.gz."""
    return re.sub(r"\.nii(\.gz)?$", "", path, flags=re.IGNORECASE)


def check_nifti(path: Path) -> None:
    """Check a file by its header, and by its size if it is not compressed.

    Raises:
        UnusableImage: missing_file, unreadable, truncated, and those of
            :func:`medsynth.imaging.ct.nifti_header.parse_header`.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == GZIP
            file.seek(0)
            with _unzipping():
                head = (gzip.GzipFile(fileobj=file) if zipped else file).read(MAX_HEADER)
            size = None if zipped else path.stat().st_size
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except OSError as error:
        raise UnusableImage("unreadable", type(error).__name__) from error
    header = parse_header(head)
    if size is not None:
        _check_size(size, header.end)


def read_nifti(data: bytes) -> Volume:
    """Read a CT volume.

    Returns:
        A :func:`canonical` volume; values are scaled by scl_slope and scl_inter, those below
        -1024 HU become -1024.

    Raises:
        UnusableImage: of the header those of :func:`medsynth.imaging.ct.nifti_header.parse_header`;
            of the voxels truncated, bad_header (more bytes than voxels), not_nifti (the checksum
            of gzip), not_finite, not_hu (nothing is below 0 HU: a segmentation, or stored values
            without their intercept; scaled to a unit range, or beyond any HU), blank.
    """
    header, values = stored_voxels(data)
    values = values[..., 0]
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):  # a NaN anywhere makes both NaN
        raise UnusableImage("not_finite")
    if low == high:
        raise UnusableImage("blank")
    if low >= 0:
        raise UnusableImage("not_hu", "nothing below 0")
    if high > MOST_HU or float(high) - float(low) < LEAST_RANGE_HU:
        raise UnusableImage("not_hu", f"values from {low:g} to {high:g}")
    if values.dtype.kind == "f":
        values = np.rint(values)
    hu = np.clip(values, AIR_HU, MOST_HU).astype(np.int16)
    return canonical(Volume(hu.transpose(2, 1, 0), header.affine))


def stored_voxels(data: bytes, *, hu: bool = True) -> tuple[Header, np.ndarray]:
    """Header and voxels (columns, rows, slices, frames) as they are stored, scaled by scl_slope
    and scl_inter.

    Args:
        data: of the file.
        hu: as in :func:`medsynth.imaging.ct.nifti_header.parse_header`.

    Raises:
        UnusableImage: those of parse_header, truncated, bad_header, not_nifti.
    """
    with _unzipping():
        zipped = data.startswith(GZIP)
        stream = gzip.GzipFile(fileobj=BytesIO(data)) if zipped else BytesIO(data)
        head = stream.read(MAX_HEADER)
    header = parse_header(head, hu=hu)
    with _unzipping():  # one byte too many is enough to know; at the end, gzip checks its checksum
        raw = head + stream.read(max(1, header.end + 1 - len(head)))
    _check_size(len(raw), header.end)
    shape = (*header.shape, header.frames)
    values = np.frombuffer(raw, header.kind, int(np.prod(shape)), header.offset)
    values = values.reshape(shape, order="F")
    if (header.slope, header.intercept) != (1, 0):
        values = values * np.float32(header.slope) + np.float32(header.intercept)
    return header, values


@contextmanager
def _unzipping() -> Iterator[None]:
    with unusable_as("not_nifti"):
        try:
            yield
        except EOFError as error:
            raise UnusableImage("truncated", str(error)) from error


def _check_size(size: int, end: int) -> None:
    if size < end:
        raise UnusableImage("truncated", f"{size} of {end} bytes")
    if size > end:
        raise UnusableImage("bad_header", f"more than the {end} bytes that it describes")


def write_nifti(volume: Volume, path: Path) -> None:
    """Write a .nii.gz of int16 HU, sform and qform in the scanner's coordinates; equal volumes give
    equal bytes, and nothing in the file names a patient."""
    image = nibabel.Nifti1Image(volume.hu.transpose(2, 1, 0), LPS_TO_RAS @ volume.affine)
    image.set_sform(image.affine, SCANNER)
    image.set_qform(image.affine, SCANNER)
    image.header.set_xyzt_units("mm")
    with replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), compresslevel=1, mtime=0))
