"""One brightness for all images of a cohort: `read.median_grey`."""

from __future__ import annotations

import numpy as np

from tests.unit.image_files import encoded, levels, read, size_8


def test_a_median_takes_away_what_brightness_a_scan_has(tmp_path):
    """Of each channel, by what is above a tenth: air does not count, and black stays black."""
    scan = np.dstack([np.where(levels() < 100, 0, levels() // share) for share in (1, 2, 3)])
    reason, image = read(
        tmp_path, encoded(scan.astype(np.uint8)), channels="rgb", median_grey=0.3, fit="stretch"
    )
    body = levels()[levels() >= 100]
    expected = np.where(
        levels() < 100, 0, np.clip(levels() * (255 * 0.3 / np.median(body)), 0, 255)
    )
    assert reason is None
    for k in range(3):
        np.testing.assert_allclose(image[..., k].astype(int), size_8(np.rint(expected)), atol=2)


def test_what_a_median_makes_brighter_than_white_is_white(tmp_path):
    scan = np.where(levels() > 200, 250, 60).astype(np.uint8)
    _, image = read(tmp_path, encoded(scan), median_grey=0.9, fit="stretch")
    assert image.max() == 255 and image.min() == round(0.9 * 255)


def test_an_image_that_is_dark_all_over_has_no_median(tmp_path):
    reason, _ = read(tmp_path, encoded(levels(most=25)), median_grey=0.3)
    assert reason == "blank"
    reason, _ = read(tmp_path, encoded(levels(most=25)))
    assert reason is None
