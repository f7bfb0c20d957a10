"""What the views of the tasks say of metrics: what the numbers support, and no more."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from medsynth.imaging.scale import PIXELS
from medsynth.tasks.generation import view as generation
from medsynth.tasks.translation import view as translation
from medsynth.tasks.viewing.comparison import finding, shown_results
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment
from medsynth.tasks.viewing.metric_tables import (
    by_class,
    compare,
    metrics_in_order,
    side_by_side,
)
from medsynth.tasks.viewing.templates import _ENVIRONMENT, render
from medsynth.tasks.viewing.verdicts import Verdict

TABLE = _ENVIRONMENT.from_string(
    '{% from "tasks/viewing/macros.html" import metric_table %}{{ metric_table(metrics, "") }}'
)


def entry(value, interval=None, better="lower", reason=None, **more) -> dict:
    return {"value": value, "interval": interval, "better": better, "reason": reason, **more}


@pytest.mark.parametrize(
    "mine, other, words",
    [
        (entry(1, [0.5, 1.5]), entry(3, [2, 4]), "better, the intervals do not overlap"),
        (entry(3, [2, 4]), entry(1, [0.5, 1.5]), "worse, the intervals do not overlap"),
        (entry(1, [0.5, 2.5]), entry(3, [2, 4]), "better, but the intervals overlap"),
        (entry(1, [0.5, 2]), entry(3, [2, 4]), "better, but the intervals overlap"),  # touching
        (
            entry(3, [2, 4], "higher"),
            entry(1, [0, 1], "higher"),
            "better, the intervals do not overlap",
        ),
        (entry(1), entry(3, [2, 4]), "better, but without intervals"),
        (entry(2, [1, 3]), entry(2, [1, 3]), "equal"),
        (entry(None), entry(2), "not comparable, a value is missing"),
        (entry(0.0, [0, 0]), entry(2, [1, 3]), "better, the intervals do not overlap"),
    ],
)
def test_comparison(mine, other, words):
    assert compare(mine, other) == words


def experiment(name: str, **metrics) -> ShownExperiment:
    results = {"metrics": metrics, "n_real": 100, "n_generated": 100, "extractor": None}
    return ShownExperiment(name, "ddpm", "data:", results)


def cells_of(task, one: ShownExperiment, main, *more) -> list:
    cohort = ShownCohort("cohort", [], None, PIXELS)
    said = Verdict("unknown", "", "", "")
    return finding(cohort, one, [one], task.METRICS, main, said, *more).cells


def test_best_value_follows_the_direction_and_needs_all_values():
    rows = side_by_side(
        {
            "a": dict(fid=entry(3.0), recall=entry(0.9, None, "higher"), kid=entry(None)),
            "b": dict(
                fid=entry(2.0),
                recall=entry(0.1, None, "higher"),
                kid=entry(1.0),
                only=entry(1),
            ),
        },
        generation.METRICS,
    )
    assert {r["metric"].name: r["best"] for r in rows} == {"fid": "b", "recall": "a", "kid": None}
    assert side_by_side({"a": {"fid": entry(3.0)}}, generation.METRICS) == []


def test_finding_is_set_beside_chance_and_doing_nothing():
    one = experiment("one", label_agreement=entry(0.5, [0.4, 0.6], "higher", chance=0.25))
    (cell,) = cells_of(generation, one, ["label_agreement"])
    assert cell.beside == ["chance 0.25"]
    ct = experiment(
        "ct",
        mae_hu=entry(40.0, [30, 50]),
        mae_hu_do_nothing=entry(60.0, [50, 70]),
        mae_hu_gain=entry(20.0, [10, 30], "higher"),
    )
    main = list(translation.MEASURES)
    (cell,) = cells_of(translation, ct, main, translation.untranslated)
    assert cell.metric.title == "MAE (HU)"
    assert cell.beside == ["untranslated 60; gain 20 (10 to 30)"]


COMPARED = {
    "n_real": 9,
    "n_generated": 9,
    "split": "test",
    "extractor": None,
    "metrics": {},
    "per_class": {"a": {"label_agreement": entry(0.5, [0.4, 0.6], "higher", chance=0.25)}},
}
NULL = {"noise": 9.0, "constant": 12.0}


def test_finding_is_set_beside_real_and_empty_images_and_its_judge():
    accuracy = entry(0.9, [0.8, 0.95], "higher", chance=0.5)
    one = experiment(
        "one",
        fid=entry(5.0, [4, 6], floor=1.0, null=NULL),
        label_agreement=entry(0.7, [0.6, 0.8], "higher", chance=0.5, judge=accuracy),
    )
    fid, agreement = cells_of(generation, one, list(generation.METRICS))
    assert fid.beside == ["real images 1; noise 9; constant 12"]
    judge = "the judge on held-out real images: balanced accuracy 0.9 (0.8 to 0.95), chance 0.5"
    assert agreement.beside == ["chance 0.5", judge]


def test_what_does_not_beat_its_nulls_is_marked_and_never_the_best():
    good, bad = ({"floor": 1.0, "null": NULL} for _ in range(2))
    rows = side_by_side(
        {
            "a": dict(fid=entry(9.5, **good), kid=entry(5.0, **good)),
            "b": dict(fid=entry(13.0, **bad), kid=entry(8.0, [6.0, 9.0], **bad)),
        },
        generation.METRICS,
    )
    fid, kid = rows
    assert {e: m.not_beaten for e, m in fid["cells"].items()} == {"a": "noise", "b": "noise"}
    assert {e: m.not_beaten for e, m in kid["cells"].items()} == {"a": None, "b": "noise"}
    assert (fid["best"], kid["best"]) == (None, "a")


def test_a_figure_without_a_baseline_is_shown_as_one():
    bare = experiment("e", fid=entry(5.0), recall=entry(0.5, null=NULL), kid=entry(None))
    results = bare.results | {"per_class": {}}
    shown = shown_results(replace(bare, results=results), generation.METRICS, ["few"])
    nothing = "No baseline: what noise or guessing reaches in FID is not known."
    assert shown["warnings"] == ["few", nothing]
    fid, *others = cells_of(generation, bare, list(generation.METRICS))
    assert fid.beside == ["no baseline"] and "no baseline" not in sum(
        [c.beside for c in others], []
    )


def test_chance_stands_in_the_tables_by_class_and_side_by_side():
    shares = {"label_agreement": entry(0.5, [0.4, 0.6], "higher", chance=0.25)}
    one = ShownExperiment("one", "ddpm", "", COMPARED)
    said = render(
        "tasks/generation/metrics.html",
        cohort="c",
        agreement="",
        rows=side_by_side({"one": shares, "two": shares}, generation.METRICS),
        results=[
            shown_results(one, generation.METRICS, [])
            | {"by_finding": by_class({"left": shares}, generation.METRICS)}
        ],
    )
    assert said.count("<small>chance 0.25</small>") == 4  # two experiments, a class, a finding


def test_telling_metrics_come_first_and_unknown_ones_last():
    def ordered(titles, *names):
        return [m.name for m in metrics_in_order(dict.fromkeys(names, entry(1.0)), titles)]

    images = ["fid", "recall", "alpha", "zeta"]
    assert ordered(generation.METRICS, "zeta", "recall", "fid", "alpha") == images
    slices = ["mae_hu", "mae_hu_do_nothing", "mae_hu_gain", "ssim"]
    assert ordered(translation.METRICS, *reversed(slices)) == slices


def test_the_longer_side_of_a_class_table_goes_down():
    scores = {"fid": entry(1.0), "recall": entry(0.5)}
    tall = by_class({"a": scores, "b": scores, "c": scores}, generation.METRICS)
    assert (tall["corner"], tall["head"]) == ("Class", ["FID", "Recall"])
    assert [name for name, _ in tall["rows"]] == ["a", "b", "c"]
    wide = by_class({"a": scores}, generation.METRICS)
    assert (wide["corner"], wide["head"]) == ("Metric", ["a"])
    assert [(name, [m.value for m in ms]) for name, ms in wide["rows"]] == [
        ("FID", [1.0]),
        ("Recall", [0.5]),
    ]
    assert by_class({}, generation.METRICS) is None


def test_warnings_fit_the_numbers():
    enough = experiment("e", recall=entry(0.5)).results
    assert generation.warnings_of(enough) == []
    (few,) = generation.warnings_of(enough | {"n_real": 99})
    assert "Only 99 real images" in few
    (biased,) = generation.warnings_of(experiment("e", fid=entry(1.0)).results | {"n_real": 9_999})
    assert "biased upwards" in biased
    (own,) = generation.warnings_of(enough | {"extractor": {"sha256": "ab"}})
    assert "not from Inception" in own


def test_every_kind_of_null_has_its_column():
    found = {
        "fid": entry(3.0, floor=1.0, null={"noise": 90.0}),
        "restored_fid": entry(2.0, null={"bicubic": 8.0}),
    }
    shown = TABLE.render(metrics=metrics_in_order(found, {}))
    head, first, second = re.findall(r"<tr>(.*?)</tr>", shown, re.DOTALL)
    assert re.findall(r'<th class="num">(\w+)', head)[-3:] == ["Real", "Noise", "Bicubic"]
    assert re.findall(r'<td class="num">([\d.]*)</td>', first)[-3:] == ["1", "90", ""]
    assert re.findall(r'<td class="num">([\d.]*)</td>', second)[-3:] == ["", "", "8"]
