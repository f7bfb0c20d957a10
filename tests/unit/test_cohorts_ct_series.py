"""CT series through index and conversion: volumes, mixed and damaged series, places and pixels."""

from __future__ import annotations

import re
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest
from ct_files import AIR, write_series, write_slice

from medsynth.cohorts.ct import labels as ct_labels
from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.pairs import pair
from medsynth.cohorts.ct.scans import digest_of
from medsynth.cohorts.ct.settings import CtConvert, CtIndex, CtPair, TagContrast
from medsynth.cohorts.ct.shard import shard as convert_ct
from medsynth.cohorts.gates.leakage import leakage
from medsynth.imaging.ct import registration
from medsynth.imaging.ct.registration import Registration
from medsynth.imaging.ct.settings import CtRegister
from medsynth.imaging.ct.volumes import Volume
from medsynth.imaging.dicom import read_hu
from medsynth.runtime.settings import TableLabel
from medsynth.store.quarantine import CohortError
from medsynth.store.shards import ImageStore

TAGS = CtIndex(label=TagContrast(kind="tags"), shards=1)
CUBES = CtConvert(image_size=16, spacing_mm=2.0)
PLAIN = {"SeriesDescription": "CHEST WITHOUT CONTRAST"}


def ball(places: np.ndarray) -> np.ndarray:
    """Soft tissue, uneven, with a bright ball at (5, -5, 60) mm, softly bounded."""
    distance = np.linalg.norm(places - [5, -5, 60], axis=-1)
    return 40 + places[..., 1] + 800 / (1 + np.exp((distance - 8) / 2))


def levels(low: float, high: float, step: float, x: float = -16, y: float = -20) -> list:
    return [[x, y, z] for z in np.arange(low, high, step)]


def converted(root: Path, settings: CtConvert, index: pd.DataFrame | None = None):
    index = index_ct(root, TAGS) if index is None else index
    items = convert_ct(index, root, settings, root / "0.h5", {})
    used = items[items["status"] == "used"].reset_index(drop=True)
    images = ImageStore(used, root).read(range(len(used)))[..., 0] if len(used) else None
    return items, used, images


def reasons(frame: pd.DataFrame) -> dict[str, str]:
    return frame.set_index("source")["reason"].dropna().to_dict()


def test_different_fields_of_view_land_on_the_same_pixels(tmp_path):
    write_series(tmp_path / "a", ball, levels(40, 81, 2), size=(40, 40), series="1.1")
    write_series(
        tmp_path / "b",
        ball,
        levels(41, 80, 3, -22.5, -27),
        size=(60, 50),
        spacing=(0.9, 0.8),
        series="1.2",
        **PLAIN,
    )
    _, used, images = converted(tmp_path, CUBES)
    assert images.shape[1:] == (16, 16) and images.dtype == np.int16
    assert (used["z"] % 2 == 0).all() and used["item_id"].is_unique
    a = used[used["label"] == "cect"].set_index("z").index
    rows = {label: used.index[used["label"] == label] for label in ("cect", "ct")}
    both = sorted(set(a) & set(used.loc[rows["ct"], "z"]))
    assert len(both) > 15
    for z in both:
        one, two = (images[used.index[(used["z"] == z) & (used["label"] == k)][0]] for k in rows)
        np.testing.assert_allclose(one, two, atol=25)  # of 800 HU, sampled 3 mm apart
    middle = images[used.index[(used["z"] == 60) & (used["label"] == "cect")][0]]
    bright = np.argwhere(middle > 440).mean(axis=0)
    # The two scanned x from -22.5 to 23 and y from -27 to 26.1 mm together.
    middle_x, middle_y = (-22.5 + 23) / 2, (-27 + 26.1) / 2
    expected = [7.5 + (-5 - middle_y) / 2, 7.5 + (5 - middle_x) / 2]
    np.testing.assert_allclose(bright, expected, atol=0.15)


