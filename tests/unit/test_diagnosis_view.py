"""What the page says of diagnoses: claims by the intervals of gains, every row beside them."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from medsynth.imaging.scale import PIXELS
from medsynth.metrics.baselines import with_chance
from medsynth.tasks.diagnosis.verdict import verdict
from medsynth.tasks.diagnosis.view import MEASURES, view
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment


def entry(value, interval, **more):
    return {"value": value, "interval": interval, "better": "higher", "reason": None, **more}


def experiment(gains, own=(0.8, [0.7, 0.9]), figure="auroc", **more):
    """An experiment whose fusion has these gains over what stands beside it."""
    metrics = {figure: with_chance(entry(*own), 0.5)}
    for name, interval in gains.items():
        metrics[f"{figure}_{name}"] = with_chance(entry(0.7, [0.6, 0.8]), 0.5)
        metrics[f"{figure}_over_{name}"] = entry(0.1, interval, null={"no gain": 0.0})
    part = {"mean": 0.1, "mean_size": 0.2, "patients": 300}
    results = {
        "metrics": metrics,
        "per_class": {},
        "n_real": 300,
        "n_generated": 300,
        "folds": 5,
        "target": "label",
        "split": "each fold's",
        "modalities": [m for m in ("image", "genes") if m in gains],
        "age_sex": ["age"],
        "patients_of_several_classes": 0,
        "columns_judged": "of 3 columns 3 were judged",
        "shapley": {"image": part, "genes": part | {"patients": 250}},
    }
    return ShownExperiment("one", "fusion", Markup(), results | more)


BETTER, SAME, WORSE = [0.02, 0.2], [-0.1, 0.2], [-0.2, -0.02]


@pytest.mark.parametrize(
    ("gains", "grade", "words"),
    [
        ({"elastic_net": BETTER, "image": BETTER}, "better", "better than the linear model"),
        ({"elastic_net": SAME, "age_sex": BETTER}, "unproven", "not told apart from the linear"),
        ({"elastic_net": WORSE, "genes": SAME}, "worse", "worse than the linear model"),
        ({"image": BETTER}, "unproven", "no table of patients to fit a linear model to"),
    ],
)
def test_a_claim_is_made_by_the_interval_of_the_gain(gains, grade, words):
    found = verdict(experiment(gains), MEASURES)
    assert (found.grade, words in found.text) == (grade, True)


def test_who_does_not_beat_guessing_is_no_better_than_a_linear_model_that_is_worse():
    found = verdict(experiment({"elastic_net": BETTER}, own=(0.6, [0.45, 0.7])), MEASURES)
    assert (found.grade, found.text[:28]) == ("unproven", "Not shown to beat guessing; ")
    none = verdict(experiment({}, own=(None, None)), MEASURES)
    assert none.grade == "unknown"


def test_the_page_shows_every_row_and_how_many_have_each_modality():
    one = experiment({"image": SAME, "genes": SAME, "elastic_net": SAME}, figure="cindex", events=9)
    shown = view(ShownCohort("c", [], None, PIXELS), [one])
    for words in ("fusion", "image alone", "genes alone", "Cox of all tables", "250 patients"):
        assert words in shown.pictures
    assert "9 events of 300 patients" in shown.metrics
    assert "Columns that are the target: of 3 columns 3 were judged." in shown.metrics
    (finding,) = shown.findings
    assert finding.judged == "300 patients, each by a model of other folds"
    assert [line.split(" 0")[0] for line in finding.cells[0].beside[1:]] == [
        "image alone", "genes alone", "Cox of all tables"
    ]  # fmt: skip


def test_what_few_patients_add_is_withheld_on_the_page():
    none = {"mean": None, "mean_size": None, "patients": 3}
    shown = view(
        ShownCohort("c", [], None, PIXELS), [experiment({"genes": SAME}, shapley={"genes": none})]
    )
    assert "genes (3 patients)" in shown.pictures and "withheld" in shown.pictures
