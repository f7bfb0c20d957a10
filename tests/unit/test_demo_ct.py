"""The demo's CT: true layout, Hounsfield units, enhancement where it is said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from medsynth.demo.ct import SIZE, SLICES, draw, write_ct
from medsynth.runtime.seeding import numpy_rng


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ct")
    write_ct(folder, 5, 7)
    return folder


def hounsfield(path: Path) -> tuple[pydicom.Dataset, np.ndarray]:
    image = pydicom.dcmread(path)
    stored = image.pixel_array.astype(float)
    hu = stored * image.RescaleSlope + image.RescaleIntercept
    if "PixelPaddingValue" in image:
        hu[stored == image.PixelPaddingValue] = -1000
    return image, hu


def test_layout_and_headers(root: Path) -> None:
    series = sorted(root.glob("*/*/*"))
    assert len(series) == 10
    assert all(len(list(s.glob("*.dcm"))) == SLICES for s in series)
    assert len({s.parent for s in series}) == 5
    agents, broken, kinds, syntaxes, padded = 0, 0, set(), set(), set()
    for path in sorted(root.rglob("*.dcm")):
        try:
            image, hu = hounsfield(path)
        except Exception:
            broken += 1
            continue
        assert path.parts[-4:-1] == (
            image.PatientID,
            image.StudyInstanceUID,
            image.SeriesInstanceUID,
        )
        assert path.stem == str(image.InstanceNumber)
        assert hu.shape == (SIZE, SIZE)
        assert -1024 <= hu.min() and hu.max() < 500
        contrast = "WITHOUT" not in image.SeriesDescription
        assert contrast or "ContrastBolusAgent" not in image
        agents += "ContrastBolusAgent" in image
        kinds.add(image.PixelRepresentation)
        padded.add("PixelPaddingValue" in image)
        syntaxes.add(image.file_meta.TransferSyntaxUID.name)
    assert broken == 1
    assert 0 < agents < 5 * SLICES
    assert kinds == {0, 1} and padded == {True, False} and len(syntaxes) == 5


def test_files_hold_what_is_drawn(root: Path) -> None:
    path = next(p for p in sorted(root.glob("TCGA-ZZ-C001/*/*/10.dcm")) if not has_contrast(p))
    _, hu = hounsfield(path)
    drawn = draw(numpy_rng(7, "anatomy", "TCGA-ZZ-C001"), 9 / 11, False, (0, 0))
    inside = np.hypot(*np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]) < 1
    difference = (hu - drawn)[inside & (drawn > -900)]
    assert abs(difference.mean()) < 1
    assert difference.std() == pytest.approx(8, abs=1)


def has_contrast(path: Path) -> bool:
    return "WITHOUT" not in pydicom.dcmread(path).SeriesDescription


@pytest.mark.parametrize(("z", "row", "column"), [(0.1, 0.35, 0.56), (0.6, 0.56, 0.55)])
def test_contrast_enhances_blood_only(z: float, row: float, column: float) -> None:
    plain, enhanced = (draw(numpy_rng(0, "a"), z, c, (0, 0)) for c in (False, True))
    change = enhanced - plain
    place = (
        slice(int(row * SIZE), int(row * SIZE) + 5),
        slice(int(column * SIZE) - 2, int(column * SIZE) + 3),
    )
    assert change[place].max() == pytest.approx(150)
    assert change.min() >= -1e-9 and change.max() <= 150 + 1e-9
    assert (change > 1).mean() < 0.35
    assert np.abs(change[plain > 300]).max() == pytest.approx(0)  # bone


def test_the_contrast_series_is_moved_by_one_to_two_pixels(root: Path) -> None:
    patient = root / "TCGA-ZZ-C002"
    middles = {}
    for path in patient.glob("*/*/12.dcm"):
        image, hu = hounsfield(path)
        middles["WITHOUT" not in image.SeriesDescription] = np.argwhere(hu > -500).mean(axis=0)
    moved = np.abs(middles[True] - middles[False])
    assert (moved > 0.8).all() and (moved < 2.2).all()


def test_equal_seeds_write_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_ct(tmp_path / name, 1, 3)
    first = sorted((tmp_path / "a").rglob("*.dcm"))
    assert len(first) == 2 * SLICES
    for path in first:
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
