"""Reading DICOM: display pipeline, Hounsfield units, and every way a file can be unusable."""

from __future__ import annotations

import warnings
from functools import partial
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    JPEG2000,
    ComputedRadiographyImageStorage,
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
    MediaStorageDirectoryStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from medsynth.imaging.dicom import is_padding, open_dicom, read_hu, read_radiograph
from medsynth.imaging.pixels import MAX_PIXELS, stored_codes
from medsynth.store.quarantine import ExcludedImage, UnusableImage
from tests.unit.dicom_files import compressed, dataset, encoded

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64) // 4  # 0 .. 1023


def ct(pixels: np.ndarray, bits: int = 16, **tags) -> bytes:
    rescale = {"Modality": "CT", "RescaleSlope": 1, "RescaleIntercept": -1024}
    return encoded(dataset(pixels, bits, **(rescale | tags)))


def stored_values(ds: Dataset) -> np.ndarray:
    codes, levels = stored_codes(ds)
    return levels[codes]


def reason(call, *arguments) -> str:
    with pytest.raises(UnusableImage) as caught:
        call(*arguments)
    return caught.value.reason


# --- radiographs ------------------------------------------------------------------------------


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
RAMP_8 = (RAMP >> 2).astype(np.uint8)


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


def test_only_padding_is_blank():
    assert reason(read_radiograph, encoded(dataset(RAMP * 0, PixelPaddingValue=0))) == "blank"


@pytest.mark.parametrize(
    ("said", "excluded"),
    [
        (None, False),
        ("", False),
        ("NO", False),
        ("no ", False),
        ("YES", True),
        ("yes", True),
        ("Y", True),
        ("UNKNOWN", True),
        (["YES", "NO"], True),
    ],
)
def test_burned_in_annotation_excludes_unless_it_is_kept(said, excluded):
    ds = dataset(RAMP)
    if said is not None:
        ds.BurnedInAnnotation = said
    kept = read_radiograph(encoded(ds), burned_in="keep")
    np.testing.assert_array_equal(kept, read_radiograph(encoded(dataset(RAMP))))
    if excluded:
        with pytest.raises(ExcludedImage, match="text in the pixels") as caught:
            read_radiograph(encoded(ds))
        assert (caught.value.reason, caught.value.status) == ("burned_in", "excluded")
    else:
        np.testing.assert_array_equal(read_radiograph(encoded(ds)), kept)


@pytest.mark.parametrize(
    "sop_class",
    [SecondaryCaptureImageStorage, ComputedRadiographyImageStorage, "1.2.840.10008.5.1.4.1.1.1.2"],
)
@pytest.mark.parametrize("image_type", [None, ["DERIVED", "SECONDARY"], ["ORIGINAL", "PRIMARY"]])
def test_a_radiograph_is_none_the_less_for_its_sop_class_or_image_type(sop_class, image_type):
    ds = dataset(RAMP, SOPClassUID=sop_class, ConversionType="WSD")
    if image_type:
        ds.ImageType = image_type
    np.testing.assert_array_equal(
        read_radiograph(encoded(ds)), read_radiograph(encoded(dataset(RAMP)))
    )


# --- Hounsfield units -------------------------------------------------------------------------


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


# --- unusable files ---------------------------------------------------------------------------


def test_files_that_are_not_there_or_not_dicom(tmp_path):
    assert reason(read_radiograph, tmp_path / "absent.dcm") == "missing_file"
    assert reason(read_radiograph, tmp_path) == "unreadable"
    assert reason(read_radiograph, b"") == "not_dicom"
    assert reason(read_radiograph, b"GIF89a" + bytes(range(256)) * 40) == "not_dicom"
    assert reason(read_radiograph, b"x" * 5000) == "not_dicom"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("meta", [True, False])
def test_a_dicomdir_is_excluded_as_what_it_is(syntax, meta):
    ds, record = Dataset(), Dataset()
    ds.FileSetID, record.DirectoryRecordType = "ARCHIVE", "PATIENT"
    ds.DirectoryRecordSequence = [record]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    with pytest.raises(ExcludedImage, match="directory of a medium") as caught:
        open_dicom(encoded(ds, bare=not meta), pixels=False)
    assert caught.value.reason == "dicomdir"


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


