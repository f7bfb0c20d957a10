"""The body mask against analytic bodies on a table."""

from __future__ import annotations

import numpy as np
import pytest

from medsynth.imaging.ct.body import body_mask

ROWS, COLUMNS = np.mgrid[:256, :256]


def ellipse(row: float, column: float, high: float, wide: float) -> np.ndarray:
    return ((ROWS - row) / high) ** 2 + ((COLUMNS - column) / wide) ** 2 <= 1


def phantom(air: int = -1024) -> tuple[np.ndarray, np.ndarray]:
    """Chest with lungs, on a pad, above a hollow table."""
    body = ellipse(120, 128, 65, 95)
    hu = np.where(body, 40, air).astype(np.int16)
    for column in (85, 171):
        hu[ellipse(115, column, 42, 30)] = -850
    hu[195:197, 20:236] = hu[212:214, 20:236] = 100
    hu[195:214, 20:22] = hu[195:214, 234:236] = 100
    hu[186:195, 40:216] = np.where(body[186:195, 40:216], hu[186:195, 40:216], -950)
    return hu, body


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return (a & b).sum() / (a | b).sum()


@pytest.mark.parametrize("air", [-1024, -2000])
def test_the_lungs_are_in_and_the_table_is_out(air):
    hu, body = phantom(air)
    assert overlap(body_mask(hu), body) >= 0.95


def test_a_table_that_touches_the_body_stays_out():
    hu, body = phantom()
    hu[184:187, 20:236] = 100  # the shell lies on the skin
    assert overlap(body_mask(hu), body) >= 0.95


def test_a_volume_is_one_body_and_keeps_its_shape():
    hu, body = phantom()
    volume = np.stack([hu] * 4)
    volume[0, 10:40, 10:40] = 40  # something else in one slice
    mask = body_mask(volume)
    assert mask.shape == volume.shape and mask.dtype == bool
    assert overlap(mask, np.stack([body] * 4)) >= 0.95
    assert not mask[0, 10:40, 10:40].any()


def chest() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A wide chest; heart and spine lie amid the lungs, joined to the wall by thin tissue."""
    body, heart = ellipse(128, 128, 90, 120), ellipse(118, 120, 30, 34)
    hu = np.where(body, 40, -1024).astype(np.int16)
    hu[ellipse(124, 128, 76, 104)] = -850
    hu[heart | ellipse(175, 128, 26, 20)] = 50
    hu[30:210, 126:129] = 40
    return np.where(body, hu, -1024), body, heart


@pytest.mark.parametrize("padding", [-1024, -2000, -3024])
@pytest.mark.parametrize("radius", [62, 75, 95, 120])
def test_a_field_of_view_within_the_chest_keeps_heart_and_lungs(radius, padding):
    hu, body, heart = chest()
    hu = (hu + np.random.default_rng(0).normal(0, 20, hu.shape)).clip(-1024).astype(np.int16)
    seen = (ROWS - 127.5) ** 2 + (COLUMNS - 127.5) ** 2 < radius**2
    box = (slice(128 - radius, 128 + radius),) * 2
    mask = body_mask(np.where(seen, hu, padding)[box])
    assert mask[heart[box]].mean() > 0.99
    assert overlap(mask, (body & seen)[box]) >= 0.95


@pytest.mark.parametrize(
    ("radius", "down", "right"), [(98, 0, 0), (95, 2, 0), (95, 3, -3), (88, 0, 0), (80, 4, 5)]
)
def test_a_field_of_view_that_is_not_as_wide_as_the_image_is_told(radius, down, right):
    hu, body, heart = chest()
    hu = (hu + np.random.default_rng(0).normal(0, 20, hu.shape)).clip(-1024).astype(np.int16)
    seen = (ROWS - 127.5 - down) ** 2 + (COLUMNS - 127.5 - right) ** 2 < radius**2
    box = (slice(128 - 95, 128 + 95),) * 2
    mask = body_mask(np.where(seen, hu, -2000)[box])
    assert mask[(heart & seen)[box]].mean() > 0.99
    assert overlap(mask, (body & seen)[box]) >= 0.95


@pytest.mark.parametrize("radius", [62, 75, 95, 120])
def test_air_as_dark_as_padding_hides_no_field_of_view_as_wide_as_the_image(radius):
    hu, body, heart = chest()
    seen = (ROWS - 127.5) ** 2 + (COLUMNS - 127.5) ** 2 < radius**2
    box = (slice(128 - radius, 128 + radius),) * 2
    mask = body_mask(np.where(seen, hu, -1024)[box])
    assert mask[heart[box]].mean() > 0.99 and overlap(mask, (body & seen)[box]) >= 0.95


@pytest.mark.parametrize("side", [50, 70, 90])
def test_an_image_cut_out_of_the_chest_keeps_heart_and_lungs(side):
    hu, body, heart = chest()
    box = (slice(118 - side, 118 + side), slice(120 - side, 120 + side))
    mask = body_mask(np.ascontiguousarray(hu[box]))
    assert mask[heart[box]].mean() > 0.99 and overlap(mask, body[box]) >= 0.95


def test_a_heart_with_air_in_the_chest_wall_is_kept():
    """As in subcutaneous emphysema: between skin and pleura, the wall in front falls to pieces."""
    hu, body, heart = chest()
    wall = ellipse(128, 128, 88, 118) & ~ellipse(124, 128, 78, 106) & (ROWS < 110) & (COLUMNS < 140)
    hu[wall & (((ROWS + COLUMNS) // 3) % 3 == 0)] = -900
    mask = body_mask(hu)
    assert mask[heart].mean() > 0.99 and overlap(mask, body) >= 0.8


@pytest.mark.parametrize("density", [-980, -900, -800])
def test_a_pad_as_dense_as_lung_is_not_body(density):
    body = ellipse(120, 128, 65, 95)
    hu = np.where(body, 40, -1000)
    pad = (ROWS >= 150) & (ROWS < 190) & (abs(COLUMNS - 128) <= 95) & ~body
    hu[pad] = density
    hu[190:192, 20:236] = 100
    assert not body_mask(hu.astype(np.int16))[pad].mean() > 0.05


def test_air_has_no_body_and_tissue_all_over_is_one():
    assert not body_mask(np.full((3, 32, 32), -1000, np.int16)).any()
    assert body_mask(np.full((32, 32), 40, np.int16)).mean() > 0.9
