"""CT slices and series written as DICOM files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

AXIAL = [1, 0, 0, 0, 1, 0]
AIR = -1024


def write_slice(path: Path, uid: str, pixels: np.ndarray | None = None, **tags) -> None:
    """One slice of stored values, at 40 mm, enhanced; a tag given as None is left out."""
    pixels = np.arange(64, dtype=np.int16).reshape(8, 8) if pixels is None else pixels
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = CTImageStorage, uid, "1.9"
    ds.StudyInstanceUID = "1.8"
    ds.Modality, ds.PatientID, ds.FrameOfReferenceUID = "CT", "P1", "1.7"
    ds.SeriesDescription = "CHEST W CONTRAST"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, 40], AXIAL
    ds.PixelSpacing = [1, 1]
    ds.RescaleSlope, ds.RescaleIntercept = 1, AIR
    ds.PhotometricInterpretation, ds.SamplesPerPixel, ds.PixelRepresentation = "MONOCHROME2", 1, 1
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW"
    for keyword, value in tags.items():
        if value is None:
            if keyword in ds:
                del ds[keyword]
        else:
            setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format="SOPClassUID" in ds)


def write_series(
    folder: Path,
    phantom: Callable[[np.ndarray], np.ndarray],
    positions: Sequence[Sequence[float]],
    *,
    size: tuple[int, int] = (24, 24),
    spacing: tuple[float, float] = (1.0, 1.0),
    orientation: Sequence[float] = AXIAL,
    series: str = "1.9",
    **tags,
) -> list[Path]:
    """A series that samples a phantom, one file a position, its names in disorder.

    Args:
        phantom: HU of patient coordinates (..., 3) in mm.
        spacing: PixelSpacing: between rows, between columns.
    """
    along, down = np.array(orientation, float).reshape(2, 3)
    rows, columns = np.mgrid[: size[0], : size[1]].astype(float)[..., None]
    files = []
    for i, position in enumerate(positions):
        places = np.array(position) + rows * spacing[0] * down + columns * spacing[1] * along
        pixels = np.rint(phantom(places) - AIR).astype(np.int16)
        file = folder / f"{(7 * i + 3) % 101:03d}.dcm"
        more = {"PixelSpacing": list(spacing), "ImageOrientationPatient": list(orientation)}
        more |= {"ImagePositionPatient": list(position), "SeriesInstanceUID": series}
        write_slice(file, f"{series}.{i + 1}", pixels, **(more | tags))
        files.append(file)
    return files
