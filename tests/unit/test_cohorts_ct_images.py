"""What of Modality CT is a slice, and where the pixels of one lie."""

from __future__ import annotations

import pytest
from ct_files import write_slice
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EnhancedCTImageStorage,
    EnhancedSRStorage,
    LegacyConvertedEnhancedCTImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.settings import CtIndex, TagContrast
from medsynth.imaging.ct.slices import check_ct_image
from medsynth.store.quarantine import ExcludedImage

TAGS = CtIndex(label=TagContrast(kind="tags"), shards=1)
NOWHERE = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}


def judged(tmp_path, settings: CtIndex = TAGS, **tags) -> tuple[str, str] | None:
    """Status and reason of one slice; None if it is used."""
    write_slice(tmp_path / "a.dcm", "1.1", **tags)
    (row,) = index_ct(tmp_path, settings).to_dict("records")
    assert row["patient"] == "P1"  # also of what is set aside, so that the person's files are found
    return None if row["status"] == "used" else (row["status"], row["reason"])


def left_out(**tags) -> str | None:
    """The reason that a header is no slice's; None if it is one's."""
    header = Dataset()
    header.Modality, header.SOPClassUID = "CT", CTImageStorage
    for keyword, value in tags.items():
        setattr(header, keyword, value)
    try:
        check_ct_image(header)
    except ExcludedImage as error:
        return error.reason
    return None


def derived_by(name: str) -> dict:
    code = Dataset()
    found = getattr(codes.DCM, name)
    code.CodeValue, code.CodingSchemeDesignator = found.value, "DCM"
    code.CodeMeaning = found.meaning
    return {"DerivationCodeSequence": Sequence([code])}


