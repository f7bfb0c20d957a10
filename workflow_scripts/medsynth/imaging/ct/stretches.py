"""Where the slices of a CT series are evenly spaced, so that they can be one volume.

A scan may change its slice distance on the way, and slices may be lost. Both show as a longer step
between two slices; only the second may be filled by interpolation. Each change of distance and each
gap is an assumption, and the division of the series that needs the fewest is taken: one longer step
among even ones is a gap, several that are equal in a row are another slice distance.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medsynth.imaging.ct.volumes import SPACING_MM

GAP = 1.0  # price of a step over missing slices
# Price of a boundary between two stretches: at an end of a series two equal longer steps are
# dearer than it, in the middle, between two boundaries, three.
BOUNDARY = 1.4
UNEVEN = 0.1  # of the slice distance: how far a slice may lie from its place, and at least
WOBBLE = 0.2  # mm: what table wobble and rounding come to, but never more than
LARGEST = 1 / 3  # of the slice distance
ALIKE = 0.02  # of a step: steps no further apart are candidates for one slice distance


def stretches(heights: np.ndarray, max_missing: int) -> list[np.ndarray]:
    """Divide the slices of a series where they cannot be one volume.

    A slice on the boundary of two slice distances belongs to the upper one. Slices whose distance
    is implausible (:data:`medsynth.imaging.ct.volumes.SPACING_MM`) are each alone.

    Args:
        heights: places (n,) in mm, ascending, at least one.
        max_missing: slices in a row that may be missing.

    Returns:
        For every stretch the slot (n,) int of each slice: 0 for its first slice, and the next
        number for the next slice, unless slices between the two are missing. All lie within
        :func:`tolerance` of where an even distance puts them.
    """
    counts = _counts(np.diff(heights), max_missing)
    ends = [*(np.flatnonzero(counts == 0) + 1), len(heights)]
    found: list[np.ndarray] = []
    start = 0
    for end in ends:
        slots = np.append(0, counts[start : end - 1].cumsum())
        found += _even(heights[start:end], slots)
        start = end
    return found


def tolerance(step: np.ndarray | float) -> np.ndarray:
    """How far in mm a slice may lie from its place where slices are `step` mm apart."""
    return np.minimum(np.maximum(UNEVEN * np.asarray(step), WOBBLE), LARGEST * np.asarray(step))


def _counts(steps: np.ndarray, max_missing: int) -> np.ndarray:
    """How many slice distances (n,) int each step is; 0 where it is a boundary.

    The cheapest path (Viterbi, IEEE Trans. Inf. Theory 13, 1967, pp. 260-269) whose state is the
    slice distance.
    """
    distances = np.array([*_candidates(steps)])
    multiples = np.arange(1, max_missing + 2)[:, None]
    price = np.zeros(len(distances))  # of the cheapest path to here that has this slice distance
    boundary = 0.0  # of the cheapest one that ends with a boundary
    chosen, came_from, stayed = [], [], []
    for step in steps:
        # Two neighbours may each be out of place; compared as distances, not as rounded ratios.
        off = np.abs(step - multiples * distances)
        count = np.where((off <= 2 * tolerance(distances)).any(0), off.argmin(0) + 1, 0)
        cost = np.where(count == 0, np.inf, np.where(count > 1, GAP, 0.0))
        chosen.append(count)
        came_from.append(int(price.argmin()) if price.size and price.min() <= boundary else -1)
        stayed.append(price <= boundary)
        before = min(price.min(initial=np.inf), boundary)
        price, boundary = np.minimum(price, boundary) + cost, before + BOUNDARY
    counts = np.zeros(len(steps), int)
    state = int(price.argmin()) if price.size and price.min() <= boundary else -1
    for i in range(len(steps) - 1, -1, -1):
        if state < 0:
            state = came_from[i]
        else:
            counts[i] = chosen[i][state]
            state = state if stayed[i][state] else -1
    return counts


def _candidates(steps: np.ndarray) -> Iterator[float]:
    """Slice distances that occur, of those that are alike their median."""
    plausible = np.sort(steps[(steps >= SPACING_MM[0]) & (steps <= SPACING_MM[1])])
    while plausible.size:
        alike = plausible[plausible <= plausible[0] * (1 + ALIKE)]
        yield float(np.median(alike))
        plausible = plausible[alike.size :]


def _even(heights: np.ndarray, slots: np.ndarray) -> Iterator[np.ndarray]:
    """The slots, divided where small differences of the steps add up to another place."""
    todo = [(0, len(slots))]
    while todo:
        start, end = todo.pop()
        slot, height = (values[start:end] - values[start] for values in (slots, heights))
        step = height[-1] / max(1, slot[-1])
        off = np.abs(height - slot * step)
        if off.max() <= tolerance(step):
            yield slot
        else:
            worst = start + int(off.argmax())
            todo += [(worst, end), (start, worst)]
