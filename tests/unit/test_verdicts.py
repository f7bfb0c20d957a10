"""Verdicts on the page claim what the intervals carry, and no more."""

from __future__ import annotations

import pytest

from medsynth.tasks.generation.verdict import verdict as of_images
from medsynth.tasks.generation.view import METRICS
from medsynth.tasks.translation.verdict import verdict as of_slices
from medsynth.tasks.translation.view import MEASURES
from medsynth.tasks.viewing.contract import ShownExperiment

NULL = {"noise": 90.0, "constant": 120.0}


def entry(value, interval=None, better="lower", reason=None, **more) -> dict:
    return {"value": value, "interval": interval, "better": better, "reason": reason, **more}


def distance(value, low, high, floor=1.0) -> dict:
    return entry(value, [low, high], floor=floor, null=NULL)


def experiment(name="one", n=500, extractor="ab", per_class=None, **metrics) -> ShownExperiment:
    results = {"metrics": metrics, "per_class": per_class or {}, "n_real": 600}
    results |= {"n_generated": 600, "n": n, "extractor": {"sha256": extractor}}
    return ShownExperiment(name, "ddpm", "", results)


def said(one, *others) -> tuple[str, str]:
    found = of_images(one, [one, *others], METRICS)
    return found.grade, found.text


def test_beats_baselines_and_another_but_not_yet_real():
    one = experiment(kid=distance(5, 4, 6), fid=distance(10, 8, 12))
    other = experiment("gan", kid=distance(30, 20, 40), fid=distance(50, 40, 60))
    grade, text = said(one, other)
    assert grade == "better"
    assert text == ("Beats noise, a constant image and gan; not yet within the real-vs-real floor.")
    assert of_images(one, [one, other], METRICS).badge == "Beats noise"
    assert said(other, one)[1] == (
        "Beats noise and a constant image; worse than one; not yet within the real-vs-real floor."
    )


def test_overlapping_intervals_and_distances_that_disagree_tell_nothing_apart():
    one = experiment(kid=distance(5, 4, 6), fid=distance(10, 8, 12))
    overlapping = experiment("o", kid=distance(30, 20, 40), fid=distance(50, 11, 60))
    opposed = experiment("p", kid=distance(30, 20, 40), fid=distance(5, 4, 6))
    _, text = said(one, overlapping, opposed)
    assert "not told apart from o or p, where intervals overlap or disagree" in text
    assert "Beats noise and a constant image;" in text


def test_fid_is_compared_at_the_same_number_and_all_by_the_same_features():
    one = experiment(fid=distance(10, 8, 12))
    assert "fewer" not in said(one, experiment("fewer", n=400, fid=distance(50, 40, 60)))[1]
    assert "else" not in said(one, experiment("else", extractor="cd", fid=distance(50, 40, 60)))[1]
    assert "a constant image and same" in said(one, experiment("same", fid=distance(50, 40, 60)))[1]


def test_the_floor_is_reached_by_all_distances_or_by_those_that_are_named():
    both = experiment(kid=distance(2, 1, 3), fid=distance(2, 0.5, 3))
    assert said(both)[0] == "floor" and "reaches the real-vs-real floor" in said(both)[1]
    one = experiment(kid=distance(2, 1, 3), fid=distance(10, 8, 12))
    assert said(one)[0] == "better"
    assert "within the real-vs-real floor by KID, not by FID" in said(one)[1]


def test_few_images_are_no_evidence_of_quality():
    grade, text = said(experiment(n=31, kid=distance(2, 1, 3)))
    assert grade == "better" and "on 31 images a side, too few to speak of quality" in text


@pytest.mark.parametrize("interval", [(50, 95), (100, 140)])
def test_what_does_not_beat_noise_is_said_first(interval):
    grade, text = said(experiment(kid=distance(92, *interval), fid=distance(5, 4, 6)))
    assert grade == "unproven"
    assert text.startswith("Not shown to beat noise or a constant image by KID;")


def test_other_figures_that_do_not_beat_noise_are_exceptions():
    recall = entry(0.0, [0, 0.4], "higher", floor=0.9, null={"noise": 0.0, "constant": 0.0})
    _, text = said(experiment(kid=distance(5, 4, 6), recall=recall))
    assert "not shown to beat noise or a constant image in Recall" in text


def test_without_an_interval_there_is_no_verdict_but_the_figures():
    lonely = entry(5.0, None, reason="no interval: 2 patients", floor=1.0, null=NULL)
    found = of_images(experiment(kid=lonely), [], METRICS)
    assert found.grade == "unknown" and "no interval: 2 patients" in found.text
    assert found.figures == "KID 5 (no interval), real images 1; noise 90; constant 120"
    assert said(experiment())[0] == "unknown"
    lost = entry(95.0, None, reason="not better than noise; no interval: 2 patients", null=NULL)
    grade, text = said(experiment(kid=lost, fid=lost))
    assert grade == "unproven" and text.count("no interval: 2 patients") == 1