def test_slices_of_a_volume_answer_for_all_its_files(tmp_path):
    write_series(tmp_path / "s", ball, levels(40, 60, 2))
    index = index_ct(tmp_path, TAGS)
    _, used, _ = converted(tmp_path, CUBES, index)
    assert used["source_sha256"].unique().tolist() == [digest_of(list(index["source_sha256"]))]
    assert digest_of(["b", "a"]) == digest_of(["a", "b"]) != digest_of(["a"]) == "a"
    assert (used["source_bytes"] == index["source_bytes"].sum()).all()
    assert used["group"].unique().tolist() == ["1.9"] and used["frame"].unique().tolist() == ["1.7"]
    heights = index.set_index("source")["z"]
    np.testing.assert_allclose(used["source"].map(heights), used["z"], atol=1)
    split = used.assign(split="train")
    assert leakage(split)["ok"]
    split.loc[0, "split"] = "test"  # the same volume on both sides is noticed
    assert leakage(split)["items_twice"] == 1


def test_mixed_series_are_divided_and_keep_their_ids(tmp_path):
    write_series(tmp_path / "soft", ball, levels(40, 60, 2), ConvolutionKernel="B30f")
    files = write_series(tmp_path / "lung", ball, levels(40, 60, 2), ConvolutionKernel="B70f")
    for i, file in enumerate(files):
        file.unlink()
        write_slice(
            file,
            f"2.{i}",
            ConvolutionKernel="B70f",
            ImagePositionPatient=[0, 0, 40 + 2 * i],
            ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        )
    first = index_ct(tmp_path, TAGS)
    assert first["status"].eq("used").all() and first["group"].nunique() == 1
    parts = first.groupby(first["source"].str.split("/").str[0])["series"].unique()
    assert [len(ids) for ids in parts] == [1, 1] and parts["soft"] != parts["lung"]
    for file in files:
        file.unlink()
    assert index_ct(tmp_path, TAGS)["series"].unique().tolist() == parts["soft"].tolist()
    assert all(re.fullmatch("[0-9a-f]{16}", id) for id in first["series"])


def test_phases_that_share_a_series_are_divided_by_acquisition(tmp_path):
    write_series(tmp_path / "a", ball, levels(40, 60, 2), AcquisitionNumber=1)
    for i, (_, _, z) in enumerate(levels(40, 60, 2)):
        tags = {"ImagePositionPatient": [-16, -20, z], "AcquisitionNumber": 2}
        write_slice(tmp_path / "b" / f"{i}.dcm", f"3.{i}", np.eye(24, dtype=np.int16), **tags)
    index = index_ct(tmp_path, TAGS)
    assert index["status"].eq("used").all() and index["series"].nunique() == 2
    # A step-and-shoot scan counts its rotations, and is one volume all the same.
    for i in range(4):
        tags = {"ImagePositionPatient": [0, 0, 5 * i], "AcquisitionNumber": i}
        write_slice(tmp_path / "c" / f"{i}.dcm", f"4.{i}", SeriesInstanceUID="1.4", **tags)
    index = index_ct(tmp_path, TAGS)
    assert index.loc[index["group"] == "1.4", "series"].nunique() == 1


@pytest.mark.parametrize(
    ("places", "parts"),
    [
        pytest.param([(0, 10, 20), (30, 40, 50)], 1, id="one after the other"),
        pytest.param([(0, 10, 20), (5, 15, 25)], 2, id="one within the other"),
        pytest.param([(0, 10, 20, 30), (25, 35, 45)], 2, id="the end of one within the other"),
        pytest.param([(0, 10, 20), (20, 30)], 2, id="a place twice"),
        pytest.param([(0, 10), (5,)], 1, id="a single slice"),
    ],
)
def test_acquisitions_that_overlap_are_several_scans(tmp_path, places, parts):
    for number, heights in enumerate(places):
        for z in heights:
            tags = {"ImagePositionPatient": [0, 0, z], "AcquisitionNumber": number}
            write_slice(tmp_path / f"{number}.{z}.dcm", f"1.{number}.{z}", **tags)
    index = index_ct(tmp_path, TAGS)
    assert index["status"].eq("used").all() and index["series"].nunique() == parts


def test_a_repeated_place_is_quarantined_and_the_volume_is_whole(tmp_path):
    files = write_series(tmp_path / "s", ball, levels(40, 60, 2))
    write_slice(
        tmp_path / "s" / "z.dcm",
        "9.9",
        np.zeros((24, 24), np.int16),
        ImagePositionPatient=[-16, -20, 50],
    )
    index = index_ct(tmp_path, TAGS)
    assert reasons(index) == {"s/z.dcm": "same_place"}
    _, used, _ = converted(tmp_path, CUBES, index)
    assert len(files) == len(used) == 10


