"""DICOM files in the transfer syntaxes that archives hold."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
LOSSLESS = (
    ExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
    JPEGLSLossless,
    DeflatedExplicitVRLittleEndian,
)


def write_dicom(
    path: Path, header: Dataset, pixels: np.ndarray, bits: int, syntax: UID = ExplicitVRLittleEndian
) -> None:
    """Write one grey image.

    Args:
        path: file to write; its folder is made.
        header: everything but the pixels; needs SOPClassUID and SOPInstanceUID.
        pixels: (H, W) of uint8, uint16 or int16, values within `bits`.
        bits: BitsStored.
        syntax: one of :data:`NATIVE` or :data:`LOSSLESS`, or JPEG baseline for 8 bits.
    """
    header.Rows, header.Columns = pixels.shape
    header.SamplesPerPixel = 1
    header.BitsAllocated = 8 * pixels.dtype.itemsize
    header.BitsStored, header.HighBit = bits, bits - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    header.PixelData = pixels.tobytes()
    header["PixelData"].VR = "OW" if header.BitsAllocated == 16 else "OB"
    header.file_meta = FileMetaDataset()
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    if syntax == JPEGBaseline8Bit:
        header.PixelData = encapsulate([bytes(imagecodecs.jpeg8_encode(pixels, level=95))])
        header["PixelData"].is_undefined_length = True
        header.LossyImageCompression = "01"
        header.file_meta.TransferSyntaxUID = syntax
    elif syntax in NATIVE:
        header.file_meta.TransferSyntaxUID = syntax
    else:
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.compress(syntax, generate_instance_uid=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    header.save_as(path, enforce_file_format=True)


def truncate(path: Path) -> None:
    """Cut a file in half, as an interrupted download does."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
