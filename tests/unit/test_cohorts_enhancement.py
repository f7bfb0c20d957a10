"""Contrast phase by intensity: phantoms of a trunk, and a look at real slices."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from medsynth.cohorts.contrast import contrast_by_intensity
from medsynth.cohorts.dicom import open_dicom, read_hu
from medsynth.cohorts.series import plane_of
from medsynth.cohorts.volumes import Volume

REAL = Path(
    os.environ.get("MEDSYNTH_REAL_DATA", Path(__file__).parents[2].parent / "shared" / "data")
)
ROWS, COLUMNS = np.mgrid[:200, :256] * 1.5  # mm


def disc(row: float, column: float, radius: float, wide: float = 1.0) -> np.ndarray:
    return (ROWS - row) ** 2 + ((COLUMNS - column) / wide) ** 2 <= radius**2


def trunk(blood: float, *, noise: float = 12, slices: int = 3, arms: bool = True) -> Volume:
    """Muscle, lungs, a spine with its shell, ribs; aorta and heart filled with `blood` (HU)."""
    hu = np.full(ROWS.shape, -1000.0)
    hu[disc(150, 192, 100, 1.5)] = 50
    for column in (120, 264):
        hu[disc(140, column, 45)] = -850
    hu[disc(205, 192, 18)] = 500
    marrow = disc(205, 192, 15)  # spongy: trabeculae 50 HU brighter and darker, 3 mm wide
    texture = gaussian_filter(np.random.default_rng(1).normal(0, 1, hu.shape), 1)
    hu[marrow] = 180 + 50 * (texture / texture.std())[marrow]
    for angle in np.linspace(0, 2 * np.pi, 12):
        hu[disc(150 + 90 * np.sin(angle), 192 + 135 * np.cos(angle), 5)] = 600
    hu[disc(180, 205, 11)] = hu[disc(130, 192, 28)] = blood
    if arms:
        hu[disc(150, 20, 8)] = 400
    rng = np.random.default_rng(0)
    volume = np.stack([hu + rng.normal(0, noise, hu.shape) for _ in range(slices)])
    return Volume(volume.clip(-1024, 3000).astype(np.int16), np.diag([1.5, 1.5, 5.0, 1.0]))


@pytest.mark.parametrize("noise", [0, 12, 30])
@pytest.mark.parametrize(("blood", "label"), [(40, "ct"), (180, "cect"), (300, "cect")])
def test_bright_blood_means_contrast_medium_and_bones_do_not(blood, label, noise):
    found, confidence = contrast_by_intensity(trunk(blood, noise=noise))
    assert found == label and confidence >= 0.9


def test_what_lies_between_is_unsure_and_one_slice_is_enough():
    assert contrast_by_intensity(trunk(90))[1] < 0.8
    assert contrast_by_intensity(trunk(180, slices=1))[0] == "cect"
    assert contrast_by_intensity(trunk(180)) == contrast_by_intensity(trunk(180))


def test_air_says_nothing():
    air = Volume(np.full((2, 64, 64), -1000, np.int16), np.eye(4))
    assert contrast_by_intensity(air) == (None, 0.0)


def test_real_slices_are_mostly_right_where_the_rule_is_sure():
    """A check. The levels come from the literature; EVEN_HU was chosen of three with it in view."""
    folder = REAL / "tcga-ct-slices"
    if not folder.is_dir():
        pytest.skip(f"no real CT slices in {folder}; set MEDSYNTH_REAL_DATA")
    table = pd.read_csv(folder / "contrast.csv")
    right = []
    for name, truth in zip(table["file"], table["contrast"], strict=True):
        path = folder / "dicom" / name
        affine = plane_of(open_dicom(path, pixels=False))
        label, confidence = contrast_by_intensity(Volume(read_hu(path)[None], affine))
        if label and confidence >= 0.8:
            right.append(label == ("cect" if truth else "ct"))
    print(f"sure of {len(right)} of {len(table)}, right {np.mean(right):.3f}")
    assert len(right) >= 0.5 * len(table) and np.mean(right) >= 0.7