def test_a_truncated_slice_is_a_gap_that_is_interpolated_or_divides(tmp_path):
    files = write_series(tmp_path / "s", lambda places: places @ [2, 3, 4], levels(40, 60, 2))
    broken = files[5]
    index = index_ct(tmp_path, TAGS)
    whole = converted(tmp_path, CUBES, index)[2]
    broken.write_bytes(broken.read_bytes()[:-100])
    index = index_ct(tmp_path, TAGS)
    items, used, images = converted(tmp_path, CUBES, index)
    assert reasons(items[items["status"] != "used"]) == {f"s/{broken.name}": "truncated"}
    assert used["interpolated"].tolist() == [1] * 10
    np.testing.assert_allclose(images, whole, atol=1)  # linear between its neighbours
    _, used, _ = converted(tmp_path, CUBES.model_copy(update={"max_missing": 0}), index)
    stretches = used["item_id"].str.split("-").str[1]
    assert stretches.tolist() == ["0"] * 5 + ["1"] * 4
    assert used["source_sha256"].nunique() == 2 and used["interpolated"].eq(0).all()


def test_every_slice_has_its_own_rescale_and_padding_is_air(tmp_path):
    for i, (slope, intercept) in enumerate([(1, -1024), (2, -1000), (0.5, 0)]):
        stored = np.full((8, 8), round((100 - intercept) / slope), np.int16)
        stored[0, 0] = -2000
        stored[4, 4] = stored[4, 4] + 2
        write_slice(
            tmp_path / f"{i}.dcm",
            f"1.{i}",
            stored,
            ImagePositionPatient=[0, 0, 2 * i],
            RescaleSlope=slope,
            RescaleIntercept=intercept,
            PixelPaddingValue=-2000,
        )
    _, _, images = converted(tmp_path, CtConvert(image_size=8, spacing_mm=1.0))
    assert (images[::2, 0, 0] == AIR).all()
    np.testing.assert_array_equal(images[:, 1:4, 1:4], 100)


def test_patients_and_shards_do_not_mix(tmp_path):
    for patient in ("P1", "P2", "P3", "P4", "P5"):
        # One folder, one SeriesInstanceUID, five patients: somebody's anonymiser.
        write_series(
            tmp_path / patient, ball, levels(40, 50, 2), PatientID=patient, StudyInstanceUID="7"
        )
    for file in sorted(tmp_path.rglob("*.dcm")):
        file.rename(tmp_path / f"{file.parent.name}-{file.name}")
    index = index_ct(tmp_path, CtIndex(label=TagContrast(kind="tags"), shards=3))
    # Equal SOPInstanceUIDs, too: what follows the first is a duplicate.
    assert index["reason"].dropna().eq("duplicate").all()
    assert index.groupby("patient")["shard"].nunique().eq(1).all()
    assert index["shard"].nunique() > 1
    assert index.groupby("series")["patient"].nunique().max() == 1


def test_single_slices_are_shown_at_the_same_scale_and_are_no_volumes(tmp_path, caplog):
    caplog.set_level("INFO")
    write_series(tmp_path / "s", ball, levels(60, 61, 2), size=(40, 40))
    settings = CUBES.model_copy(update={"nifti": True})
    _, used, images = converted(tmp_path, settings)
    assert used["z"].tolist() == [60] and images.shape == (1, 16, 16)
    np.testing.assert_allclose((images[0] > 440).sum() * 4, np.pi * 8**2, rtol=0.1)
    assert not list((tmp_path / "0.volumes").iterdir())
    assert "no NIfTI file of 1 single slices" in caplog.text


