"""Pairs of CT slices: nearest, one to one, of one place, and well registered."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from medsynth.cohorts.ct.pairs import pair
from medsynth.cohorts.ct.settings import CtPair
from medsynth.store.manifests import manifest


def slices(*rows) -> pd.DataFrame:
    names = ["item_id", "patient", "label", "z", "frame"]
    frame = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows])
    return manifest(frame.assign(status="used", split="train"))


def test_pairs_are_nearest_and_one_to_one():
    frame = slices(
        ("a1", "P", "ct", 0.0, "F"),
        ("a2", "P", "ct", 2.0, "F"),
        ("a3", "P", "ct", 50.0, "F"),
        ("b1", "P", "cect", 1.5, "F"),
        ("b2", "P", "cect", -1.0, "F"),
        ("b3", "Q", "cect", 50.0, "F"),  # another patient
        ("a4", "P", "ct", 80.0, "F"),
        ("b4", "P", "cect", 80.0, "G"),  # another frame of reference
        ("a5", "P", "ct", None, "F"),
    )
    pairs, _ = pair(frame, CtPair(tolerance_mm=2.5))
    assert pairs.to_numpy().tolist() == [
        ["P", "a1", "b2", 1.0, "train"],
        ["P", "a2", "b1", 0.5, "train"],
    ]


def test_every_slice_without_a_partner_is_counted_with_the_reason():
    frame = slices(
        ("a1", "P", "ct", 0.0, "F"),
        ("b1", "P", "cect", 0.0, "F"),
        ("b2", "P", "cect", 1.0, "F"),  # a1 is taken
        ("a2", "P", "ct", 40.0, "F"),  # b3 has another field of view
        ("b3", "P", "cect", 40.0, "F"),
        ("a3", "P", "ct", 99.0, "F"),
        ("a4", "P", "ct", 7.0, "G"),  # a part of a divided series that was not registered
        ("a5", "P", "ct", 0.0, None),
        ("b5", "Q", "cect", None, "F"),
        ("b6", "Q", "cect", 0.0, "F"),
    ).assign(plane=["x", "x", "x", "x", "y", "x", "x", "x", "x", "x"])
    _, counts = pair(frame, CtPair(tolerance_mm=2.5))
    assert counts["pairs"] == 1 and counts["slices"] == {"ct": 5, "cect": 5}
    assert counts["unpaired"] == {
        "another_field_of_view": 2,
        "no_other_phase": 2,
        "other_phase_too_far": 1,
        "partner_taken": 1,
        "without_place": 2,
    }
    assert sum(counts["unpaired"].values()) + 2 * counts["pairs"] == len(frame)


def test_no_pairs_is_an_empty_table():
    pairs, _ = pair(slices(("a", "P", "ct", 0.0, None)), CtPair())
    assert pairs.columns.tolist() == ["patient", "item_a", "item_b", "distance_mm", "split"]
    assert len(pairs) == 0


def pairs_by_brute_force(slices: pd.DataFrame, tolerance: float) -> list[tuple]:
    """All distances in a group, the nearest taken first."""
    found = []
    for (patient, _), group in slices.groupby(["patient", "frame"]):
        a, b = (group[group["label"] == label].sort_values("item_id") for label in ("ct", "cect"))
        distance = np.abs(a["z"].to_numpy()[:, None] - b["z"].to_numpy()[None, :])
        near = np.argwhere(distance <= tolerance)
        taken: set = set()
        for i, j in near[np.argsort(distance[near[:, 0], near[:, 1]], kind="stable")]:
            if not taken & {("a", i), ("b", j)}:
                taken |= {("a", i), ("b", j)}
                ids = a["item_id"].iloc[i], b["item_id"].iloc[j]
                found.append((patient, *ids, distance[i, j]))
    return sorted(found)


slice_places = st.tuples(
    st.sampled_from(["P", "Q"]),
    st.sampled_from(["ct", "cect"]),
    st.floats(-10, 10).map(lambda z: round(z, 1)),  # equal distances happen
    st.sampled_from(["F", "G"]),
)


@given(st.lists(slice_places, max_size=40), st.sampled_from([0.0, 0.5, 3.0]))
@settings(deadline=None)
def test_pairs_are_those_of_brute_force(places, tolerance):
    rows = [(f"{i:02d}", *place) for i, place in enumerate(places)]
    frame = slices(*rows, ("x", "R", "ct", 0.0, "F"))
    pairs, counts = pair(frame, CtPair(tolerance_mm=tolerance))
    found = list(pairs[["patient", "item_a", "item_b", "distance_mm"]].itertuples(index=False))
    assert [tuple(row) for row in found] == pairs_by_brute_force(frame, tolerance)
    assert counts["pairs"] == len(found)


def test_another_study_or_field_of_view_is_no_pair():
    frame = slices(
        ("a1", "P", "ct", 0.0, "F"), ("b1", "P", "cect", 0.0, "F"), ("b2", "P", "cect", 0.5, "F")
    )
    assert pair(frame, CtPair())[0]["item_b"].tolist() == ["b1"]
    other = frame.assign(study=["S", "T", "S"])
    assert pair(other, CtPair())[0]["item_b"].tolist() == ["b2"]
    planes = frame.assign(study="S", plane=["wide", "narrow", "narrow"])
    pairs, counts = pair(planes, CtPair())
    assert len(pairs) == 0 and counts["dropped_for_another_field_of_view"] == 1
    # Within planes two pairs are found, where across them the nearest left only one.
    crossed = slices(
        ("a1", "P", "ct", 0.0, "F"),
        ("a2", "P", "ct", 2.0, "F"),
        ("b1", "P", "cect", -1.0, "F"),
        ("b2", "P", "cect", 0.9, "F"),
    ).assign(plane=["p", "q", "p", "q"])
    pairs, counts = pair(crossed, CtPair(tolerance_mm=1.5))
    assert len(pairs) == 2 and counts["dropped_for_another_field_of_view"] == 0
    unknown = frame.assign(study=None, plane=None)  # of both sides nothing is known
    assert pair(unknown, CtPair())[0]["item_b"].tolist() == ["b1"]


def test_badly_registered_pairs_are_dropped_and_counted():
    frame = slices(
        ("a1", "P", "ct", 0.0, "F"),
        ("b1", "P", "cect", 0.0, "F"),
        ("a2", "Q", "ct", 0.0, "F"),
        ("b2", "Q", "cect", 1.0, "F"),
        ("a3", "R", "ct", 0.0, "F"),  # was not registered
        ("b3", "R", "cect", 0.0, "F"),
    ).assign(reg_dice_after=[0.8, None, 0.95, None, None, None], reg_ncc_after=0.7)
    pairs, counts = pair(frame, CtPair(min_dice=0.9))
    assert pairs["item_a"].tolist() == ["a2", "a3"]
    assert pairs["reg_dice_after"].fillna(0).tolist() == [0.95, 0]
    assert counts == {
        "pairs": 2,
        "patients": 2,
        "dropped_for_another_field_of_view": 0,
        "dropped_for_bad_registration": 1,
        "slices": {"ct": 3, "cect": 3},
        "unpaired": {"bad_registration": 2},
        "median": {"distance_mm": 0.5, "reg_dice_after": 0.95, "reg_ncc_after": 0.7},
    }
    assert len(pair(frame, CtPair())[0]) == 3
