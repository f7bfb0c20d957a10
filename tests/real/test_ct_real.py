"""Real CT files: each is used or set aside for the right reason, at the right place and HU."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk

from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.settings import CtConvert, CtIndex, TagContrast
from medsynth.cohorts.ct.shard import shard as convert_ct
from medsynth.imaging.ct.nifti import read_nifti, write_nifti
from medsynth.imaging.dicom import read_hu
from medsynth.runtime.settings import TableLabel
from medsynth.store.quarantine import CohortError
from medsynth.store.shards import ImageStore
from tests.checkout import ROOT

DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
SLICES, SERIAL, NIFTI = (DATA / name for name in ("tcga-ct-slices", "ct-serial", "ct-nifti"))
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA} (MEDSYNTH_REAL_DATA)"
)
TAGS = TagContrast(kind="tags")


def counts(frame: pd.DataFrame) -> dict[tuple[str, str], int]:
    """{(status, reason or label): number of files}"""
    kinds = frame["reason"].fillna(frame["label"])
    return frame.groupby(["status", kinds]).size().to_dict()


def indexed(root: Path) -> pd.DataFrame:
    if root == SLICES:
        table = SLICES / "contrast.csv"
        label = TableLabel(kind="table", path=table, key="file", value="contrast")
        return index_ct(root / "dicom", CtIndex(label=label, shards=1))
    pattern = "*.nii.gz" if root == NIFTI else "**/*.dcm"
    return index_ct(root, CtIndex(label=TAGS, pattern=pattern, shards=1))


def labelled_volumes(folder: Path) -> pd.DataFrame:
    """The index of ct-nifti with labels made up for the test: what they are is not known."""
    table = folder / "labels.csv"
    names = sorted(file.name for file in NIFTI.glob("*.nii.gz"))
    rows = [f"{name},no,{name}\n" for name in names]  # each of a patient of its own
    table.write_text("file,contrast,patient_id\n" + "".join(rows))
    label = TableLabel(kind="table", path=table, key="file", value="contrast")
    return index_ct(NIFTI, CtIndex(label=label, pattern="*.nii.gz", shards=1))


def test_every_file_is_listed_with_its_kind(tmp_path):
    assert counts(indexed(SLICES)) == {
        ("quarantined", "duplicate"): 3,
        ("used", "cect"): 23,
        ("used", "ct"): 32,
    }
    assert counts(indexed(SERIAL)) == {
        ("excluded", "not_axial"): 1,
        ("used", "cect"): 4,
        ("used", "ct"): 6,
    }
    with pytest.raises(CohortError, match=r"3 NIfTI files.*'patient_id'"):  # and a segmentation
        indexed(NIFTI)
    volumes = labelled_volumes(tmp_path)
    assert counts(volumes) == {("quarantined", "not_hu"): 1, ("used", "ct"): 3}
    assert volumes.set_index("source")["reason"].dropna().to_dict() == {
        "example_seg.nii.gz": "not_hu"
    }


@pytest.mark.parametrize("root", [SLICES, SERIAL], ids=lambda root: root.name)
def test_pixels_are_those_pydicom_reads(tmp_path, root):
    index = indexed(root)
    top = root / "dicom" if root == SLICES else root
    items = convert_ct(index, top, CtConvert(image_size=512), tmp_path / "0.h5", {})
    assert items["status"].eq("used").all() and len(items) == (index["status"] == "used").sum()
    images = ImageStore(items, tmp_path).read(range(len(items)))[..., 0]
    for image, source in zip(images, items["source"], strict=True):
        dataset = pydicom.dcmread(top / source)
        hu = pydicom.pixels.apply_rescale(dataset.pixel_array, dataset)
        # Below air there is only padding, declared or not.
        np.testing.assert_array_equal(image, np.maximum(np.rint(hu), -1024))


def test_single_slices_come_to_one_scale(tmp_path):
    index = indexed(SLICES)
    settings = CtConvert(image_size=192, spacing_mm=3.0)
    items = convert_ct(index, SLICES / "dicom", settings, tmp_path / "0.h5", {})
    assert len(items) == 55 and items["status"].eq("used").all()
    images = ImageStore(items, tmp_path).read(range(55))[..., 0]
    for image, source in zip(images, items["source"], strict=True):
        dataset = pydicom.dcmread(SLICES / "dicom" / source, stop_before_pixels=True)
        pixel = float(dataset.PixelSpacing[0]) * float(dataset.PixelSpacing[1])
        full = (read_hu(SLICES / "dicom" / source) > -300).sum() * pixel
        assert (image > -300).sum() * 9 == pytest.approx(full, rel=0.05)  # square millimetres


@pytest.mark.parametrize("name", ["aorta_ct_cropped", "example_ct", "example_ct_sm"])
def test_volumes_lie_where_nibabel_and_simpleitk_say(tmp_path, name):
    file = NIFTI / f"{name}.nii.gz"
    volume = read_nifti(file.read_bytes())
    theirs = sitk.DICOMOrient(sitk.ReadImage(str(file)), "LPS")
    np.testing.assert_array_equal(volume.hu, np.maximum(sitk.GetArrayFromImage(theirs), -1024))
    last = np.array([n - 1 for n in theirs.GetSize()])
    for voxel in (last * 0, last, last // 2):
        place = theirs.TransformIndexToPhysicalPoint(voxel.tolist())
        np.testing.assert_allclose(volume.places(voxel[None])[0], place, atol=1e-3)
    write_nifti(volume, tmp_path / "a.nii.gz")
    ours = nibabel.as_closest_canonical(nibabel.load(tmp_path / "a.nii.gz"))
    source = nibabel.as_closest_canonical(nibabel.load(file))
    np.testing.assert_allclose(ours.affine, source.affine, atol=1e-3)
    values = np.maximum(np.asanyarray(source.dataobj), -1024)
    np.testing.assert_array_equal(np.asanyarray(ours.dataobj), values)


def test_volumes_become_cubes_with_one_item_a_slice(tmp_path):
    index = labelled_volumes(tmp_path)
    settings = CtConvert(image_size=96, spacing_mm=3.0, nifti=True)
    items = convert_ct(index, NIFTI, settings, tmp_path / "0.h5", {})
    sizes = items.groupby("source").size().to_dict()
    assert sizes == {
        "aorta_ct_cropped.nii.gz": 81,
        "example_ct.nii.gz": 111,
        "example_ct_sm.nii.gz": 29,
    }
    assert items["item_id"].is_unique and (items["z"] % 3 == 0).all()
    written = [nibabel.load(file) for file in sorted((tmp_path / "0.volumes").iterdir())]
    assert sorted(volume.shape for volume in written) == [
        (96, 96, n) for n in sorted(sizes.values())
    ]


def test_headers_are_right_wherever_they_speak_and_single_slices_are_not_guessed():
    judged = CtIndex(label=TagContrast(kind="tags", intensity=True), shards=1)
    index = index_ct(SLICES / "dicom", judged)
    truth = pd.read_csv(SLICES / "contrast.csv").set_index("file")["contrast"]
    labelled = index[index["label"].notna()]
    assert set(labelled["label_source"]) == {"tags"} and len(labelled) >= 17
    assert ((labelled["label"] == "cect") == labelled["source"].map(truth)).all()
    silent = index[index["label"].isna() & (index["status"] == "excluded")]
    assert silent["reason"].eq("no_contrast_label").all()
    assert silent["detail"].eq("brightness needs 10 slices, not 1").all()
