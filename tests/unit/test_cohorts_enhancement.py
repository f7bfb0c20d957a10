"""Contrast phase by intensity: phantoms of a trunk."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medsynth.imaging.ct.contrast.enhancement import LEAST_SLICES, MOST_SURE
from medsynth.imaging.ct.contrast.phase import contrast_by_intensity
from medsynth.imaging.ct.volumes import Volume

ROWS, COLUMNS = np.mgrid[:200, :256] * 1.5  # mm


def disc(row: float, column: float, radius: float, wide: float = 1.0) -> np.ndarray:
    return (ROWS - row) ** 2 + ((COLUMNS - column) / wide) ** 2 <= radius**2


def trunk(
    blood: float, *, noise: float = 12, slices: int = LEAST_SLICES, arms: bool = True
) -> Volume:
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
    assert found == label and confidence == MOST_SURE


@pytest.mark.parametrize("slices", [1, 2, LEAST_SLICES - 1])
def test_too_few_slices_are_not_judged(slices):
    assert contrast_by_intensity(trunk(300, slices=slices)) == (None, 0.0)


def test_what_lies_between_is_unsure():
    assert contrast_by_intensity(trunk(90))[1] < MOST_SURE
    assert contrast_by_intensity(trunk(180)) == contrast_by_intensity(trunk(180))


def test_air_says_nothing():
    air = Volume(np.full((2, 64, 64), -1000, np.int16), np.eye(4))
    assert contrast_by_intensity(air) == (None, 0.0)
