"""Reading CT slices: Hounsfield units, padding, and values that are none."""

from __future__ import annotations

import numpy as np
import pytest

from medsynth.imaging.dicom import open_dicom, read_hu
from tests.unit.dicom_files import RAMP, ct, dataset, encoded, reason


def test_hu_uses_the_slices_own_slope_and_intercept():
    pixels = np.array([[0, 1000], [1024, 2000]], np.int16)
    hu = read_hu(ct(pixels, RescaleSlope="1.5", RescaleIntercept="-900"))
    assert hu.dtype == np.int16
    np.testing.assert_array_equal(hu, [[-900, 600], [636, 2100]])


def test_a_zero_intercept_is_believed():
    pixels = np.array([[-1000, 40]], np.int16)
    np.testing.assert_array_equal(read_hu(ct(pixels, RescaleIntercept=0)), [[-1000, 40]])


@pytest.mark.parametrize("value", [-2000, 63536, None])
def test_padding_becomes_air_however_it_is_declared(value):
    pixels = np.array([[-2000, 24], [1024, 3000]], np.int16)
    data = ct(pixels)
    if value is not None:
        ds = open_dicom(data)
        # 63536 is -2000 written with the wrong value representation
        ds.add_new("PixelPaddingValue", "SS" if value < 0 else "US", value)
        data = encoded(ds)
    np.testing.assert_array_equal(read_hu(data), [[-1024, -1000], [0, 1976]])


def test_padding_inside_the_range_of_tissue_becomes_air():
    pixels = np.array([[3000, 24], [1024, 1100]], np.int16)
    assert read_hu(ct(pixels, PixelPaddingValue=3000))[0, 0] == -1024


@pytest.mark.parametrize(
    "kind", ["HU", "hu", "H.U.", "Hounsfield", "Houndsfield Unit", "US", "Unspecified", ""]
)
def test_rescale_types_that_are_hounsfield_units(kind):
    assert read_hu(ct(RAMP, RescaleType=kind)).min() == -1024


@pytest.mark.parametrize(
    "kind", ["OD", "MGML", "Z_EFF", "ED", "EDW", "PCT", "HU_MOD", "100ug/cc", "mg/ml", "z eff", "1"]
)
def test_rescale_types_that_are_other_quantities(kind):
    assert reason(read_hu, ct(RAMP, RescaleType=kind)) == "not_hu"


@pytest.mark.parametrize(
    ("pixels", "tags"),
    [
        (np.array([[-900, 40]], np.int16), {"PixelRepresentation": 0}),  # 64,636 and 40
        (np.array([[0, 40000]], np.uint16), {}),
        (np.array([[0, 4000]], np.uint16), {"RescaleSlope": 100}),
    ],
)
def test_values_beyond_any_scale_of_hounsfield_units_are_none(pixels, tags):
    ds = dataset(pixels, bits=16, Modality="CT", RescaleSlope=1, RescaleIntercept=0)
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    assert reason(read_hu, encoded(ds)) == "not_hu"


def test_padding_may_lie_beyond_any_scale_of_hounsfield_units():
    pixels = np.array([[63536, 0, 40]], np.uint16)
    assert read_hu(ct(pixels, bits=16, PixelPaddingValue=63536)).tolist() == [[-1024, -1024, -984]]


def test_missing_rescale():
    ds = open_dicom(ct(RAMP))
    del ds.RescaleIntercept
    assert reason(read_hu, encoded(ds)) == "no_rescale"
