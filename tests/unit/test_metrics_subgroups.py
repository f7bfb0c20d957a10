"""Metrics of subgroups: who is in which group, what is shown of it, and the largest gap."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from medsynth.lineage.mlflow.measurements import numbers
from medsynth.metrics.classification import held_out_metrics
from medsynth.metrics.intervals import bootstrap_interval, metric, share_interval
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import (
    SubgroupError,
    by_subgroup,
    divide,
    groups_of,
    largest_gap,
)
from medsynth.store.tables.covariates import MOST_CATEGORIES

SETTINGS = Evaluation(subgroups=["sex"], subgroup_patients=5)


def shares(hits: np.ndarray, patients: np.ndarray) -> dict:
    """A judge by who is right."""
    return lambda rows: {
        "accuracy": metric(
            float(hits[rows].mean()), "higher", share_interval(hits[rows], patients[rows])
        )
    }


@pytest.mark.parametrize(
    ("age", "group"),
    [
        *[(0.0, "0-17"), (17.0, "0-17"), (17.9, "0-17"), (18.0, "18-39"), (39.99, "18-39")],
        *[(64.0, "40-64"), (64.99, "40-64"), (65.0, "65+"), (119.0, "65+"), (None, "unknown")],
    ],
)
def test_an_age_stands_in_the_band_of_its_whole_years(age, group):
    values = pd.Series([age, 30.0], dtype="float64")
    assert groups_of(values, "age", [18, 40, 65])[0] == group


def test_bands_are_in_the_order_of_age_and_empty_ones_are_told():
    groups = groups_of(pd.Series([70.0, np.nan, 3.0]), "age", [5, 18])
    assert list(groups.cat.categories) == ["0-4", "5-17", "18+", "unknown"]
    assert groups.tolist() == ["18+", "unknown", "0-4"]


def test_what_is_not_known_is_a_group_of_its_own():
    values = pd.Series(["male", None, "female", "Unknown", "male"], dtype="str")
    groups = groups_of(values, "sex", [18])
    assert groups.tolist() == ["male", "unknown", "female", "unknown", "male"]
    assert list(groups.cat.categories) == ["female", "male", "unknown"]
    assert groups_of(pd.Series([None, None]), "age", [18]).tolist() == ["unknown"] * 2


def test_a_column_of_many_values_is_refused_without_showing_them():
    values = pd.Series([f"Doe, Jane {i}" for i in range(MOST_CATEGORIES + 1)])
    with pytest.raises(SubgroupError, match="'scanner' has 21 values") as error:
        groups_of(values, "scanner", [18])
    assert "Doe" not in str(error.value)
    assert len(groups_of(values[:-1], "scanner", [18]).cat.categories) == MOST_CATEGORIES


def test_a_manifest_without_the_column_is_named_with_those_it_has():
    frame = pd.DataFrame({"item_id": ["a"], "patient": ["p"], "view": ["AP"], "age": [3.0]})
    with pytest.raises(SubgroupError, match="c/manifest.parquet has no column sex .*: view, age;"):
        divide(frame, SETTINGS, "c/manifest.parquet")


def test_every_group_has_its_own_figures():
    rng = np.random.default_rng(3)
    patients = np.repeat(np.arange(40), 3)
    sex = np.where(patients < 25, "female", "male")
    truth, answers = rng.integers(0, 2, 120), rng.integers(0, 2, 120)
    groups = {"sex": groups_of(pd.Series(sex), "sex", [18])}

    def judge(rows: np.ndarray) -> dict:
        judged = held_out_metrics(np.eye(2)[answers[rows]], truth[rows], patients[rows], ["a", "b"])
        return judged["metrics"]

    found = by_subgroup(groups, patients, judge, SETTINGS)["subgroups"]["sex"]
    assert {g: (s["n_images"], s["n_patients"]) for g, s in found.items()} == {
        "female": (75, 25),
        "male": (45, 15),
    }
    for group, subgroup in found.items():
        hits = (truth == answers)[sex == group]
        assert subgroup["metrics"]["accuracy"]["value"] == hits.mean()
        # of patients, not of images: near that of a bootstrap of patients
        low, high = subgroup["metrics"]["accuracy"]["interval"]
        of = patients[sex == group]
        boot, _ = bootstrap_interval(np.mean, [hits], 500, rng, patients=[of])
        assert abs(low - boot[0]) < 0.04 and abs(high - boot[1]) < 0.04


def test_a_group_of_few_patients_is_counted_and_not_judged():
    patients = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 10, 10, 10])
    sex = pd.Series(["female"] * 5 + ["male"] * 5 + [None] * 6, dtype="str")
    hits = np.zeros(16, bool)
    judged = []

    def judge(rows: np.ndarray) -> dict:
        judged.append(set(patients[rows]))
        return shares(hits, patients)(rows)

    found = by_subgroup({"sex": groups_of(sex, "sex", [18])}, patients, judge, SETTINGS)
    unknown = found["subgroups"]["sex"]["unknown"]
    assert unknown == {
        "n_images": 6,
        "n_patients": 1,
        "reason": "too few (1 patient, at least 5 are needed)",
        "metrics": {},
    }
    assert {10} not in judged and len(judged) == 2
    names = [name for name, _ in numbers(json.loads(json.dumps(found)))]
    assert (
        "subgroups.sex.female.metrics.accuracy" in names and "subgroup_gaps.sex.accuracy" in names
    )
    assert [n for n in names if ".unknown." in n] == [
        "subgroups.sex.unknown.n_images",
        "subgroups.sex.unknown.n_patients",
    ]


def gap_of(share_of: dict[str, float], rng: np.random.Generator, n=60) -> dict:
    """The gap in accuracy of n patients a group, each with two images, right so often."""
    patients = np.repeat(np.arange(n * len(share_of)), 2)
    groups = pd.Series(np.repeat(list(share_of), 2 * n))
    hits = rng.random(len(patients)) < np.repeat(list(share_of.values()), 2 * n)
    division = {"sex": groups_of(groups, "sex", [18])}
    judged = by_subgroup(division, patients, shares(hits, patients), SETTINGS)
    return judged["subgroup_gaps"]["sex"]["accuracy"]


def test_a_planted_gap_is_found():
    gap = gap_of({"a": 0.9, "b": 0.6, "c": 0.85}, np.random.default_rng(1))
    assert (gap["best"], gap["worst"], gap["reason"]) == ("a", "b", None)
    assert gap["interval"][0] > 0 and gap["interval"][0] < 0.3 < gap["interval"][1]


@pytest.mark.parametrize("groups", [2, 4])
def test_of_groups_that_are_alike_the_gap_covers_zero(groups):
    rng = np.random.default_rng(2)
    alike = dict.fromkeys([f"g{i}" for i in range(groups)], 0.8)
    gaps = [gap_of(alike, rng) for _ in range(100)]
    covered = np.mean([gap["interval"][0] <= 0 <= gap["interval"][1] for gap in gaps])
    assert covered >= 0.93  # without Tukey's range 0.77 of four groups
    assert all(gap["value"] >= 0 for gap in gaps)
    shown = {gap["reason"] for gap in gaps}
    assert shown <= {"not shown to differ", None} and "not shown to differ" in shown


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_the_gap_of_two_groups_is_that_of_their_intervals(better):
    """Zou and Donner 2008, Eq. 9, by hand."""
    low = {**metric(0.5, better, [0.4, 0.7]), "floor": 0.1}
    high = {**metric(0.9, better, [0.8, 0.95]), "floor": 0.2}
    gap = largest_gap({"x": low, "y": high})
    assert gap["value"] == pytest.approx(0.4)
    lower = 0.4 - np.hypot(0.9 - 0.8, 0.7 - 0.5)
    upper = 0.4 + np.hypot(0.95 - 0.9, 0.5 - 0.4)
    assert gap["interval"] == pytest.approx([lower, upper])
    assert (gap["best"], gap["worst"]) == (("y", "x") if better == "higher" else ("x", "y"))
    assert gap["floor"] == pytest.approx(0.1)
    three = largest_gap({"x": low, "y": high, "z": metric(0.7, better, [0.65, 0.75])})
    assert three["interval"][0] == pytest.approx(0.4 - 1.195788 * (0.4 - lower), abs=1e-6)


def test_a_gap_needs_two_known_groups_and_their_intervals():
    one, other = metric(0.5, "higher", [0.4, 0.6]), metric(None, "higher", None, "few")
    assert largest_gap({"x": one, "y": other})["value"] is None
    assert largest_gap({"x": one, "y": metric(0.7, "higher")})["interval"] is None
    patients = np.arange(20)
    sex = groups_of(pd.Series(["female"] * 10 + [None] * 10, dtype="str"), "sex", [18])
    found = by_subgroup({"sex": sex}, patients, shares(patients < 10, patients), SETTINGS)
    assert found["subgroups"]["sex"]["unknown"]["metrics"]["accuracy"]["value"] == 0
    assert found["subgroup_gaps"]["sex"]["accuracy"]["value"] is None
