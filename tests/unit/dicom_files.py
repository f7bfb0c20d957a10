"""Small DICOM data sets, for tests. Not a test file."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from medsynth.store.quarantine import UnusableImage

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64) // 4  # 0 .. 1023
RAMP_8 = (RAMP >> 2).astype(np.uint8)


def dataset(pixels: np.ndarray, bits: int = 12, **tags) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=["x"])
    ds.Modality = "CR"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def compressed(pixels: np.ndarray, bits: int, syntax: UID, code: bytes, **tags) -> Dataset:
    ds = dataset(pixels, bits, **tags)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([code])
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def encoded(ds: Dataset, bare: bool = False) -> bytes:
    """The file's bytes; bare: neither preamble nor file meta information."""
    out = BytesIO()
    if bare:
        syntax = ds.file_meta.TransferSyntaxUID
        del ds.file_meta
        pydicom.dcmwrite(
            out, ds, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian
        )
    else:
        pydicom.dcmwrite(out, ds, enforce_file_format=True)
    return out.getvalue()


def ct(pixels: np.ndarray, bits: int = 16, **tags) -> bytes:
    rescale = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
    return encoded(dataset(pixels, bits, **(rescale | tags)))


def reason(call, *arguments) -> str:
    with pytest.raises(UnusableImage) as caught:
        call(*arguments)
    return caught.value.reason