def test_wrong_kinds_of_image():
    assert reason(read_radiograph, ct(RAMP)) == "wrong_modality"
    assert reason(read_hu, encoded(dataset(RAMP))) == "wrong_modality"
    assert reason(read_radiograph, encoded(dataset(RAMP, bits=6))) == "bit_depth"
    assert reason(read_radiograph, encoded(dataset(RAMP * 0))) == "blank"
    colour = dataset(RAMP, SamplesPerPixel=3, PhotometricInterpretation="RGB")
    assert reason(read_radiograph, encoded(colour)) == "not_grey"
    assert reason(read_radiograph, encoded(dataset(RAMP, NumberOfFrames=2))) == "multi_frame"


def test_a_window_that_leaves_nothing_visible_is_blank():
    data = encoded(dataset(RAMP, WindowCenter=60000, WindowWidth=10))
    assert reason(read_radiograph, data) == "blank"


def test_missing_rescale():
    ds = open_dicom(ct(RAMP))
    del ds.RescaleIntercept
    assert reason(read_hu, encoded(ds)) == "no_rescale"


def test_pixels_missing_cut_off_or_damaged():
    ds = dataset(RAMP)
    del ds.PixelData
    assert reason(read_radiograph, encoded(ds)) == "no_pixels"
    assert reason(read_radiograph, encoded(dataset(RAMP))[:-20]) == "truncated"
    ds = dataset(RAMP)
    ds.compress(JPEG2000Lossless)
    ds.PixelData = ds.PixelData.replace(b"\xff\x4f\xff\x51", b"\x00" * 4)
    assert reason(read_radiograph, encoded(ds)) == "cannot_decode"


@pytest.mark.parametrize(
    ("syntax", "code"),
    [
        (JPEGBaseline8Bit, imagecodecs.jpeg8_encode(RAMP_8)),
        (JPEGLSLossless, imagecodecs.jpegls_encode(RAMP_8)),
    ],
)
def test_an_image_that_ends_too_early_is_not_filled_up(syntax, code):
    whole = encoded(compressed(RAMP_8, 8, syntax, code))
    assert read_radiograph(whole).shape == RAMP.shape
    half = encoded(compressed(RAMP_8, 8, syntax, code[: len(code) // 2]))
    assert reason(read_radiograph, half) == "truncated"


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_compressed_files_that_were_cut_off(syntax):
    noise = np.random.default_rng(1).integers(0, 1024, (64, 64)).astype(np.uint16)
    ds = dataset(noise)
    ds.compress(syntax)
    data = encoded(ds)
    assert reason(read_radiograph, data[: len(data) * 2 // 3]) == "truncated"


def test_pydicom_tells_no_file_name(tmp_path, caplog):
    ds = dataset(RAMP)
    ds.compress(RLELossless)
    (tmp_path / "p10000032.dcm").write_bytes(encoded(ds)[:-200])
    with warnings.catch_warnings(record=True) as told:
        assert reason(read_radiograph, tmp_path / "p10000032.dcm") == "truncated"
    assert not [w for w in told if "p10000032" in str(w.message)]
    assert "p10000032" not in caplog.text


def test_absurd_sizes_are_refused_before_decoding():
    assert reason(read_radiograph, encoded(dataset(RAMP, Rows=60000, Columns=60000))) == (
        "absurd_size"
    )
    assert 60000 * 60000 > MAX_PIXELS


@pytest.mark.parametrize(
    ("centre", "width", "low", "high"),
    [(1000, 4096, 65, 255), (2048, 8192, 64, 191), (4095, 4096, 0, 128)],
)
def test_a_window_beyond_the_stored_range_is_not_stretched(centre, width, low, high):
    """PS3.3 C.11.2.1.2 for the ends of 12 bits."""
    ramp = np.linspace(0, 4095, 64 * 64).round().astype(np.uint16).reshape(64, 64)
    shown = read_radiograph(encoded(dataset(ramp, bits=12, WindowCenter=centre, WindowWidth=width)))
    assert abs(int(shown.min()) - low) <= 1 and abs(int(shown.max()) - high) <= 1
