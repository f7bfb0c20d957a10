"""Real folders of images and their tables: how many become images, whose, and what is set aside."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import pandas as pd
import pytest

from medsynth.cohorts.gates.leakage import leakage
from medsynth.cohorts.images.index import index
from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.cohorts.images.shard import shard
from medsynth.cohorts.splits import split_patients
from tests.checkout import ROOT

DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA} (MEDSYNTH_REAL_DATA)"
)


def folder(name: str) -> Path:
    if not (DATA / name).is_dir():
        pytest.skip(f"no {name} at {DATA}")
    return DATA / name


def made(tmp_path: Path, root: Path, table: Path, columns: dict, read: dict, **beside):
    """Manifest of all items with their splits, and the shape of the images."""
    settings = ImagesCohort(
        kind="images",
        root=root,
        index={"table": table, "columns": columns, "shards": 2, **beside},
        read={"image_size": 48, **read},
    )
    rows = index(root, settings.index, threads=2)
    items, shapes = [rows[rows["status"] != "used"]], set()
    for k in range(2):
        path = tmp_path / f"{k}.h5"
        items.append(shard(rows[rows["shard"] == k], root, settings.read, path, {}))
        with h5py.File(path) as file:
            shapes.add(file["images"].shape[1:])
    frame = pd.concat(items, ignore_index=True)
    splits = split_patients(frame, settings.split, seed=1).set_index("patient")["split"]
    frame["split"] = frame["patient"].map(splits)
    assert leakage(frame)["ok"]
    assert shapes == {(48, 48, settings.image_form().channels)}
    return frame


def unused(frame: pd.DataFrame) -> set[str]:
    return set(frame.loc[frame["status"] != "used", "reason"])


def test_tiles_are_divided_by_the_photograph_they_come_from(tmp_path):
    root = folder("he-lung-tiles")
    columns = {"file": "image", "patient": "tile", "labels": "label"}
    frame = made(tmp_path, root, root / "tiles.csv", columns, {"channels": "rgb"})
    assert unused(frame) <= {"copy"} and (frame["status"] == "used").mean() > 0.99
    assert set(frame["label"]) == {"lung_aca", "lung_n", "lung_scc"}


def test_radiographs_of_three_classes(tmp_path):
    root = folder("cxr-three-class")
    table = pd.read_csv(root / "labels.csv", dtype=str)
    nih = table["source_file"].str.extract(r"^(\d{8})_\d{3}\.", expand=False)
    table.assign(patient=nih.fillna(table["source_file"])).to_csv(tmp_path / "t.csv", index=False)
    columns = {"file": "image", "patient": "patient", "labels": "label"}
    frame = made(tmp_path, root, tmp_path / "t.csv", columns, {})
    assert unused(frame) <= {"copy"} and (frame["status"] == "used").mean() > 0.99


def test_slices_with_masks_and_channels_by_role(tmp_path):
    root = folder("tcga-lgg-mri")
    slices = pd.read_csv(root / "slices.csv", dtype=str)
    patients = pd.read_csv(root / "patients.csv", dtype=str)
    masks = "images/" + slices["image"].str.removesuffix(".png") + "_mask.png"
    table = slices.assign(
        image="images/" + slices["image"],
        mask=masks.where([(root / mask).exists() for mask in masks]),
    ).merge(patients, on="case", how="left")
    table.to_csv(tmp_path / "t.csv", index=False)
    columns = {"file": "image", "patient": "case", "labels": ["IDH_STATUS", "IDH_CODEL_SUBTYPE"]}
    columns |= {"mask": "mask", "covariates": {"age": "age"}}
    flags = {"has_precontrast": ["True"], "has_postcontrast": ["True"]}
    channels = {"before": "red", "flair": "green", "after": "blue"}
    frame = made(tmp_path, root, tmp_path / "t.csv", columns, {"channels": channels}, keep=flags)
    assert unused(frame) <= {"no_label", "not_kept", "blank"}
    assert (frame["reason"] == "blank").mean() < 0.02  # slices above the head
    used = frame[frame["status"] == "used"].merge(table, left_on="item_id", right_on="image")
    assert (used["has_precontrast"] == "True").all()
    pixels = (used["mask_share"] * 128 * 128).round().fillna(0)
    pd.testing.assert_series_equal(
        pixels, used["tumour_pixels_128"].astype(float), check_names=False
    )


@pytest.mark.parametrize(
    ("name", "table", "columns"),
    [
        (
            "medpix",
            "images.csv",
            {"patient": "case", "labels": ["type", "plane"], "text": "caption"},
        ),
        (
            "cxr-notes",
            "metadata.csv",
            {"patient": "patientid", "labels": "finding", "text": "clinical_notes"},
        ),
    ],
)
def test_text_age_and_sex_are_carried(tmp_path, name, table, columns):
    root = folder(name)
    columns |= {"file": "image", "covariates": {"age": "age", "sex": "sex"}}
    frame = made(tmp_path, root, root / table, columns, {})
    used = frame[frame["status"] == "used"]
    # One finding of cxr-notes is "Unknown".
    assert unused(frame) <= {"copy", "absent_label"} and len(used) / len(frame) > 0.99
    assert used["age"].between(0, 120).mean() > 0.7
    assert set(used["sex"].dropna()) == {"female", "male"} and used["text"].notna().mean() > 0.5


def test_radiographs_with_several_findings_are_used_with_all(tmp_path):
    """The source lists them in one column; of 48 it still has to say, and of one it does not."""
    root = folder("cxr-notes")
    table = pd.read_csv(root / "metadata.csv", dtype="str", keep_default_na=False)
    listed = table["finding"].str.split(", ")
    known = ~table["finding"].isin(["todo", "Unknown", ""])
    named = ["COVID-19", "ARDS", "No Finding"]
    findings = [*named, "other"]
    shown = {name: listed.map(lambda words, name=name: name in words) for name in named}
    shown["other"] = listed.map(lambda words: bool(set(words) - set(named)))
    for name, there in shown.items():
        table[name] = there.astype(int).astype("str").where(known, "")
    table.to_csv(tmp_path / "table.csv", index=False)
    columns = {"file": "image", "patient": "patientid", "findings": findings}
    settings = {
        several: ImagesCohort(
            kind="images",
            root=root,
            index={"table": tmp_path / "table.csv", "columns": columns, "several": several},
        )
        for several in ("use", "exclude")
    }
    used, old = (index(root, s.index) for s in settings.values())
    several = listed[known].map(len) > 1
    gained = used.loc[(used["status"] == "used") & (old["status"] != "used"), "label"]
    assert several.any() and len(gained) == several.sum()
    assert set(gained) == {"ARDS + COVID-19"}
    assert (old.loc[gained.index, "reason"] == "ambiguous").all()
    unknown = used.loc[used["reason"] == "empty_finding", "source"]
    assert {Path(file).name for file in unknown} == set(table.loc[~known, "image"])
