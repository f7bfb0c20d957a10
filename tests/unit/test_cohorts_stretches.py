"""Series of uneven slice distance: what is a gap, what is another distance, what is wobble."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsynth.imaging.ct.series import Slice, volumes_of
from medsynth.imaging.ct.stretches import stretches, tolerance


def heights(*steps: tuple[float, int]) -> list[float]:
    """Places of slices, `n` of them followed by a step of `mm`, for every (mm, n), and a last."""
    return [0.0, *np.cumsum([mm for mm, n in steps for _ in range(n)])]


def slots(*ends: int) -> list[list[int]]:
    """Stretches without a gap, of so many slices."""
    return [list(range(end)) for end in ends]


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([5], slots(1), id="one slice"),
        pytest.param([0, 2.5], slots(2), id="two slices"),
        pytest.param([0, 30], slots(1, 1), id="two slices that say nothing about each other"),
        pytest.param([0, 2, 4, 6], slots(4), id="even"),
        pytest.param([0, 2, 6, 8, 10], [[0, 1, 3, 4, 5]], id="one is missing"),
        pytest.param([0, 2, 4, 8], [[0, 1, 2, 4]], id="the last but one is missing"),
        pytest.param([0, 4, 6, 8], [[0, 2, 3, 4]], id="the second is missing"),
        pytest.param([0, 2, 4, 10, 12], [[0, 1, 2, 5, 6]], id="two are missing"),
        pytest.param([0, 2, 4, 12, 14, 16], slots(3, 3), id="three are missing: too many"),
        pytest.param([0, 2, 4, 8, 12, 14, 16], [[0, 1, 2, 4, 6, 7, 8]], id="twice one missing"),
        pytest.param([0, 2, 4, 5, 6.95, 9.05, 11], slots(3, 4), id="half a step, and wobble"),
        pytest.param(heights((2.5, 10), (5, 13)), slots(10, 14), id="2.5 then 5"),
        pytest.param(heights((5, 14), (2.5, 9)), slots(14, 10), id="5 then 2.5"),
        pytest.param(heights((2.5, 4), (5, 2)), slots(4, 3), id="2.5, then twice 5"),
        pytest.param(heights((1.25, 9), (2.5, 9), (5, 9)), slots(9, 9, 10), id="1.25, 2.5, 5"),
        pytest.param(heights((5, 9), (2.5, 9), (1.25, 9)), slots(9, 9, 10), id="5, 2.5, 1.25"),
        pytest.param(heights((1, 6), (5, 6), (1, 6)), slots(6, 6, 7), id="1, 5, 1"),
        pytest.param(heights((2, 9), (3, 9)), slots(9, 10), id="2 then 3"),
        pytest.param(heights((3, 20), (3.2, 20)), slots(20, 21), id="3 then 3.2, which adds up"),
        pytest.param(heights((10, 9)), slots(10), id="as far apart as may be"),
        pytest.param(heights((12, 3)), slots(1, 1, 1, 1), id="too far apart"),
        pytest.param(heights((0.0025, 3)), slots(1, 1, 1, 1), id="2.5 mm written in metres"),
        pytest.param([0, 2, 2, 4, 6], slots(2, 3), id="a place twice"),
        pytest.param(heights((0.7, 300)), slots(301), id="overlapping reconstruction"),
        pytest.param([0, 5.4, 9.6, 15, 20], slots(5), id="neighbours out of place, apart"),
        pytest.param([0, 5, 10.6, 15, 20], slots(2, 3), id="more than a tenth out of place"),
        pytest.param(
            [0, 0.3, 0.6, 0.75, 1.2, 1.5], slots(3, 3), id="half a fine step out of place"
        ),
    ],
)
def test_series_are_divided_where_they_are_no_volume(places, expected):
    found = stretches(np.array(places, float), max_missing=2)
    assert [part.tolist() for part in found] == expected


def test_longer_steps_divide_where_nothing_may_be_missing():
    found = stretches(np.array([0, 1, 2, 4, 5.0]), max_missing=0)
    assert [part.tolist() for part in found] == slots(3, 2)


@pytest.mark.parametrize("step", [0.625, 1, 1.25, 2.5, 5, 10])
def test_a_wobble_of_a_tenth_of_a_millimetre_divides_nothing(step):
    wobble = np.random.default_rng(7).uniform(-0.1, 0.1, 200)
    (found,) = stretches(np.arange(200) * step + wobble, max_missing=2)
    assert found.tolist() == list(range(200))


@given(st.lists(st.floats(0.06, 12), min_size=1, max_size=60))
@settings(max_examples=60, deadline=None)
def test_every_slice_is_in_one_stretch_and_at_its_place(steps):
    places = np.append(0, np.cumsum(steps))
    found = stretches(places, max_missing=2)
    assert sum(map(len, found)) == len(places)
    for part in found:
        here, places = places[: len(part)], places[len(part) :]
        assert part[0] == 0 and np.diff(part).min(initial=1) >= 1
        assert np.diff(part).max(initial=1) <= 3
        step = np.ptp(here) / max(1, part[-1])
        assert (np.abs(here - here[0] - part * step) <= tolerance(step) + 1e-9).all()


def stacked(levels: Sequence[int], step: float, bottom: float) -> list[Slice]:
    made = []
    for level in levels:
        affine = np.eye(4)
        affine[2, 3] = bottom + level * step
        made.append(Slice(np.full((2, 3), level, np.int16), affine, level))
    return made


@given(
    st.lists(st.integers(1, 3), max_size=8),
    st.floats(0.5, 9.5),
    st.floats(-1000, 1000),
    st.randoms(use_true_random=False),
)
@settings(max_examples=60, deadline=None)
def test_single_gaps_are_filled_and_no_slice_is_lost_or_moved(gaps, step, bottom, random):
    levels = np.cumsum([0, 1, *(n for gap in gaps for n in (gap, 1, 1))]).tolist()
    slices = stacked(levels, step, bottom)
    random.shuffle(slices)
    ((volume, members),) = volumes_of(slices, max_missing=2)
    assert [one.index for one in members] == levels
    np.testing.assert_array_equal(volume.hu[:, 0, 0], np.arange(levels[-1] + 1))
    expected = bottom + np.arange(levels[-1] + 1) * step
    np.testing.assert_allclose(volume.heights, expected, atol=1e-9)