def agreement(low, chance=0.3, judge=(0.8, 0.9)) -> dict:
    accuracy = entry(0.85, judge and list(judge), "higher", chance=0.5)
    return {"label_agreement": entry(0.9, [low, 1.0], "higher", chance=chance, judge=accuracy)}


@pytest.mark.parametrize(
    "per_class, words",
    [
        ({"a": agreement(0.6), "b": agreement(0.5)}, "above chance in every class"),
        ({"a": agreement(0.6), "b": agreement(0.2)}, "not shown to be above chance for b"),
        ({"a": agreement(0.6, judge=(0.4, 0.9))}, "judge is not shown to be above chance"),
        ({"a": agreement(0.6, judge=None)}, "judge is not shown to be above chance"),
        ({"a": agreement(0.6, chance=None)}, "not shown to be above chance for a"),
    ],
)
def test_control_of_the_classes(per_class, words):
    assert words in said(experiment(kid=distance(5, 4, 6), per_class=per_class))[1]


def test_control_of_findings():
    def found(low, judge=(0.8, 0.9)) -> dict:
        return {"finding_agreement": agreement(low, 0.5, judge)["label_agreement"]}

    one = experiment(kid=distance(5, 4, 6), per_class={"a + b": agreement(0.1)})
    one.results["per_finding"] = {"a": found(0.6), "b": found(0.4)}
    assert "finding agreement not shown to be above chance for b" in said(one)[1]
    one.results["per_finding"] = {"a": found(0.6, None), "b": found(0.6)}  # each has its own judge
    assert "finding agreement not shown to be above chance for a" in said(one)[1]
    one.results["per_finding"] = {"a": found(0.6, None), "b": found(0.6, (0.4, 0.9))}
    assert "control of findings unknown" in said(one)[1]
    one.results["per_finding"] = {name: found(0.4) for name in "abcd"} | {"e": found(0.6)}
    assert "not shown to be above chance for 4 of 5 findings" in said(one)[1]
    one.results["per_finding"] = {"a": found(0.6)}
    assert "finding agreement above chance in every finding" in said(one)[1]


def slices(name="one", **gains) -> ShownExperiment:
    """An experiment with a MAE and its gain, of all slices and by direction."""

    def of(gain):
        low, high = gain
        return {
            "mae_hu": entry(40.0, [35, 45]),
            "mae_hu_do_nothing": entry(60.0, [50, 70]),
            "mae_hu_gain": entry((low + high) / 2, [low, high], "higher"),
        }

    results = {"metrics": of(gains.pop("both")), "n_real": 200, "n_generated": 200}
    return ShownExperiment(
        name, "cyclegan", "", results | {"per_class": {d: of(g) for d, g in gains.items()}}
    )


@pytest.mark.parametrize(
    "gains, grade, text",
    [
        (
            dict(both=(1, 3), a_to_b=(1, 3), b_to_a=(1, 2)),
            "better",
            "Beats doing nothing in MAE (HU); in each direction.",
        ),
        (
            dict(both=(1, 3), a_to_b=(2, 3), b_to_a=(-1, 2)),
            "better",
            "Beats doing nothing in MAE (HU); not shown for b to a (MAE (HU)).",
        ),
        (dict(both=(-1, 3)), "unproven", "Not shown to beat doing nothing in MAE (HU)."),
        (dict(both=(-3, -1)), "worse", "Worse than doing nothing in MAE (HU)."),
    ],
)
def test_translations_are_judged_by_their_gain(gains, grade, text):
    one = slices(**gains)
    found = of_slices(one, [one], MEASURES)
    assert (found.grade, found.text) == (grade, text)


def test_translations_are_set_beside_each_other():
    one, other = slices(both=(1, 3)), slices("other", both=(1, 3))
    assert "not told apart from other" in of_slices(one, [one, other], MEASURES).text


def test_what_is_not_beaten_is_named_with_the_figure_it_belongs_to():
    shown = {
        "kid": distance(5, 4, 6),
        "recall": entry(0.4, [0.2, 0.5], "higher", floor=0.9, null={"noise": 0.3, "constant": 0}),
        "restored_psnr_db": entry(20, [19, 21], "higher", null={"bicubic": 22}),
    }
    _, text = said(experiment(**shown))
    assert (
        "not shown to beat noise or a constant image in Recall; not shown to beat bicubic" in text
    )
    assert "bicubic enlargement in PSNR (dB), restored" in text
