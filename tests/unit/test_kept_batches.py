"""Batches that outlive a kill."""

from __future__ import annotations

import numpy as np
import pytest

from medsynth.runtime.checkpoints import kept_batches

ARRAYS, BATCH = np.arange(10.0).reshape(10, 1), 4


class Maker:
    """Makes batches from a position on, and notes which; stops before array `fails_at`."""

    def __init__(self, fails_at: int = 99):
        self.made, self.fails_at = [], fails_at

    def __call__(self, start: int):
        for at in range(start, len(ARRAYS), BATCH):
            if at >= self.fails_at:
                raise KeyboardInterrupt
            self.made.append(at)
            yield ARRAYS[at : at + BATCH]


def test_only_the_batch_that_was_being_made_is_made_again(tmp_path):
    first, second, third = Maker(fails_at=8), Maker(), Maker()
    with pytest.raises(KeyboardInterrupt):
        list(kept_batches(tmp_path / "images", len(ARRAYS), first))
    np.testing.assert_array_equal(
        np.concatenate(list(kept_batches(tmp_path / "images", len(ARRAYS), second))), ARRAYS
    )
    again = list(kept_batches(tmp_path / "images", len(ARRAYS), third))
    np.testing.assert_array_equal(np.concatenate(again), ARRAYS)
    assert (first.made, second.made, third.made) == ([0, 4], [8], [])


def test_a_consumer_that_stops_loses_nothing(tmp_path):
    maker = Maker()
    for _ in kept_batches(tmp_path, len(ARRAYS), maker):
        break
    assert len(list(kept_batches(tmp_path, len(ARRAYS), maker))) == 3
    assert maker.made == [0, 4, 8]
