from __future__ import annotations

import pytest

from medsynth.metrics.baselines import (
    not_beaten,
    with_accuracy,
    with_baselines,
    with_chance,
    without_baseline,
)
from medsynth.metrics.intervals import metric

LOW = {"noise": 9.0, "constant": 12.0}
HIGH = {"noise": 0.4, "constant": 0.1}


@pytest.mark.parametrize(
    ("value", "interval", "better", "null", "reason", "name"),
    [
        (3.0, [2.0, 4.0], "lower", LOW, None, None),
        (
            10.0,
            [9.9, 10.1],
            "lower",
            {"constant": 12.0, "noise": 9.0},
            "not better than n",
            "noise",
        ),
        (0.3, [0.2, 0.35], "higher", {"constant": 0.1, "noise": 0.4}, "not better than n", "noise"),
        (8.0, [7.0, 9.5], "lower", LOW, "not shown to be better than noise (9)", "noise"),
        (9.0, [8.0, 10.0], "lower", LOW, "not better than noise (9)", "noise"),
        (10.0, None, "lower", LOW, "not better than noise (9)", "noise"),
        (8.0, None, "lower", LOW, None, None),
        (0.8, [0.7, 0.9], "higher", HIGH, None, None),
        (0.5, [0.3, 0.7], "higher", HIGH, "not shown to be better than noise (0.4)", "noise"),
        (0.4, [0.3, 0.5], "higher", HIGH, "not better than noise (0.4)", "noise"),
        (0.0, [0.0, 0.1], "higher", {"noise": 0.0, "constant": 0.0}, "not better", "noise"),
    ],
)
def test_a_figure_that_does_not_beat_its_best_null_says_so(
    value, interval, better, null, reason, name
):
    floor = {"lower": 1.0, "higher": 0.9}[better]
    found = with_baselines(metric(value, better, interval, "few"), floor, null)
    assert (found["floor"], found["null"], found["value"]) == (floor, null, value)
    assert found["reason"] == "few" if reason is None else found["reason"].startswith(reason)
    assert found["reason"].endswith("few")
    assert not_beaten(found) == name


def test_a_figure_that_cannot_tell_real_images_from_noise_says_so():
    found = with_baselines(metric(0.99, "higher", [0.97, 1.0]), 0.9, {"noise": 0.95})
    assert found["reason"] == "does not tell real images (0.9) from noise (0.95) here"


def test_a_figure_without_value_or_nulls_is_not_marked():
    assert not_beaten(metric(None, "lower", None, "no images")) is None
    assert not_beaten(metric(3.0, "lower", [1.0, 4.0])) is None


@pytest.mark.parametrize(
    ("interval", "nothing"),
    [([0.55, 0.8], False), ([0.5, 0.8], True), ([0.45, 0.8], True), (None, True)],
)
def test_agreement_carries_the_classifiers_accuracy(interval, nothing):
    accuracy = {**metric(0.7, "higher", interval), "chance": 0.5}
    found = with_accuracy(metric(0.9, "higher", [0.8, 0.95]), accuracy)
    assert found["judge"] == accuracy
    assert bool(found["reason"]) == nothing
    assert not nothing or found["reason"].startswith("means nothing")


@pytest.mark.parametrize(
    ("interval", "chance", "reason"),
    [
        ([0.4, 0.8], 0.5, "not above chance (0.5); few"),
        ([0.5, 0.8], 0.5, "not above chance (0.5); few"),
        ([0.6, 0.8], 0.5, "few"),
        (None, 0.5, "few"),
        ([0.4, 0.8], None, "few"),
    ],
)
def test_a_figure_that_is_not_above_chance_says_so(interval, chance, reason):
    found = with_chance(metric(0.7, "higher", interval, "few"), chance)
    assert (found["reason"], found["chance"], found["value"]) == (reason, chance, 0.7)


def test_figures_with_nothing_beside_them_are_known():
    bare = metric(0.7, "higher", [0.6, 0.8])
    metrics = {
        "fid": with_baselines(bare, 1.0, LOW),
        "auroc": with_chance(bare, 0.5),
        "mae_hu": bare,
        "mae_hu_do_nothing": bare,
        "mae_hu_gain": bare,
        "not_measured": metric(None, "higher"),
    }
    assert without_baseline(metrics) == []
    assert without_baseline({"kid": bare, "of_no_class": with_chance(bare, None)}) == [
        "kid",
        "of_no_class",
    ]
    del metrics["mae_hu_do_nothing"]
    assert without_baseline(metrics) == ["mae_hu", "mae_hu_gain"]