def test_volumes_are_written_under_names_that_name_nobody(tmp_path):
    write_series(tmp_path / "JOHN-1970", ball, levels(40, 60, 2), PatientID="JOHN")
    settings = CtConvert(image_size=16, spacing_mm=2.0, nifti=True)
    _, used, images = converted(tmp_path, settings)
    (file,) = (tmp_path / "0.volumes").iterdir()
    assert re.fullmatch(r"[0-9a-f]{16}-0\.nii\.gz", file.name)
    volume = nibabel.load(file)
    np.testing.assert_array_equal(np.asanyarray(volume.dataobj).transpose(2, 1, 0), images)
    np.testing.assert_allclose(volume.header.get_zooms(), 2)
    assert volume.affine[2, 3] == used["z"].min()
    before = file.read_bytes()
    converted(tmp_path, settings)
    assert file.read_bytes() == before
    # Without a spacing, the volume has the slices as they were scanned.
    _, used, images = converted(tmp_path, CtConvert(image_size=24, nifti=True))
    slices = index_ct(tmp_path, TAGS).sort_values("z")
    scanned = [read_hu(tmp_path / source) for source in slices["source"]]
    np.testing.assert_array_equal(images, scanned)
    np.testing.assert_allclose(nibabel.load(file).header.get_zooms(), [1, 1, 2])


def test_registered_series_share_grid_and_frame(tmp_path, monkeypatch):
    write_series(tmp_path / "a", ball, levels(40, 81, 2), series="1.1", size=(40, 40))
    # Six mm to the side, in another frame of reference, and without contrast medium.
    write_series(
        tmp_path / "b",
        lambda places: ball(places - [6, 0, 0]),
        levels(40, 81, 2),
        size=(40, 40),
        series="1.2",
        FrameOfReferenceUID="1.77",
        **PLAIN,
    )
    write_series(tmp_path / "c", ball, levels(40, 50, 2), series="1.3", **PLAIN)

    def register(fixed: Volume, moving: Volume, settings: CtRegister):
        assert settings == CtRegister() and moving.spacing.tolist() == [1, 1, 2]  # as scanned
        shift = np.eye(4)
        shift[0, 3] = 6
        return Registration(shift, {"dice": 0.9})

    monkeypatch.setattr(registration, "register_rigid", register)
    settings = CtConvert(image_size=16, spacing_mm=2.0, registration=CtRegister())
    _, used, images = converted(tmp_path, settings)
    pairs = used[used["frame"].str.match(r"[0-9a-f]{16}-0")]
    assert pairs["frame"].nunique() == 1 and set(pairs["group"]) == {"1.1", "1.2"}
    fixed, moved = (pairs[pairs["group"] == group] for group in ("1.1", "1.2"))
    assert fixed["z"].tolist() == moved["z"].tolist()
    assert moved["reg_dice"].eq(0.9).all() and fixed["reg_dice"].isna().all()
    # Further right, the moved series has not been scanned.
    np.testing.assert_allclose(images[fixed.index, :, :13], images[moved.index, :, :13], atol=20)
    assert used.loc[used["group"] == "1.3", "frame"].unique().tolist() == ["1.7"]
    assert moved["source"].str.startswith("b/").all()
    assert fixed["source_sha256"].iloc[0] != moved["source_sha256"].iloc[0]


@pytest.mark.parametrize("divided", ["plain", "enhanced", "both"])
def test_every_part_of_a_divided_series_is_registered_and_paired(tmp_path, monkeypatch, divided):
    whole = levels(40, 81, 2)
    parts = levels(40, 56, 2) + levels(56, 81, 4)  # 8 slices, then 7 that lie further apart
    for name, series, tags in (("enhanced", "1.1", {}), ("plain", "1.2", PLAIN)):
        places = parts if divided in (name, "both") else whole
        write_series(tmp_path / name, ball, places, size=(40, 40), series=series, **tags)
    still = np.eye(4)
    monkeypatch.setattr(
        registration, "register_rigid", lambda *_: Registration(still, {"dice": 0.9})
    )
    settings = CtConvert(image_size=16, spacing_mm=2.0, registration=CtRegister())
    _, used, images = converted(tmp_path, settings)
    assert used["item_id"].is_unique
    stretches = used.groupby("label")["stretches"].unique().to_dict()
    assert stretches["ct"] == [2 if divided != "enhanced" else 1]
    assert stretches["cect"] == [2 if divided != "plain" else 1]
    pairs, counts = pair(used.assign(split="train"), CtPair(tolerance_mm=0.5))
    # On the grid of 2 mm, only 54 to 56 is between two volumes, where both are divided.
    assert sorted(used.set_index("item_id")["z"][pairs["item_a"]]) == list(range(40, 81, 2))
    a, b = (
        used.reset_index().set_index("item_id")["index"][pairs[c]] for c in ("item_a", "item_b")
    )
    inside = images[a].astype(int) - images[b]
    assert np.abs(inside).max() < 60  # the ball, through steps of 2 and of 4 mm
    assert counts["pairs"] == 21 and not counts["unpaired"]