@pytest.mark.parametrize(
    ("sop_class", "tags", "reason"),
    [
        (CTImageStorage, {}, None),
        (LegacyConvertedEnhancedCTImageStorage, {}, None),
        (EnhancedCTImageStorage, {}, None),
        (None, {}, None),  # lost by an archive; the geometry is there
        (SecondaryCaptureImageStorage, {}, "not_ct_image"),  # a screen save that kept its place
        (SecondaryCaptureImageStorage, NOWHERE, "not_ct_image"),
        (MultiFrameGrayscaleByteSecondaryCaptureImageStorage, NOWHERE, "not_ct_image"),
        (DigitalXRayImageStorageForPresentation, {}, "not_ct_image"),
        (EnhancedSRStorage, NOWHERE, "not_ct_image"),
        ("1.3.46.670589.11.0.0.12.1", {}, "not_ct_image"),  # private
        (None, {"ConversionType": "WSD"}, "not_ct_image"),
    ],
)
def test_a_slice_is_of_a_class_of_ct_images(tmp_path, sop_class, tags, reason):
    found = judged(tmp_path, SOPClassUID=sop_class, **tags)
    assert found == (reason and ("excluded", reason))


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        (None, None),
        ("ORIGINAL", None),
        ("ORIGINAL PRIMARY AXIAL", None),
        ("ORIGINAL PRIMARY AXIAL CT_SOM5_SPI", None),
        ("ORIGINAL PRIMARY AXIAL HELIX", None),
        ("DERIVED SECONDARY AXIAL", None),  # written anew after compression
        ("DERIVED SECONDARY REFORMATTED AVERAGE", None),
        ("DERIVED SECONDARY MPR CSA_MPR CSAPARALLEL", None),
        ("DERIVED SECONDARY MPR CSA_3D_EDITOR", None),  # the program's name
        ("DERIVED PRIMARY VOLUME RESAMPLED", None),
        ("DERIVED PRIMARY AXIAL MEAN", None),
        ("DERIVED PRIMARY AXIAL VMI", None),
        ("DERIVED PRIMARY AXIAL ENERGY_PROP_WT", None),
        ("ORIGINAL PRIMARY AXIAL LOW_DOSE", None),
        ("ORIGINAL PRIMARY AXIAL 3D", None),  # how it was scanned; no original is a rendering
        ("ORIGINAL PRIMARY LOCALIZER", "localizer"),
        ("ORIGINAL PRIMARY LOCALIZER CT_SOM5_TOP", "localizer"),
        ("LOCALIZER", "localizer"),
        ("ORIGINAL PRIMARY SURVIEW", "localizer"),
        ("ORIGINAL PRIMARY SCANOGRAM", "localizer"),
        ("ORIGINAL PRIMARY SCOUT", "localizer"),
        ("DERIVED SECONDARY OTHER CT_SOM5_PROT", "not_ct_image"),
        ("DERIVED SECONDARY SCREEN_SAVE", "not_ct_image"),
        ("DERIVED SECONDARY DOSE_INFO", "not_ct_image"),
        ("DERIVED SECONDARY DOSE", "not_ct_image"),
        ("DERIVED SECONDARY SCREEN_SAVES", "not_ct_image"),
        ("DERIVED SECONDARY REPORT", "not_ct_image"),
        ("DERIVED SECONDARY COLOR", "not_ct_image"),
        ("ORIGINAL PRIMARY AXIAL PROTON", None),  # PROT is a page, as a whole word
        ("DERIVED SECONDARY GRAPH", "not_ct_image"),
        ("DERIVED PRIMARY OTHER CSA_RESULT", "not_ct_image"),
        ("DERIVED SECONDARY MIP", "projection"),
        ("DERIVED SECONDARY REFORMATTED MIP", "projection"),
        ("DERIVED SECONDARY REFORMATTED MIN_IP", "projection"),
        ("DERIVED SECONDARY AXIAL CT_SOM7_MIP", "projection"),
        ("DERIVED PRIMARY VOLUME MAXIMUM", "projection"),
        ("DERIVED SECONDARY PROJECTION_IMAGE", "projection"),
        ("DERIVED SECONDARY VRT", "projection"),
        ("DERIVED SECONDARY 3D", "projection"),
        ("DERIVED SECONDARY VOLREN", "projection"),
        ("DERIVED SECONDARY RAY_SUM", "projection"),
        ("DERIVED SECONDARY CURVED", "projection"),
        ("DERIVED SECONDARY SSD", "projection"),
        ("DERIVED SECONDARY ENDOSCOPIC", "projection"),
        ("derived secondary mip", "projection"),
        ("DERIVED PRIMARY AXIAL MAT_REMOVED", "not_hu"),
        ("DERIVED SECONDARY AXIAL IODINE", "not_hu"),
        ("DERIVED PRIMARY AXIAL ELECTRON_DENSITY", "not_hu"),
        ("DERIVED PRIMARY AXIAL STD_DEVIATION", "not_hu"),
        ("DERIVED PRIMARY AXIAL MULTIPLICATION", "not_hu"),
        ("DERIVED PRIMARY AXIAL DIVISION", "not_hu"),
        ("DERIVED PRIMARY AXIAL QUANTITY", "not_hu"),
        ("DERIVED SECONDARY AXIAL TMAX", "not_hu"),
        ("DERIVED PRIMARY AXIAL EFF_ATOMIC_NUM", "not_hu"),
        ("DERIVED SECONDARY ANGIO SUBTRACTION", "not_hu"),
        ("DERIVED SECONDARY AXIAL CBF", "not_hu"),
    ],
)
def test_image_type_says_what_is_no_slice(types, reason):
    values = types and types.split(" ")
    assert left_out(ImageType=values) == reason
    if types:  # as vendors write it, too
        assert left_out(ImageType=[value.replace("_", " ") for value in values]) == reason


