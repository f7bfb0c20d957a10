"""The body mask against analytic bodies on a table."""

from __future__ import annotations

import numpy as np
import pytest

from medsynth.cohorts.body import body_mask

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


def test_air_has_no_body_and_tissue_all_over_is_one():
    assert not body_mask(np.full((3, 32, 32), -1000, np.int16)).any()
    assert body_mask(np.full((32, 32), 40, np.int16)).mean() > 0.9
