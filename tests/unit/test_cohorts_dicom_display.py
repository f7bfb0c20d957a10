"""Reading radiographs: the display pipeline from stored values to grey levels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from medsynth.imaging.dicom import is_padding, read_radiograph
from medsynth.store.quarantine import UnusableImage
from tests.unit.dicom_files import RAMP, dataset, encoded


def test_without_window_the_range_of_the_pixels_becomes_black_to_white():
    shown = read_radiograph(encoded(dataset(RAMP + 100)))
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, np.rint(RAMP / 1023 * 255))


def test_monochrome1_is_inverted():
    grey = read_radiograph(encoded(dataset(RAMP)))
    inverted = read_radiograph(encoded(dataset(RAMP, PhotometricInterpretation="MONOCHROME1")))
    np.testing.assert_array_equal(inverted, 255 - grey)


def test_the_first_window_follows_the_formula_of_the_standard():
    shown = read_radiograph(encoded(dataset(RAMP, WindowCenter=[400, 9], WindowWidth=[300, 9])))
    # PS3.3 C.11.2.1.2.1, linear
    expected = ((RAMP.astype(float) - (400 - 0.5)) / (300 - 1) + 0.5).clip(0, 1) * 255
    np.testing.assert_allclose(shown, expected, atol=1)
    assert shown.min() == 0 and shown.max() == 255


def test_modality_lut_comes_before_the_window():
    tags = {"RescaleSlope": 2, "RescaleIntercept": -500, "WindowCenter": 300, "WindowWidth": 601}
    shown = read_radiograph(encoded(dataset(RAMP, **tags)))
    values = RAMP.astype(float) * 2 - 500
    np.testing.assert_allclose(shown, ((values - 299.5) / 600 + 0.5).clip(0, 1) * 255, atol=1)


def test_voi_lut_sequence_is_applied():
    lut = Dataset()
    lut.LUTDescriptor = [1024, 0, 8]
    lut.LUTData = (np.arange(1024) // 4)[::-1].astype(np.uint16).tolist()
    lut["LUTData"].VR = "US"
    shown = read_radiograph(encoded(dataset(RAMP, bits=10, VOILUTSequence=[lut])))
    np.testing.assert_array_equal(shown, 255 - RAMP // 4)


def test_padding_is_black_and_does_not_stretch_the_range():
    pixels = RAMP + 100
    pixels[0, 0] = 4000
    shown = read_radiograph(encoded(dataset(pixels, PixelPaddingValue=4000)))
    assert shown[0, 0] == 0
    assert shown[-1, -1] == 255
    assert shown[0, 1] == 0  # 100, the smallest of the others


def test_padding_range_limit_spans_a_range():
    pixels = RAMP.copy()
    tags = {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 160}
    padding = is_padding(dataset(pixels, **tags), np.arange(4096))
    np.testing.assert_array_equal(padding[pixels], pixels <= 160)


def oracle(ds: Dataset) -> np.ndarray:
    """The display pipeline pixel by pixel in float64, where nothing is padding."""
    values = apply_modality_lut(ds.pixel_array, ds)
    low, high = values.min(), values.max()
    if "WindowCenter" in ds:
        slope, intercept = float(ds.RescaleSlope), float(ds.RescaleIntercept)
        ends = np.array([0, 2**ds.BitsStored - 1]) - ds.PixelRepresentation * 2 ** (
            ds.BitsStored - 1
        )
        low, high = ends * slope + intercept  # what pydicom stretches a window to
        with np.errstate(over="ignore"):
            values = apply_voi_lut(values, ds)
    grey = np.clip((values.astype(float) - low) / (high - low), 0, 1)
    return 255 * (1 - grey if ds.PhotometricInterpretation == "MONOCHROME1" else grey)


@given(
    seed=st.integers(0, 2**32 - 1),
    bits=st.integers(8, 16),
    signed=st.booleans(),
    inverted=st.booleans(),
    slope=st.sampled_from([1, 0.5, 2.25]),
    intercept=st.integers(-2000, 2000),
    window=st.none()
    | st.tuples(
        st.integers(-500, 5000),
        st.integers(10, 5000),
        st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    ),
)
@examples(max_examples=80, deadline=None)
def test_display_equals_the_pipeline_worked_out_for_every_pixel(
    seed, bits, signed, inverted, slope, intercept, window
):
    pixels = np.random.default_rng(seed).integers(0, 2**bits, (9, 7)) - signed * 2 ** (bits - 1)
    tags = {"RescaleSlope": slope, "RescaleIntercept": intercept}
    tags["PhotometricInterpretation"] = "MONOCHROME1" if inverted else "MONOCHROME2"
    if window:
        tags |= dict(zip(["WindowCenter", "WindowWidth", "VOILUTFunction"], window, strict=True))
    size = "u1" if bits == 8 else "u2"
    ds = dataset(pixels.astype(size.replace("u", "i") if signed else size), bits, **tags)
    expected = oracle(ds)
    try:
        shown = read_radiograph(encoded(ds))
    except UnusableImage as error:
        assert error.reason == "blank" and np.ptp(expected) < 1
    else:
        np.testing.assert_allclose(shown, expected, rtol=0, atol=0.501)


def test_modality_lut_sequence_is_applied():
    lut = Dataset()
    lut.LUTDescriptor, lut.ModalityLUTType = [1024, 0, 16], "US"
    lut.LUTData = (np.arange(1024) ** 2 // 16).astype(np.uint16).tolist()
    lut["LUTData"].VR = "US"
    shown = read_radiograph(encoded(dataset(RAMP, bits=10, ModalityLUTSequence=[lut])))
    expected = (RAMP.astype(int) ** 2 // 16) / (1023**2 // 16) * 255
    np.testing.assert_array_equal(shown, np.rint(expected))


@pytest.mark.parametrize(
    ("centre", "width", "low", "high"),
    [(1000, 4096, 65, 255), (2048, 8192, 64, 191), (4095, 4096, 0, 128)],
)
def test_a_window_beyond_the_stored_range_is_not_stretched(centre, width, low, high):
    """PS3.3 C.11.2.1.2 for the ends of 12 bits."""
    ramp = np.linspace(0, 4095, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    shown = read_radiograph(encoded(dataset(ramp, bits=12, WindowCenter=centre, WindowWidth=width)))
    assert abs(int(shown.min()) - low) <= 1 and abs(int(shown.max()) - high) <= 1
