"""The demo's MIMIC-CXR: true layout, readable files, findings that can be measured."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest

from medsynth.demo.chest_phantom import SIZE, draw
from medsynth.demo.radiographs import CLASSES, FINDINGS, MISSING, TRUNCATED, write_cxr
from medsynth.runtime.seeding import numpy_rng

PATIENTS, SEED = 48, 7


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cxr")
    write_cxr(folder, PATIENTS, SEED)
    return folder


def table(root: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(root / f"mimic-cxr-2.0.0-{name}.csv.gz")


def path_of(root: Path, row: pd.Series) -> Path:
    subject, study = f"p{row.subject_id}", f"s{row.study_id}"
    return root / "files" / subject[:3] / subject / study / f"{row.dicom_id}.dcm"


def test_tables_have_the_columns_of_mimic(root: Path) -> None:
    metadata, split, labels = (table(root, n) for n in ("metadata", "split", "chexpert"))
    assert metadata.columns[:5].tolist() == [
        "dicom_id",
        "subject_id",
        "study_id",
        "PerformedProcedureStepDescription",
        "ViewPosition",
    ]
    assert split.columns.tolist() == ["dicom_id", "study_id", "subject_id", "split"]
    assert labels.columns.tolist() == ["subject_id", "study_id", *FINDINGS]
    assert set(metadata["ViewPosition"]) == {"AP", "PA", "LATERAL"}
    assert set(split["split"]) == {"train", "validate", "test"}
    assert split.groupby("subject_id")["split"].nunique().max() == 1
    assert metadata["subject_id"].nunique() == PATIENTS
    assert (labels == -1.0).any(axis=None)
    assert (labels[list(CLASSES)] == 1.0).sum().min() > 5
    assert metadata["dicom_id"].str.fullmatch(r"([0-9a-f]{8}-){4}[0-9a-f]{8}").all()


def test_one_file_is_missing_one_is_cut_and_all_others_decode(root: Path) -> None:
    missing, broken, syntaxes, photometric, bits = 0, 0, set(), set(), set()
    for row in table(root, "metadata").itertuples():
        path = path_of(root, row)
        assert (path.parent.parent / f"s{row.study_id}.txt").is_file()
        if not path.exists():
            missing += 1
            continue
        try:
            image = pydicom.dcmread(path)
            pixels = image.pixel_array
        except Exception:
            broken += 1
            continue
        assert pixels.shape == (SIZE, SIZE)
        assert str(image.PatientID) == str(row.subject_id)
        assert row.ViewPosition == image.ViewPosition
        assert 0 <= pixels.min() < pixels.max() < 2**image.BitsStored
        syntaxes.add(image.file_meta.TransferSyntaxUID.name)
        photometric.add(image.PhotometricInterpretation)
        bits.add(image.BitsStored)
    assert (missing, broken) == (1, 1)
    assert len(syntaxes) == 6
    assert photometric == {"MONOCHROME1", "MONOCHROME2"}
    assert bits == {8, 12, 16}


def test_files_hold_what_is_drawn_in_every_form(root: Path) -> None:
    metadata = table(root, "metadata")
    labels = table(root, "chexpert").set_index("study_id")
    compared = 0
    for position, row in enumerate(metadata.itertuples()):
        if position in (TRUNCATED, MISSING):
            continue
        image = pydicom.dcmread(path_of(root, row))
        wanted = labels.loc[row.study_id, list(CLASSES)].abs()
        rng = numpy_rng(SEED, "radiograph", row.subject_id, row.study_id, row.ViewPosition)
        uncertain = bool((labels.loc[row.study_id] == -1.0).any())
        drawn = draw(str(wanted.idxmax()), uncertain, row.ViewPosition, rng)[0]
        full = 2**image.BitsStored
        low, high = (0, 255) if full == 256 else (full // 16, full // 16 * 13)
        found = (image.pixel_array.astype(float) - low) / (high - low)
        if image.PhotometricInterpretation == "MONOCHROME1":
            found = 1 - found
        lossy = image.file_meta.TransferSyntaxUID.name.startswith("JPEG Baseline")
        assert np.abs(found - drawn).max() < (0.15 if lossy else 0.51 / (high - low) + 1e-9)
        compared += 1
    assert compared == len(metadata) - 2


@pytest.mark.parametrize("view", ["AP", "PA", "LATERAL"])
def test_findings_are_drawn(view: str) -> None:
    def mean(finding: str, rows: slice, columns: slice) -> float:
        images = [
            draw(finding, False, view, numpy_rng(0, finding, view, i))[0][rows, columns]
            for i in range(30)
        ]
        return float(np.mean(images))

    none, heart, fluid = CLASSES
    if view == "LATERAL":
        front, back = slice(30, 45), slice(72, 84)
        assert mean(heart, slice(70, 80), front) > mean(none, slice(70, 80), front) + 0.15
        assert mean(fluid, slice(80, 90), back) > mean(none, slice(80, 90), back) + 0.1
        return
    beside_heart = (slice(70, 85), slice(88, 100))
    assert mean(heart, *beside_heart) > mean(none, *beside_heart) + 0.2
    angle = (slice(85, 92), slice(20, 36))
    assert mean(fluid, *angle) > mean(none, *angle) + 0.08


def test_equal_seeds_write_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_cxr(tmp_path / name, 9, 3)
    first = sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(first) > 20
    for path in first:
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_tables_carry_no_time_stamp(root: Path) -> None:
    with gzip.open(root / "mimic-cxr-2.0.0-split.csv.gz") as stream:
        stream.read()
        assert stream.mtime == 0


def test_reports_say_the_side_of_the_fluid_as_the_patient_has_it(root: Path) -> None:
    """The left of a patient is the right of a frontal image; fluid is as bright as the heart."""
    labels = table(root, "chexpert").set_index("study_id")["Pleural Effusion"]
    said = set()
    for row in table(root, "metadata").itertuples():
        report = (path_of(root, row).parent.parent / f"s{row.study_id}.txt").read_text()
        words = {w for w in ("Left", "Right", "Bilateral") if f"{w} pleural effusion" in report}
        assert bool(words) == (labels[row.study_id] == 1.0)
        if not words or row.ViewPosition == "LATERAL":
            continue
        (side,) = words
        said.add(side)
        rng = numpy_rng(SEED, "radiograph", row.subject_id, row.study_id, row.ViewPosition)
        base = draw("Pleural Effusion", False, row.ViewPosition, rng)[0][70:90]
        brighter_right = base[:, -45:].mean() > base[:, :45].mean()
        assert side == "Bilateral" or brighter_right == (side == "Left")
    assert said == {"Left", "Right", "Bilateral"}
