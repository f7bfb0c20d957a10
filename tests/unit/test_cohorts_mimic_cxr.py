"""Index and shards of a MIMIC-CXR layout, made of a few small files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from medsynth.cohorts.mimic_cxr import index_mimic_cxr, shard_mimic_cxr
from medsynth.cohorts.unusable import CohortError
from medsynth.runtime.config.cxr import CxrIndex, CxrRead, FindingLabel, ViewLabel
from medsynth.store.digests import digest_file
from medsynth.store.shards import ImageStore

VIEW = CxrIndex(label=ViewLabel(kind="view"), shards=1)
IMAGES = pd.DataFrame(
    {
        "dicom_id": ["a", "b", "c", "d", "e"],
        "subject_id": ["10000001", "10000001", "10000002", "10000003", "10000004"],
        "study_id": ["51", "52", "53", "54", "55"],
        "ViewPosition": ["AP", "LATERAL", "PA", "AP", None],
    }
)


def source(row) -> str:
    return f"files/p10/p{row.subject_id}/s{row.study_id}/{row.dicom_id}.dcm"


def write_image(path: Path, pixels: np.ndarray) -> None:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, "1.2.3"
    ds.Modality, ds.PhotometricInterpretation = "DX", "MONOCHROME2"
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    ds.PixelData = pixels.tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, ds, enforce_file_format=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    pixels = np.zeros((32, 48), np.uint8)
    pixels[:, 8:40] = np.arange(32, dtype=np.uint8)[:, None] * 8
    pixels[0, 0] = 255
    for row in IMAGES.itertuples():
        if row.dicom_id != "d":
            write_image(tmp_path / source(row), pixels)
    IMAGES.to_csv(tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz", index=False)
    return tmp_path


def test_index_joins_names_and_hashes(root):
    index = index_mimic_cxr(root, VIEW).set_index("item_id")
    assert index["status"].to_dict() == {
        "a": "used",
        "b": "excluded",
        "c": "used",
        "d": "quarantined",
        "e": "excluded",
    }
    assert index.loc["b", "reason"] == index.loc["e", "reason"] == "view"
    assert index.loc["d", "reason"] == "missing_file"
    a = index.loc["a"]
    assert (a["patient"], a["group"], a["label"]) == ("10000001", "51", "AP")
    assert a["source"] == "files/p10/p10000001/s51/a.dcm"
    assert a["source_sha256"] == digest_file(root / a["source"])
    assert a["source_bytes"] == (root / a["source"]).stat().st_size
    assert pd.isna(index.loc["b", "source_sha256"])  # excluded images are not read
    assert index["split_hint"].isna().all()


def test_official_split_is_carried_as_a_hint(root):
    splits = IMAGES.assign(split=["train", "train", "validate", "test", "train"])
    splits.drop(columns="ViewPosition").to_csv(root / "mimic-cxr-2.0.0-split.csv.gz", index=False)
    index = index_mimic_cxr(root, VIEW).set_index("item_id")
    assert index["split_hint"].tolist() == ["train", "train", "validate", "test", "train"]


def test_unpacked_tables_are_read_too(root):
    (root / "mimic-cxr-2.0.0-metadata.csv.gz").unlink()
    IMAGES.to_csv(root / "mimic-cxr-2.0.0-metadata.csv", index=False)
    assert len(index_mimic_cxr(root, VIEW)) == 5


@pytest.mark.parametrize(
    ("uncertain", "labels", "reasons"),
    [
        ("exclude", {"c": "Edema"}, {"a": "ambiguous", "d": "uncertain", "f": "no_finding"}),
        ("positive", {"c": "Edema", "d": "Edema"}, {"a": "ambiguous", "f": "no_finding"}),
        ("negative", {"c": "Edema"}, {"a": "ambiguous", "d": "no_finding", "f": "no_finding"}),
    ],
)
def test_findings(root, uncertain, labels, reasons):
    extra = pd.DataFrame([["f", "10000005", "56", "AP"]], columns=IMAGES.columns)
    images = pd.concat([IMAGES, extra])
    images.to_csv(root / "mimic-cxr-2.0.0-metadata.csv.gz", index=False)
    for row in images.itertuples():
        write_image(root / source(row), np.arange(64, dtype=np.uint8).reshape(8, 8))
    pd.DataFrame(
        {
            "subject_id": ["10000001", "10000002", "10000003"],
            "study_id": ["51", "53", "54"],
            "Edema": [1.0, 1.0, -1.0],
            "Pneumonia": [1.0, 0.0, None],
        }
    ).to_csv(root / "mimic-cxr-2.0.0-chexpert.csv.gz", index=False)
    label = FindingLabel(kind="finding", findings=["Edema", "Pneumonia"], uncertain=uncertain)
    index = index_mimic_cxr(root, CxrIndex(label=label)).set_index("item_id")
    assert index["label"].dropna().to_dict() == labels
    left_out = index[(index["status"] == "excluded") & (index["reason"] != "view")]
    assert left_out["reason"].to_dict() == reasons


def test_missing_tables_and_columns_are_named(root):
    label = FindingLabel(kind="finding", findings=["Edema", "Pneumonia"])
    with pytest.raises(CohortError, match="chexpert.csv.gz does not exist"):
        index_mimic_cxr(root, CxrIndex(label=label))
    pd.DataFrame({"subject_id": [], "study_id": [], "Edema": []}).to_csv(
        root / "mimic-cxr-2.0.0-chexpert.csv.gz", index=False
    )
    with pytest.raises(CohortError, match="no column Pneumonia"):
        index_mimic_cxr(root, CxrIndex(label=label))


def test_a_repeated_identifier_is_used_once(root):
    pd.concat([IMAGES, IMAGES[:1]]).to_csv(root / "mimic-cxr-2.0.0-metadata.csv.gz", index=False)
    index = index_mimic_cxr(root, VIEW)
    assert index.loc[index["item_id"] == "a", "status"].tolist() == ["used", "quarantined"]


def test_shard_holds_the_centre_square_averaged(root, tmp_path):
    index = index_mimic_cxr(root, VIEW)
    items = shard_mimic_cxr(
        index, root, CxrRead(image_size=8), tmp_path / "out" / "0.h5", {"made_by": "test"}
    )
    assert items["item_id"].tolist() == ["a", "c"]
    assert (items["status"] == "used").all()
    image = ImageStore(items, tmp_path / "out").read([0])[0]
    assert image.shape == (8, 8, 1) and image.dtype == np.uint8
    rows = (np.arange(32) * 8.0).reshape(8, 4).mean(axis=1)  # the margins are cut away
    np.testing.assert_allclose(image[..., 0], np.repeat(rows[:, None], 8, axis=1), atol=1)


def test_bad_files_are_quarantined_and_do_not_stop_the_shard(root, tmp_path):
    index = index_mimic_cxr(root, VIEW)
    changed = root / index.set_index("item_id").loc["a", "source"]
    changed.write_bytes(changed.read_bytes()[:-1] + b"\x01")
    items = shard_mimic_cxr(index, root, CxrRead(), tmp_path / "out" / "0.h5", {})
    assert items[["item_id", "status", "reason"]].fillna("").to_numpy().tolist() == [
        ["a", "quarantined", "changed_since_index"],
        ["c", "used", ""],
    ]
    changed.write_bytes(b"junk")
    items = shard_mimic_cxr(index_mimic_cxr(root, VIEW), root, CxrRead(), tmp_path / "0.h5", {})
    assert items["reason"].dropna().tolist() == ["not_dicom"]