def test_intensity_labels_what_headers_leave_open(tmp_path, monkeypatch):
    silent = {"SeriesDescription": "AXIAL", "PatientID": "P2"}
    write_series(tmp_path / "bright", ball, levels(40, 81, 2), series="1.1", **silent)
    write_series(
        tmp_path / "dim", lambda p: 40 + p[..., 0], levels(40, 50, 2), series="1.2", **silent
    )
    write_series(tmp_path / "known", ball, levels(40, 50, 2), series="1.3", **PLAIN)
    asked = []

    def judge(volume: Volume):
        asked.append(volume.hu.shape[0])
        return ("cect", 0.9) if volume.hu.max() > 300 else ("ct", 0.4)

    monkeypatch.setattr(ct_labels, "contrast_by_intensity", judge)
    plain = index_ct(tmp_path, TAGS)
    assert set(plain["reason"].dropna()) == {"no_contrast_label"} and not asked
    judged = TagContrast(kind="tags", intensity=True, min_confidence=0.5)
    index = index_ct(tmp_path, CtIndex(label=judged, shards=1))
    groups = index.groupby("group")
    assert groups["label"].first().fillna("").to_dict() == {"1.1": "cect", "1.2": "", "1.3": "ct"}
    assert groups["contrast_confidence"].first().fillna(0).tolist() == [0.9, 0.4, 0]
    assert index.loc[index["group"] == "1.2", "reason"].eq("no_contrast_label").all()
    assert sorted(asked) == [5, 20]  # of 21
    assert index.loc[index["group"] == "1.1", "source_sha256"].notna().all()


def test_slices_of_a_silent_series_that_cannot_be_decoded_are_quarantined(tmp_path):
    silent = {"SeriesDescription": "AXIAL"}
    for name, series, broken in (("all", "1.1", 5), ("one", "1.2", 1)):
        files = write_series(tmp_path / name, ball, levels(40, 50, 2), series=series, **silent)
        for file in files[:broken]:
            file.write_bytes(file.read_bytes()[:-100])
    judged = CtIndex(label=TagContrast(kind="tags", intensity=True), shards=1)
    index = index_ct(tmp_path, judged)
    broken = index[index["status"] == "quarantined"]
    assert broken["reason"].tolist() == ["truncated"] * 6
    assert broken["detail"].str.contains("bytes").all()


def test_nifti_volumes_take_label_and_patient_from_the_table(tmp_path):
    places = np.stack(np.meshgrid(*[np.arange(20.0)] * 3, indexing="ij"), axis=-1)
    hu = (ball(places + [-5, -15, 50]) - 200).astype(np.int16)
    ras = np.diag([-1.0, -1, 1, 1])
    ras[:3, 3] = [5, 15, 50]
    for name in ("p1/ct.nii.gz", "p2/ct.nii.gz", "p3.nii", "p4.nii.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(hu, ras), tmp_path / name)
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3, 2), np.int16), ras), tmp_path / "p5.nii")
    (tmp_path / "p6.nii").write_bytes(b"junk")
    table = tmp_path / "labels.csv"
    table.write_text(
        "file,contrast,patient_id\np1/ct.nii.gz,yes,A\np2/ct.nii.gz,no,A\np3.nii,no,B\np5.nii,no,C\n"
    )
    label = TableLabel(kind="table", path=table, key="file", value="contrast")
    index = index_ct(tmp_path, CtIndex(label=label, pattern="**/*.nii*", shards=1))
    assert reasons(index) == {
        "p4.nii.gz": "no_contrast_label",
        "p5.nii": "not_3d",
        "p6.nii": "not_nifti",
    }
    good = index[index["status"] == "used"]
    assert good["patient"].tolist() == ["A", "A", "B"] and good["series"].nunique() == 3
    assert good["series"].str.fullmatch("[0-9a-f]{16}").all()
    assert good["item_id"].tolist() == ["p1/ct", "p2/ct", "p3"]
    _, used, images = converted(tmp_path, CUBES, index)
    assert used.groupby("group").size().to_dict() == {"p1/ct": 10, "p2/ct": 10, "p3": 10}
    assert used["z"].iloc[0] == 50 and used["source"].iloc[0] == "p1/ct.nii.gz"
    middle = images[used.index[used["z"] == 60][0]]
    bright = np.argwhere(middle > 240).mean(axis=0)  # the ball, at x 5 and y -5 mm
    np.testing.assert_allclose(bright, [7.5 + (-5 + 5.5) / 2, 7.5 + (5 - 4.5) / 2], atol=0.15)
    _, used, images = converted(tmp_path, CtConvert(image_size=20), index)
    assert len(used) == 60
    np.testing.assert_array_equal(images[:20], hu.transpose(2, 1, 0))


