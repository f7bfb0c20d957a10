"""Reading DICOM: every transfer syntax gives the pixels that were stored."""

from __future__ import annotations

from functools import partial
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from medsynth.imaging.dicom import open_dicom, read_radiograph
from medsynth.imaging.pixels import stored_codes
from tests.unit.dicom_files import RAMP, RAMP_8, compressed, dataset, encoded


def stored_values(ds: Dataset) -> np.ndarray:
    codes, levels = stored_codes(ds)
    return levels[codes]


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("bits", [8, 10, 16])
def test_lossless_syntaxes_give_the_native_pixels(syntax, bits):
    pixels = (RAMP >> (10 - bits) if bits < 10 else RAMP << (bits - 10)).astype(
        np.uint8 if bits == 8 else np.uint16
    )
    native = read_radiograph(encoded(dataset(pixels, bits)))
    ds = dataset(pixels, bits)
    ds.compress(syntax)
    np.testing.assert_array_equal(read_radiograph(encoded(ds)), native)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_missing_preamble_and_file_meta(syntax):
    ds = dataset(RAMP)
    ds.file_meta.TransferSyntaxUID = syntax
    expected = read_radiograph(encoded(dataset(RAMP)))
    np.testing.assert_array_equal(read_radiograph(encoded(ds, bare=True)), expected)


def test_big_endian():
    ds = dataset(RAMP)
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    ds.PixelData = RAMP.astype(">u2").tobytes()
    expected = read_radiograph(encoded(dataset(RAMP)))
    np.testing.assert_array_equal(read_radiograph(encoded(ds)), expected)


jpeg2k = partial(imagecodecs.jpeg2k_encode, codecformat="j2k")


@pytest.mark.parametrize(
    ("syntax", "pixels", "bits", "encode"),
    [
        (JPEGBaseline8Bit, RAMP_8, 8, partial(imagecodecs.jpeg8_encode, level=50)),
        (JPEGExtended12Bit, RAMP, 12, partial(imagecodecs.jpeg8_encode, bitspersample=12)),
        (JPEGLSNearLossless, RAMP, 12, partial(imagecodecs.jpegls_encode, level=3)),
        (JPEG2000, RAMP, 12, partial(jpeg2k, level=90)),
    ],
)
def test_lossy_syntaxes_are_decoded_as_pydicom_does(syntax, pixels, bits, encode):
    data = encoded(compressed(pixels, bits, syntax, encode(pixels)))
    stored = stored_values(open_dicom(data))
    np.testing.assert_array_equal(stored, pydicom.dcmread(BytesIO(data)).pixel_array)
    assert 0 < np.abs(stored - pixels.astype(int)).mean() < 0.01 * pixels.max()


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEGLosslessSV1, partial(imagecodecs.jpeg8_encode, bitspersample=16, lossless=True)),
        (JPEGLossless, partial(imagecodecs.ljpeg_encode, bitspersample=16)),
        (JPEG2000, partial(jpeg2k, level=0, reversible=True)),
        (HTJ2KLossless, partial(imagecodecs.htj2k_encode, reversible=True)),
    ],
)
def test_more_lossless_syntaxes_give_the_native_pixels(syntax, encode):
    pixels = RAMP << 6
    data = encoded(compressed(pixels, 16, syntax, encode(pixels)))
    np.testing.assert_array_equal(stored_values(open_dicom(data)), pixels)


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
def test_native_syntaxes_of_all_sizes_and_signs(syntax, dtype):
    pixels = np.arange(-128, 128).astype(dtype).reshape(16, 16)
    ds = dataset(pixels, bits=8 * pixels.dtype.itemsize)
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = pixels.astype(pixels.dtype.newbyteorder(">")).tobytes()
    np.testing.assert_array_equal(stored_values(open_dicom(encoded(ds))), pixels)
