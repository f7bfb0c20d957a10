"""Pixel data against what is said of them: the same value by every reading, or refused."""

from __future__ import annotations

from functools import partial

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate, get_frame
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from medsynth.imaging.codestreams import run_length_sizes
from medsynth.imaging.dicom import open_dicom
from medsynth.imaging.pixels import stored_codes
from medsynth.store.quarantine import UnusableImage
from tests.unit.dicom_files import compressed, dataset, encoded

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)  # all values of 12 bits
SIGNED = RAMP.astype(np.int16) - 2048
DARK, LIGHT = RAMP // 32, RAMP * 16  # 7 bits; 16 bits of which the lowest four are empty
OVERLAY = {"OverlayBitPosition": 15}


PADDED = np.where(RAMP < 64, np.int16(-2000), SIGNED // 2 + 500)  # as of many CT scanners


def in_tags(**tags):
    """A data set's attributes replaced; these two need their value representation."""
    position = tags.pop("OverlayBitPosition", None)
    padding = tags.pop("PixelPaddingValue", None)

    def complete(ds):
        for keyword, value in tags.items():
            setattr(ds, keyword, value)
        if padding is not None:
            ds.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
        if position is not None:
            ds.add_new(0x60000102, "US", position)
        return ds

    return complete


def outcome(ds) -> np.ndarray | str:
    """The stored values, or why there are none."""
    try:
        codes, levels = stored_codes(open_dicom(encoded(ds)))
    except UnusableImage as error:
        return error.reason
    return levels[codes]


def check(found: np.ndarray | str, expected: np.ndarray | str) -> None:
    if isinstance(expected, str):
        assert isinstance(found, str) and found == expected
    else:
        np.testing.assert_array_equal(found, expected)


BITS = "bits_contradict"


@pytest.mark.parametrize(
    ("pixels", "tags", "expected"),
    [
        (RAMP, {}, RAMP),
        (RAMP, {"HighBit": None}, RAMP),
        # HighBit above BitsStored - 1: the pixels lie where all of them have room
        (LIGHT, {"HighBit": 15}, RAMP),
        (RAMP, {"HighBit": 15}, RAMP),
        (RAMP, {"HighBit": 12}, RAMP),
        (RAMP * 2, {"HighBit": 12}, RAMP),
        (RAMP, {"HighBit": 31}, RAMP),
        (LIGHT.view(np.int16), {"HighBit": 15}, (RAMP.astype(int) + 2048) % 4096 - 2048),
        (SIGNED, {"HighBit": 15}, SIGNED),
        (LIGHT | 1, {"HighBit": 15}, BITS),  # neither
        (DARK * 16, {"HighBit": 15}, BITS),  # both, and 16 times as bright by one of them
        # below: the pixels must do without the bits between
        (DARK, {"HighBit": 7}, DARK),
        (RAMP, {"HighBit": 7}, BITS),
        (RAMP, {"BitsStored": 16, "HighBit": 11}, RAMP),
        (LIGHT, {"BitsStored": 16, "HighBit": 11}, BITS),
        (SIGNED, {"BitsStored": 16, "HighBit": 11}, SIGNED),
        (SIGNED & 0xFFF, {"BitsStored": 16, "HighBit": 11}, BITS),  # 2048 or -2048
        # bits above BitsStored: overlays that are declared, and the sign
        (RAMP | 0x8000, OVERLAY, RAMP),
        (RAMP, {"OverlayBitPosition": 11}, BITS),  # declared where the pixels are
        (RAMP, {"OverlayBitPosition": 3}, BITS),
        (DARK, {"OverlayBitPosition": 11}, DARK),  # no pixel has it
        (LIGHT | 1, {"OverlayBitPosition": 0, "HighBit": 15}, BITS),  # 0 is what separate ones say
        (RAMP | 0x8000, {}, BITS),
        (LIGHT, {}, BITS),
        (SIGNED, {}, SIGNED),
        (SIGNED & 0xFFF, {}, SIGNED),
        (np.where(RAMP < 9, SIGNED, SIGNED & 0xFFF), {}, BITS),
        (SIGNED * 2, {}, BITS),
        # PixelRepresentation
        (SIGNED, {"PixelRepresentation": 0}, BITS),
        (RAMP, {"PixelRepresentation": 1}, (RAMP.astype(int) + 2048) % 4096 - 2048),
        (RAMP, {"PixelRepresentation": 2}, "bad_tags"),
        # BitsAllocated
        (RAMP, {"BitsAllocated": 8}, "bit_depth"),
        (RAMP, {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "size_contradicts"),
        (RAMP, {"BitsStored": 17, "HighBit": 16}, "bit_depth"),
        (RAMP, {"BitsAllocated": 12}, "bit_depth"),
    ],
)
def test_uncompressed_pixels(pixels, tags, expected):
    check(outcome(in_tags(**tags)(dataset(pixels.astype(pixels.dtype)))), expected)


def test_overlays_with_data_of_their_own_are_not_among_the_pixels():
    ds = dataset(RAMP | 0x8000)
    ds.add_new(0x60000102, "US", 15)
    ds.add_new(0x60003000, "OW", bytes(512))
    check(outcome(ds), BITS)


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_other_syntaxes_are_held_to_the_same(syntax):
    for pixels, expected in ((RAMP, RAMP), (LIGHT, BITS)):
        ds = dataset(pixels)
        ds.file_meta.TransferSyntaxUID = syntax
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = pixels.astype(">u2").tobytes()
        check(outcome(ds), expected)


@pytest.mark.parametrize(
    ("beyond", "expected"),
    [
        (b"", RAMP),
        (bytes(128), RAMP),  # padding to a block
        (b"\x01" * 128, "size_contradicts"),  # a row more than Rows
        (RAMP.tobytes(), "size_contradicts"),  # a second frame
        (bytes(8192), "size_contradicts"),
    ],
)
def test_pixel_data_longer_than_their_size(beyond, expected):
    ds = dataset(RAMP)
    ds.PixelData += beyond
    check(outcome(ds), expected)


def test_the_odd_byte_at_the_end_is_padding_whatever_it_holds():
    pixels = np.arange(9, dtype=np.uint8).reshape(3, 3)
    ds = dataset(pixels, 8)
    ds.PixelData += b"\xff"
    check(outcome(ds), pixels)


j2k = partial(imagecodecs.jpeg2k_encode, codecformat="j2k", level=0, reversible=True)
J2K = {bits: (JPEG2000Lossless, partial(j2k, bitspersample=bits)) for bits in (8, 12, 14, 16)}
HTJ2K = (HTJ2KLossless, partial(imagecodecs.htj2k_encode, reversible=True))  # of whole containers
JPEG = {b: (JPEGLossless, partial(imagecodecs.ljpeg_encode, bitspersample=b)) for b in (12, 14, 16)}
U12, U16 = {"BitsStored": 12, "HighBit": 11}, {"BitsStored": 16, "HighBit": 15}
S12, S16 = U12 | {"PixelRepresentation": 1}, U16 | {"PixelRepresentation": 1}
TWOS_PADDED = (PADDED & 0xFFF).astype(np.uint16)
TWOS = (SIGNED & 0xFFF).astype(np.uint16)  # two's complement in 12 bits


@pytest.mark.parametrize(
    ("codec", "pixels", "tags", "expected"),
    [
        (J2K[12], RAMP, U12, RAMP),
        (J2K[12], SIGNED, S12, SIGNED),
        # precision
        (J2K[12], RAMP, U16, RAMP),
        (J2K[16], RAMP, U12, RAMP),
        (J2K[16], LIGHT, U12, BITS),
        (J2K[16], LIGHT, U16, LIGHT),
        (J2K[12], SIGNED, S16, SIGNED),
        (J2K[16], SIGNED, S12, SIGNED),
        (J2K[16], SIGNED * 2, S12, BITS),
        (J2K[8], DARK.astype(np.uint8), U12, DARK),  # decoded to smaller containers
        (HTJ2K, LIGHT, U12, BITS),
        # sign
        (J2K[12], SIGNED, U12, BITS),
        (J2K[16], SIGNED, U16, BITS),
        (J2K[12], SIGNED.clip(0), U12, SIGNED.clip(0)),
        (J2K[12], TWOS, S12, BITS),  # large, or negative
        (J2K[16], SIGNED.view(np.uint16), S16, BITS),
        # a padding that is negative, and there, proves that the codestream's sign is wrong
        (J2K[12], TWOS_PADDED, S12 | {"PixelPaddingValue": -2000}, PADDED),
        (J2K[16], PADDED.view(np.uint16), S16 | {"PixelPaddingValue": -2000}, PADDED),
        (J2K[16], PADDED.view(np.uint16), S16 | {"PixelPaddingValue": 63536}, PADDED),
        (J2K[12], TWOS_PADDED, S12 | {"PixelPaddingValue": -1999}, BITS),
        (J2K[12], TWOS_PADDED, S12 | {"PixelPaddingValue": 500}, BITS),
        (J2K[14], TWOS_PADDED | (RAMP & 1) << 12, S12 | {"PixelPaddingValue": -2000}, BITS),
        (J2K[12], DARK, S12, DARK),
        (HTJ2K, SIGNED, S16, SIGNED),
        (HTJ2K, SIGNED, U16, BITS),
        (HTJ2K, SIGNED.view(np.uint16), S16, BITS),
        # JPEG has no word for a sign: PixelRepresentation decides
        (JPEG[12], RAMP, U12, RAMP),
        (JPEG[12], TWOS, S12, SIGNED),
        (JPEG[16], SIGNED.view(np.uint16), S12, SIGNED),
        (JPEG[16], TWOS, S12, SIGNED),
        (JPEG[14], SIGNED.view(np.uint16) & 0x3FFF, S12, SIGNED),
        (JPEG[16], LIGHT, U12, BITS),
        (JPEG[12], RAMP, U16, RAMP),
        (JPEG[12], TWOS, S16, BITS),
        (JPEG[12], DARK, S16, DARK),
        # HighBit
        (J2K[16], LIGHT, U12 | {"HighBit": 15}, RAMP),
        (J2K[12], RAMP, U12 | {"HighBit": 15}, RAMP),
        (J2K[12], RAMP, U12 | {"HighBit": 7}, BITS),
        # BitsAllocated, size, samples
        (J2K[12], RAMP, {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, BITS),
        (J2K[12], RAMP, U12 | {"Rows": 32}, "size_contradicts"),
        (J2K[12], RAMP, U12 | {"Rows": 32, "Columns": 128}, "size_contradicts"),
        (J2K[12], np.dstack([RAMP] * 3), U12, "size_contradicts"),
    ],
)
def test_compressed_pixels(codec, pixels, tags, expected):
    syntax, encode = codec
    code = encode(np.ascontiguousarray(pixels))
    ds = compressed(RAMP, 12, syntax, code)
    check(outcome(in_tags(**tags)(ds)), expected)


@pytest.mark.parametrize("syntax", [JPEGLSLossless, RLELossless])
def test_codecs_of_patterns(syntax):
    signed = dataset(SIGNED if syntax == RLELossless else TWOS.view(np.int16))
    signed.compress(syntax)
    check(outcome(signed), SIGNED)
    signed.BitsStored, signed.HighBit = 16, 15
    check(outcome(signed), BITS if syntax == JPEGLSLossless else SIGNED)
    large = dataset(LIGHT, 16)
    large.compress(syntax)
    check(outcome(in_tags(**U12)(large)), BITS)


@pytest.mark.parametrize("has_offsets", [True, False])
@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        J2K[12],
        JPEG[12],
        (JPEGLSLossless, imagecodecs.jpegls_encode),
    ],
)
def test_several_images_in_a_file_that_speaks_of_one(syntax, encode, has_offsets):
    code = encode(RAMP)
    ds = compressed(RAMP, 12, syntax, code)
    ds.PixelData = encapsulate([code, code], has_bot=has_offsets)
    check(outcome(ds), "multi_frame")
    ds.PixelData = encapsulate([code], fragments_per_frame=3, has_bot=has_offsets)
    check(outcome(ds), RAMP)


@pytest.mark.parametrize(
    ("rows", "expected"), [(64, RAMP), (63, "size_contradicts"), (65, "cannot_decode")]
)
def test_run_lengths_are_of_the_images_size(rows, expected):
    ds = dataset(RAMP)
    ds.compress(RLELossless)
    ds.Rows = rows
    check(outcome(ds), expected)
    if rows == 64:
        code = get_frame(ds.PixelData, 0, number_of_frames=1)
        ds.PixelData = encapsulate([code], fragments_per_frame=2, has_bot=False)
        check(outcome(ds), RAMP)
        ds.PixelData = encapsulate([code, code], has_bot=False)
        check(outcome(ds), "size_contradicts")


@pytest.mark.parametrize(
    ("segment", "size"),
    [
        (b"", 0),
        (b"\x02abc", 3),
        (b"\xfea", 3),
        (b"\x80\x00a\x00", 1),  # nothing, one byte, padding
        (b"\x02abc\xfea\x00", 6),
        (b"\x7fab", 2),  # cut off
    ],
)
def test_sizes_of_run_lengths(segment, size):
    header = np.array([1, 64, *[0] * 14], "<u4").tobytes()
    assert run_length_sizes(header + segment) == [size]


def test_a_compressed_image_without_its_header_is_refused():
    ds = compressed(RAMP, 12, JPEG2000Lossless, b"\xff\x4f\xff\x52" + bytes(500))
    check(outcome(ds), "cannot_decode")
