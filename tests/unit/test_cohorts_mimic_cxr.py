"""Index and shards of a MIMIC-CXR layout, made of a few small files."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from medsynth.cohorts.mimic_cxr.index import index as index_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrIndexing, CxrRead, FindingLabel, ViewLabel
from medsynth.cohorts.mimic_cxr.shard import read_jpg
from medsynth.cohorts.mimic_cxr.shard import shard as shard_mimic_cxr
from medsynth.config.loading import load_config
from medsynth.config.mistakes import ConfigError
from medsynth.imaging.pixels import MAX_PIXELS
from medsynth.store.digests import digest_file
from medsynth.store.quarantine import CohortError, UnusableImage
from medsynth.store.shards import ImageStore

VIEW = CxrIndexing(label=ViewLabel(kind="view"), shards=1)
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


def write_image(path: Path, pixels: np.ndarray, **tags: str) -> None:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = DigitalXRayImageStorageForPresentation, "1.2.3"
    ds.Modality, ds.PhotometricInterpretation = "DX", "MONOCHROME2"
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.Rows, ds.Columns = pixels.shape
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit = 7
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
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


@pytest.mark.parametrize("several", ["use", "exclude"])
@pytest.mark.parametrize("labeler", ["chexpert", "negbio"])
@pytest.mark.parametrize(
    ("uncertain", "labels", "reasons"),
    [
        ("exclude", {"c": "Edema"}, {"a": "ambiguous", "d": "uncertain", "f": "no_finding"}),
        ("positive", {"c": "Edema", "d": "Edema"}, {"a": "ambiguous", "f": "no_finding"}),
        ("negative", {"c": "Edema"}, {"a": "ambiguous", "d": "no_finding", "f": "no_finding"}),
    ],
)
def test_findings(root, uncertain, labels, reasons, labeler, several):
    if several == "use":
        labels = labels | {"a": "Edema + Pneumonia"}
        reasons = {image: reason for image, reason in reasons.items() if image != "a"}
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
    ).to_csv(root / f"mimic-cxr-2.0.0-{labeler}.csv.gz", index=False)
    label = FindingLabel(
        kind="finding",
        labeler=labeler,
        findings=["Pneumonia", "Edema"],
        uncertain=uncertain,
        several=several,
    )
    index = index_mimic_cxr(root, CxrIndexing(label=label)).set_index("item_id")
    assert index["label"].dropna().to_dict() == labels
    left_out = index[(index["status"] == "excluded") & (index["reason"] != "view")]
    assert left_out["reason"].to_dict() == reasons


def test_missing_tables_and_columns_are_named(root):
    label = FindingLabel(kind="finding", findings=["Edema", "Pneumonia"])
    with pytest.raises(CohortError, match="chexpert.csv.gz does not exist.*MIMIC-CXR-JPG.*tables"):
        index_mimic_cxr(root, CxrIndexing(label=label))
    pd.DataFrame({"subject_id": [], "study_id": [], "Edema": []}).to_csv(
        root / "mimic-cxr-2.0.0-chexpert.csv.gz", index=False
    )
    with pytest.raises(CohortError, match="no column Pneumonia"):
        index_mimic_cxr(root, CxrIndexing(label=label))


TABLES = "mimic-cxr-2.0.0-{}.csv.gz"


def test_tables_may_lie_apart_from_the_images(root, tmp_path_factory):
    tables = tmp_path_factory.mktemp("tables")
    (root / TABLES.format("metadata")).rename(tables / TABLES.format("metadata"))
    splits = IMAGES.assign(split="test").drop(columns="ViewPosition")
    splits.to_csv(tables / TABLES.format("split"), index=False)
    index = index_mimic_cxr(root, VIEW.model_copy(update={"tables": tables}))
    assert len(index) == 5 and set(index["split_hint"]) == {"test"}
    with pytest.raises(CohortError, match="metadata.csv.gz does not exist; it comes with .*-JPG"):
        index_mimic_cxr(root, VIEW)


def test_a_root_without_images_is_named(root):
    with pytest.raises(CohortError, match="no .dcm or .jpg in files/pNN"):
        index_mimic_cxr(root / "files", VIEW.model_copy(update={"tables": root}))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("1000000", " 1000000"),
        lambda text: text.replace(",5", ",05").replace(",1", ",001"),
    ],
    ids=["CRLF", "BOM", "blanks", "zeros"],
)
def test_tables_that_went_through_other_programs(root, change):
    """Of the split table all identifiers still match those of the metadata."""
    splits = IMAGES.assign(split="train").drop(columns="ViewPosition")
    (root / "mimic-cxr-2.0.0-split.csv").write_text(change(splits.to_csv(index=False)), newline="")
    assert (index_mimic_cxr(root, VIEW)["split_hint"] == "train").all()


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_metadata_with_floats_and_more_columns(root, ending):
    floats = IMAGES.assign(
        subject_id=IMAGES["subject_id"] + ".0", study_id=IMAGES["study_id"] + ".0", Rows="7"
    )
    path = root / "mimic-cxr-2.0.0-metadata.csv"
    path.write_bytes(b"\xef\xbb\xbf" + floats.to_csv(index=False, lineterminator=ending).encode())
    pd.testing.assert_frame_equal(index_mimic_cxr(root, VIEW), _index_of(root, IMAGES))


def _index_of(root: Path, images: pd.DataFrame) -> pd.DataFrame:
    (root / "mimic-cxr-2.0.0-metadata.csv").unlink(missing_ok=True)
    images.to_csv(root / TABLES.format("metadata"), index=False)
    return index_mimic_cxr(root, VIEW)


def test_leading_zeros_stay_in_paths(root):
    images = IMAGES[:1].assign(subject_id="00000012", study_id="0051")
    write_image(root / "files/p00/p00000012/s0051/a.dcm", np.arange(64, dtype=np.uint8)[None])
    images.assign(subject_id="12", study_id="51.0", split="test").to_csv(
        root / TABLES.format("split"), index=False
    )
    row = _index_of(root, images).iloc[0]
    assert (row["patient"], row["status"], row["split_hint"]) == ("00000012", "used", "test")


def test_rows_without_usable_identifiers_are_quarantined(root):
    bad = pd.DataFrame(
        [["f", None, "56", "AP"], ["g", "10000005", None, "AP"], [None, "10000005", "56", "AP"]]
        + [["../../a", "10000001", "51", "AP"]],
        columns=IMAGES.columns,
    )
    index = _index_of(root, pd.concat([IMAGES, bad]))
    assert (index["reason"] == "bad_identifier").sum() == len(bad)
    assert (index["status"] == "used").sum() == 2


def test_a_table_of_no_rows_gives_no_rows(root):
    assert _index_of(root, IMAGES[:0]).empty


def test_contradicting_and_strange_values_are_refused(root):
    splits = IMAGES.assign(split="train").drop(columns="ViewPosition")
    path = root / TABLES.format("split")
    pd.concat([splits, splits]).to_csv(path, index=False)
    assert (index_mimic_cxr(root, VIEW)["split_hint"] == "train").all()
    pd.concat([splits, splits[:2].assign(split="test")]).to_csv(path, index=False)
    with pytest.raises(CohortError, match="2 rows contradict") as caught:
        index_mimic_cxr(root, VIEW)
    assert "10000001" not in str(caught.value)
    splits.assign(split="val").to_csv(path, index=False)
    with pytest.raises(CohortError, match="column split holds 1 word.s. besides train"):
        index_mimic_cxr(root, VIEW)
    path.unlink()
    findings = IMAGES.assign(Edema="1.0", Pneumonia="maybe")
    findings.to_csv(root / TABLES.format("chexpert"), index=False)
    label = FindingLabel(kind="finding", findings=["Edema", "Pneumonia"])
    with pytest.raises(CohortError, match="chexpert.csv.gz: Pneumonia hold values"):
        index_mimic_cxr(root, CxrIndexing(label=label))


def test_missing_tables_and_reports_are_listed_before_anything_runs(root):
    cohort = {
        "kind": "mimic_cxr",
        "root": root,
        "tables": root / "absent",
        "reports": root / "absent.zip",
        "index": {"label": {"kind": "view"}},
    }
    with pytest.raises(ConfigError) as caught:
        load_config({"cohorts": {"cxr": cohort}})
    assert "cohorts.cxr.tables (they come with MIMIC-CXR-JPG)" in str(caught.value)
    assert "cohorts.cxr.reports" in str(caught.value)
    there = cohort | {"tables": root, "reports": None}
    load_config({"cohorts": {"cxr": there}})
    findings = {"kind": "finding", "labeler": "negbio", "findings": ["Edema", "Pneumonia"]}
    with pytest.raises(ConfigError, match="(?s)1 mistake.*negbio.csv.gz does not exist"):
        load_config({"cohorts": {"cxr": there | {"index": {"label": findings}}}})


def jpeg(pixels: np.ndarray) -> bytes:
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def test_a_download_of_jpg(root, tmp_path):
    pixels = np.repeat(np.arange(32, dtype=np.uint8)[:, None] * 8, 48, axis=1)
    for file in sorted(root.glob("files/**/*.dcm")):
        file.with_suffix(".jpg").write_bytes(jpeg(pixels))
    assert index_mimic_cxr(root, VIEW)["source"].str.endswith(".dcm").all()
    for file in sorted(root.glob("files/**/*.dcm")):
        file.unlink()
    index = index_mimic_cxr(root, VIEW)
    assert index.set_index("item_id")["source"]["a"] == "files/p10/p10000001/s51/a.jpg"
    settings = CxrRead(image_size=8, fit="crop")
    items = shard_mimic_cxr(index, root, settings, tmp_path / "out" / "0.h5", {})
    assert (items["status"] == "used").tolist() == [True, True]
    image = ImageStore(items, tmp_path / "out").read([0])[0, ..., 0]
    rows = (np.arange(32) * 8.0).reshape(8, 4).mean(axis=1)
    np.testing.assert_allclose(image, np.repeat(rows[:, None], 8, axis=1), atol=2)


def test_jpg_that_cannot_be_used():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    data = jpeg(noise)
    np.testing.assert_allclose(read_jpg(data), noise, atol=40)
    unusable = {
        "not_jpeg": b"GIF89a" + data,
        "truncated": data[: len(data) // 2],
        "not_grey": jpeg(np.dstack([noise] * 3)),
        "blank": jpeg(noise * 0),
    }
    for reason, broken in unusable.items():
        with pytest.raises(UnusableImage) as caught:
            read_jpg(broken)
        assert caught.value.reason == reason
    header = data.index(b"\xff\xc0") + 5  # start of frame: marker, length, precision, height, width
    for bomb in (b"\xff\xff\xff\xff", b"\x27\x10\x27\x10"):  # beyond Pillow's limit, and ours
        with pytest.raises(UnusableImage) as caught:
            read_jpg(data[:header] + bomb + data[header + 4 :])
        assert caught.value.reason == "absurd_size"
    assert MAX_PIXELS < 10_000**2 < 2 * Image.MAX_IMAGE_PIXELS


def test_a_repeated_identifier_is_used_once(root):
    pd.concat([IMAGES, IMAGES[:1]]).to_csv(root / "mimic-cxr-2.0.0-metadata.csv.gz", index=False)
    index = index_mimic_cxr(root, VIEW)
    assert index.loc[index["item_id"] == "a", "status"].tolist() == ["used", "quarantined"]


def test_a_radiograph_is_padded_unless_the_settings_say_otherwise():
    assert CxrRead().fit == "pad"


RAMP = np.repeat(np.arange(32)[:, None] * 8, 32, axis=1)
BLACK_BESIDE = np.pad(RAMP, ((0, 0), (8, 8)))


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
@pytest.mark.parametrize(
    ("fit", "square", "brightest"),
    [
        ("pad", np.pad(BLACK_BESIDE, ((8, 8), (0, 0))), (6, 0)),
        ("crop", RAMP, None),
        ("stretch", BLACK_BESIDE, (7, 0)),
    ],
)
def test_the_shard_holds_squares_as_the_fit_says(
    root, tmp_path, fit, square, brightest, photometric
):
    shown = BLACK_BESIDE.astype(np.uint8)
    shown[31, 0] = 255  # one white pixel, so that the range is known
    pixels = 255 - shown if photometric == "MONOCHROME1" else shown
    file = root / "files/p10/p10000001/s51/a.dcm"
    write_image(file, pixels, PhotometricInterpretation=photometric)
    settings = CxrRead(image_size=8, fit=fit)
    index = index_mimic_cxr(root, VIEW)
    items = shard_mimic_cxr(index, root, settings, tmp_path / "out" / "0.h5", {"made_by": "test"})
    assert items[["item_id", "status"]].to_numpy().tolist() == [["a", "used"], ["c", "used"]]
    image = ImageStore(items, tmp_path / "out").read([0])[0]
    assert image.shape == (8, 8, 1) and image.dtype == np.uint8
    height, width = square.shape[0] // 8, square.shape[1] // 8
    areas = square.reshape(8, height, 8, width).mean(axis=(1, 3))
    if brightest:
        areas[brightest] += 255 / (height * width)
    np.testing.assert_allclose(image[..., 0], areas, atol=1)


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


@pytest.mark.parametrize(
    ("policy", "found"), [("exclude", ["excluded", "burned_in"]), ("keep", ["used", ""])]
)
def test_burned_in_text_is_excluded_or_kept_as_the_settings_say(root, tmp_path, policy, found):
    ramp = np.arange(64, dtype=np.uint8).reshape(8, 8)
    write_image(root / "files/p10/p10000001/s51/a.dcm", ramp, BurnedInAnnotation="YES")
    settings = CxrRead(image_size=8, burned_in=policy)
    items = shard_mimic_cxr(index_mimic_cxr(root, VIEW), root, settings, tmp_path / "0.h5", {})
    assert items[["status", "reason"]].fillna("").to_numpy().tolist() == [found, ["used", ""]]
