from __future__ import annotations

import numpy as np

from medsynth.metrics.images import nulls


def test_noise_takes_every_grey_level_alike():
    batches = list(nulls.noise(70, (16, 16, 3), 32, np.random.default_rng(0)))
    assert [len(b) for b in batches] == [32, 32, 6]
    counts = np.bincount(np.concatenate(batches).ravel(), minlength=256)
    expected = counts.sum() / 256
    assert abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_constant_is_the_mean_colour_everywhere():
    images = np.zeros((4, 8, 8, 3), np.uint8)
    images[:2] = [10, 100, 200]
    (batch,) = nulls.constant(5, images, 32)
    assert batch.shape == (5, 8, 8, 3) and batch.dtype == np.uint8
    assert (batch == [5, 50, 100]).all()
