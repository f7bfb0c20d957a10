"""Reading DICOM: every way a file can be unusable, and what is no such way."""

from __future__ import annotations

import warnings
from functools import partial

import imagecodecs
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from medsynth.imaging.dicom import open_dicom, read_hu, read_radiograph
from medsynth.imaging.pixels import MAX_PIXELS
from medsynth.store.quarantine import ExcludedImage
from tests.unit.dicom_files import RAMP, RAMP_8, compressed, ct, dataset, encoded, reason


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


@pytest.mark.parametrize(
    ("syntax", "bits", "encode"),
    [
        (JPEGBaseline8Bit, 8, imagecodecs.jpeg8_encode),
        (JPEGExtended12Bit, 12, partial(imagecodecs.jpeg8_encode, bitspersample=12)),
        (JPEGLossless, 12, partial(imagecodecs.ljpeg_encode, bitspersample=12)),
    ],
)
def test_data_that_are_lost_or_too_many_before_the_end_of_a_jpeg(syntax, bits, encode):
    noise = np.random.default_rng(1).integers(0, 1 << bits, (64, 64))
    pixels = noise.astype(np.uint8 if bits == 8 else np.uint16)
    code = encode(pixels)

    def outcome(data):
        return reason(read_radiograph, encoded(compressed(pixels, bits, syntax, data)))

    middle, end = len(code) // 2, code[-2:]
    assert outcome(code[: len(code) * 9 // 10] + end) == "truncated"
    assert outcome(code[:middle] + code[middle + 400 :]) == "truncated"
    assert outcome(code[:-2] + bytes(range(1, 100)) + end) == "cannot_decode"


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
