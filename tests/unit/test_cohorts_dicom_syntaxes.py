"""Reading DICOM: every transfer syntax gives the pixels that were stored."""

from __future__ import annotations

from functools import partial

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import get_decoder
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

from medsynth.imaging.decoders import PLUGINS
from medsynth.imaging.dicom import open_dicom, read_radiograph
from medsynth.imaging.pixels import stored_codes
from tests.unit.dicom_files import RAMP, RAMP_8, compressed, dataset, encoded
from tests.unit.jpeg_oracle import exact_pixels


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


@pytest.mark.parametrize("level", [50, 95])
@pytest.mark.parametrize(
    ("syntax", "pixels", "bits"), [(JPEGBaseline8Bit, RAMP_8, 8), (JPEGExtended12Bit, RAMP, 12)]
)
def test_lossy_jpeg_is_the_inverse_transform_but_for_its_rounding(syntax, pixels, bits, level):
    code = imagecodecs.jpeg8_encode(pixels, level=level, bitspersample=bits)
    stored = stored_values(open_dicom(encoded(compressed(pixels, bits, syntax, code))))
    apart = stored - exact_pixels(code)
    assert np.abs(apart).max() < 0.75 and np.sqrt((apart**2).mean()) < 0.3  # rounding alone: 0.289
    assert np.abs(stored - pixels.astype(int)).mean() < 0.01 * pixels.max()


near_lossless = partial(imagecodecs.jpegls_encode, level=3)
jpeg2k = partial(imagecodecs.jpeg2k_encode, codecformat="j2k")


@pytest.mark.parametrize(
    ("syntax", "encode", "decode"),
    [
        (
            JPEGLSNearLossless,
            partial(imagecodecs.jpegls_encode, level=3),
            imagecodecs.jpegls_decode,
        ),
        (JPEG2000, partial(jpeg2k, level=90), imagecodecs.jpeg2k_decode),
    ],
)
def test_more_lossy_syntaxes_are_decoded_as_another_library_does(syntax, encode, decode):
    code = encode(RAMP)
    stored = stored_values(open_dicom(encoded(compressed(RAMP, 12, syntax, code))))
    np.testing.assert_array_equal(stored, decode(code))
    assert 0 < np.abs(stored - RAMP.astype(int)).mean() < 0.01 * RAMP.max()


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


@pytest.mark.parametrize("bits", range(8, 17))
def test_lossless_jpeg_of_every_precision(bits):
    pixels = (RAMP.astype(np.uint32) * 64 >> 16 - bits).astype(np.uint8 if bits == 8 else np.uint16)
    code = imagecodecs.ljpeg_encode(pixels, bitspersample=bits)
    ds = compressed(pixels, bits, JPEGLossless, code)
    np.testing.assert_array_equal(stored_values(open_dicom(encoded(ds))), pixels)


@pytest.mark.parametrize("syntax", PLUGINS)
def test_the_decoder_of_every_syntax_is_installed(syntax):
    assert PLUGINS[syntax] in get_decoder(syntax).available_plugins
