"""Single generated images: the pixels they were, and marked as synthetic with their origin."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pydicom
import pytest

from medsynth.imaging.dicom import read_hu
from medsynth.lineage.ledger.embedded import embedded_provenance
from medsynth.report.singles import write_singles

MODEL, SAMPLES = "a" * 64, "b" * 64
OF = {"samples_sha256": SAMPLES}


def table(labels):
    rows = pd.DataFrame({"row": range(3, 3 + len(labels)), "label": labels, "seed": 7})
    return rows.assign(model_sha256=MODEL, source_item="1.2.3-a-patients-image")


def test_ct_slices_are_synthetic_dicom_with_the_same_hounsfield_units(tmp_path):
    images = np.random.default_rng(0).integers(-1024, 2000, (2, 8, 6, 1)).astype(np.int16)
    write_singles(images, table(["ct_to_cect", "cect_to_ct"]), "dicom", tmp_path / "a", **OF)
    files = [tmp_path / "a/ct-to-cect-000003.dcm", tmp_path / "a/cect-to-ct-000004.dcm"]
    assert sorted((tmp_path / "a").iterdir()) == sorted(files)
    for path, image in zip(files, images, strict=True):
        np.testing.assert_array_equal(read_hu(path), image[..., 0])
        assert pydicom.dcmread(path)[0x0008, 0x001C].value == "YES"
        assert b"patients-image" not in path.read_bytes()
    assert embedded_provenance(files[1]) == {
        **{"synthetic": "yes", "label": "cect_to_ct", "row": "4", "seed": "7"},
        **{"model_sha256": MODEL, "samples_sha256": SAMPLES},
    }
    write_singles(images, table(["ct_to_cect", "cect_to_ct"]), "dicom", tmp_path / "b", **OF)
    assert [(tmp_path / "b" / f.name).read_bytes() for f in files] == [
        f.read_bytes() for f in files
    ]


@pytest.mark.parametrize("size", [8, 7])  # an odd number of bytes is padded
def test_radiographs_are_eight_bit_secondary_captures(tmp_path, size):
    images = np.random.default_rng(0).integers(0, 256, (1, size, size, 1)).astype(np.uint8)
    write_singles(images, table(["No Finding"]), "dicom", tmp_path / "a", **OF)
    dataset = pydicom.dcmread(tmp_path / "a/no-finding-000003.dcm")
    np.testing.assert_array_equal(dataset.pixel_array, images[0, ..., 0])
    assert (dataset.SyntheticData, dataset.BitsStored) == ("YES", 8)
    said = json.loads(dataset.ContributingEquipmentSequence[0].ContributionDescription)
    assert said["samples_sha256"] == SAMPLES


def test_colours_are_no_dicom(tmp_path):
    images = np.zeros((1, 8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="3 channels"):
        write_singles(images, table(["a"]), "dicom", tmp_path / "a", **OF)


@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_are_png_with_text(tmp_path, channels):
    from PIL import Image

    images = np.random.default_rng(0).integers(0, 256, (1, 8, 8, channels)).astype(np.uint8)
    write_singles(images, table(["IDH-wildtype"]), "png", tmp_path / "a", **OF)
    path = tmp_path / "a/idh-wildtype-000003.png"
    np.testing.assert_array_equal(np.asarray(Image.open(path)), images[0].squeeze())
    assert embedded_provenance(path)["model_sha256"] == MODEL


def test_patients_dicom_says_nothing(tmp_path):
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2"
    dataset.ContributingEquipmentSequence = [pydicom.Dataset()]
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.save_as(tmp_path / "x.dcm", enforce_file_format=True)
    assert embedded_provenance(tmp_path / "x.dcm") is None


def test_files_that_come_from_no_samples_name_none_and_are_told_apart_by_their_pixels(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.uint8)
    for name, pixels in {"a": images, "b": images[::-1]}.items():
        write_singles(pixels, table(["x", "x"]), "dicom", tmp_path / name)
    files = [path for name in "ab" for path in sorted((tmp_path / name).iterdir())]
    assert len({pydicom.dcmread(path).SOPInstanceUID for path in files}) == 4
    assert "samples_sha256" not in embedded_provenance(files[0])
    write_singles(images, table(["x", "x"]), "png", tmp_path / "grey")
    assert "samples_sha256" not in embedded_provenance(tmp_path / "grey/x-000003.png")