DERIVED = {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}
ORIGINAL = {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"SeriesDescription": "AX MIP W CONTRAST"} | DERIVED, "projection"),
        ({"SeriesDescription": "Dose Report"} | DERIVED, "not_ct_image"),
        ({"SeriesDescription": "Screen Save"}, "not_ct_image"),
        ({"SeriesDescription": "THIN FOR MIP W CONTRAST"} | ORIGINAL, None),
        ({"SeriesDescription": "THIN FOR MIP W CONTRAST"} | DERIVED, None),
        ({"SeriesDescription": "Dose Report"} | ORIGINAL, "not_ct_image"),
        ({"SeriesDescription": "LOW DOSE CHEST"} | ORIGINAL, None),
        ({"SeriesDescription": "COR MPR W CONTRAST"} | DERIVED, None),
        ({"DerivationDescription": "Maximum intensity projection"} | DERIVED, "projection"),
        ({"DerivationDescription": "Lossless JPEG"} | DERIVED, None),
        (derived_by("MaximumIntensityProjection"), "projection"),
        (derived_by("MinimumIntensityProjection"), "projection"),
        (derived_by("PixelByPixelMaximum"), "projection"),
        (derived_by("VolumeRendering"), "projection"),
        (derived_by("PixelByPixelSubtraction"), "not_hu"),
        (derived_by("MultiplanarReformatting"), None),
        (derived_by("LossyCompression"), None),
        ({"VolumeBasedCalculationTechnique": "MAX_IP"}, "projection"),
        ({"VolumeBasedCalculationTechnique": "CURVED_MPR"}, "projection"),
        ({"VolumeBasedCalculationTechnique": "MPR"}, None),
    ],
)
def test_how_an_image_was_derived_says_whether_it_is_a_slice(tags, reason):
    assert left_out(**tags) == reason


def test_codes_of_other_vocabularies_say_nothing():
    tags = derived_by("MaximumIntensityProjection")
    tags["DerivationCodeSequence"][0].CodingSchemeDesignator = "99VENDOR"
    assert left_out(**tags) is None


def test_the_file_meta_information_says_the_class_that_the_data_set_lost():
    header = Dataset()
    header.Modality, header.file_meta = "CT", FileMetaDataset()
    header.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    with pytest.raises(ExcludedImage) as caught:
        check_ct_image(header)
    assert "Secondary Capture" in caught.value.detail


@pytest.mark.parametrize(
    ("modality", "status"),
    [("PT", "excluded"), ("SR", "excluded"), ("PR", "excluded"), (None, "quarantined")],
)
def test_what_else_a_study_holds_is_not_wanted_and_no_fault(tmp_path, modality, status):
    assert judged(tmp_path, Modality=modality) == (status, "wrong_modality")


@pytest.mark.parametrize("said", ["YES", "yes"])
def test_burnt_in_text_is_excluded_unless_it_is_to_be_kept(tmp_path, said):
    assert judged(tmp_path, BurnedInAnnotation=said) == ("excluded", "burned_in")
    keeps = TAGS.model_copy(update={"burned_in": "keep"})
    assert judged(tmp_path, keeps, BurnedInAnnotation=said) is None
    assert judged(tmp_path, BurnedInAnnotation="NO") is None


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"ImagePositionPatient": None}, "no_position"),
        ({"ImagePositionPatient": ["1", "2", "nan"]}, "no_position"),
        ({"ImageOrientationPatient": None}, "no_position"),
        ({"ImageOrientationPatient": [0] * 6}, "no_position"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no_position"),
        ({"PixelSpacing": None}, "no_position"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.7, 0.7]}, "no_position"),
        ({"PixelSpacing": [0.7, 0.7], "ImagerPixelSpacing": [0.1, 0.1]}, None),
        ({"PixelSpacing": [0.049, 0.049], "Rows": 8}, "bad_spacing"),
        ({"PixelSpacing": [0.0007, 0.0007]}, "bad_spacing"),  # metres
        ({"PixelSpacing": [700, 700]}, "bad_spacing"),  # microns
        ({"PixelSpacing": [1000, 1000]}, "bad_spacing"),
        ({"PixelSpacing": [0, 0]}, "bad_spacing"),
        ({"PixelSpacing": [0.7, 0]}, "bad_spacing"),
        ({"PixelSpacing": [-0.7, 0.7]}, "bad_spacing"),
        ({"PixelSpacing": [0.7, 70]}, "bad_spacing"),
        ({"PixelSpacing": [0.7]}, "bad_spacing"),
        ({"PixelSpacing": ["nan", "nan"]}, "bad_spacing"),
        ({"PixelSpacing": [2.5, 2.5], "Rows": 512}, "bad_spacing"),  # 1,280 mm
        ({"PixelSpacing": [0.05, 10]}, None),
    ],
)
def test_a_slice_says_where_its_pixels_lie_in_millimetres(tmp_path, tags, reason):
    assert judged(tmp_path, **tags) == (reason and ("quarantined", reason))