@pytest.mark.parametrize("header", ["file,contrast", "file,contrast,PatientID"])
def test_volumes_whose_patient_no_table_names_are_an_error(tmp_path, header):
    affine = np.diag([-1, -1, 1, 1])
    for phase in ("plain", "venous"):  # of one patient, as nothing but the names may tell
        hu = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)
        nibabel.save(nibabel.Nifti1Image(hu, affine), tmp_path / f"p1_{phase}.nii.gz")
    table = tmp_path / "phases.csv"
    more = ",1" * (header.count(",") - 1)
    table.write_text(f"{header}\np1_plain.nii.gz,no{more}\np1_venous.nii.gz,yes{more}\n")
    label = TableLabel(kind="table", path=table, key="file", value="contrast")
    with pytest.raises(CohortError, match=r"phases\.csv: no column 'patient_id', and 2 NIfTI"):
        index_ct(tmp_path, CtIndex(label=label, pattern="*.nii.gz"))
    with pytest.raises(CohortError, match=r"kind: table .* 'patient_id'"):
        index_ct(tmp_path, CtIndex(label=TagContrast(kind="tags"), pattern="*.nii.gz"))


def test_volumes_without_a_patient_are_quarantined(tmp_path):
    hu = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)
    for name in ("a", "b", "c"):
        nibabel.save(nibabel.Nifti1Image(hu, np.eye(4)), tmp_path / f"{name}.nii.gz")
    table = tmp_path / "phases.csv"
    table.write_text("file,contrast,patient_id\na.nii.gz,no, P1 \nb.nii.gz,no, \nc.nii.gz,no,N/A\n")
    label = TableLabel(kind="table", path=table, key="file", value="contrast")
    index = index_ct(tmp_path, CtIndex(label=label, pattern="*.nii.gz"))
    assert reasons(index) == {"b.nii.gz": "no_patient", "c.nii.gz": "no_patient"}
    assert index["patient"][0] == "P1"


@pytest.mark.parametrize("settings", [CUBES, CtConvert(image_size=8)])
def test_a_shard_of_nobody_is_empty(tmp_path, settings):
    write_slice(tmp_path / "a.dcm", "1.1", Modality="MR")
    items, _, _ = converted(tmp_path, settings)
    assert len(items) == 0 and "source_sha256" in items


@pytest.mark.parametrize("settings", [CUBES, CtConvert(image_size=24)])
def test_every_slice_says_of_which_scanner_and_kernel_it_is(tmp_path, settings):
    for name, kernel in (("a", ["Br40f", "3"]), ("b", "STANDARD"), ("c", None)):
        tags = {"PatientID": name, "ConvolutionKernel": kernel, "StudyInstanceUID": f"7.{name}"}
        tags |= {"Manufacturer": "Siemens "} if kernel else {}
        write_series(tmp_path / name, ball, levels(40, 50, 2), series=f"1.{ord(name)}", **tags)
    _, used, _ = converted(tmp_path, settings)
    found = used.groupby("patient")[["manufacturer", "kernel"]].agg(set)
    assert found["kernel"][["a", "b"]].tolist() == [{"BR40F 3"}, {"STANDARD"}]
    assert found["manufacturer"][["a", "b"]].tolist() == [{"SIEMENS"}, {"SIEMENS"}]
    assert used.loc[used["patient"] == "c", ["manufacturer", "kernel"]].isna().all(axis=None)
