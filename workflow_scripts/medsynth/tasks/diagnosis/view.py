"""Predicted patients on the page: the fusion beside what it must beat, and what each part adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from markupsafe import Markup

from medsynth.tasks.diagnosis.verdict import figure_of, verdict
from medsynth.tasks.viewing.comparison import finding, shown_results
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.figures import COLORS
from medsynth.tasks.viewing.glossary import terms
from medsynth.tasks.viewing.metric_tables import (
    SMALL,
    ShownMetric,
    Titles,
    no_evidence,
    shown_metric,
)
from medsynth.tasks.viewing.numbers import number, patients
from medsynth.tasks.viewing.templates import render

MEASURES = {
    "auroc": (
        "AUROC",
        "how often, of two patients of a fold, the one of a class has the higher probability of it;"
        " of more than two classes the mean",
    ),
    "cindex": (
        "c-index",
        "how often, of two patients of a fold, the one who had the event first has the higher risk",
    ),
}
OTHERS = {
    "accuracy": ("Accuracy", "share of patients whose class is told; chance is the most frequent"),
    "balanced_accuracy": ("Balanced accuracy", "mean of the recalls of the classes"),
}
BASELINES = {"elastic_net": "elastic net of all tables", "age_sex": "age and sex"}
CITED = {"auroc": "hanley1982", "cindex": "harrell1996", "balanced_accuracy": "brodersen2010"}
NOTE = (
    "<p>Diagnoses are of all patients of a cohort, whatever their split: each is told by a model"
    " that was trained, and whose step was chosen, on patients of other folds.</p>"
)
REFERENCES = Path(__file__).with_name("references.bib")


def view(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> View:
    """All experiments that predict the patients of a cohort."""
    titles = {e.name: _titles(e.results) for e in experiments}
    return View(
        curves=[(f"{e.name} ({e.family})", e.curves) for e in experiments],
        findings=[
            replace(
                finding(
                    cohort, e, [e], titles[e.name], [*MEASURES, *OTHERS],
                    verdict(e, titles[e.name]), _beside,
                ),
                judged=f"{patients(e.results['n_real'])}, each by a model of other folds",
            )
            for e in experiments
        ],
        pictures=Markup().join(_figure(e, titles[e.name]) for e in experiments),
        note=Markup(NOTE),
        metrics=render(
            "tasks/diagnosis/metrics.html",
            results=[shown_results(e, titles[e.name], _warnings(e.results)) for e in experiments],
        ),
        glossary=terms(experiments, MEASURES | OTHERS, CITED, REFERENCES),
    )  # fmt: skip


def _systems(results: Mapping[str, Any]) -> dict[str, str]:
    """What stands beside the fusion, by its name in the metrics: its name for people."""
    name = figure_of(results["metrics"])
    linear = BASELINES if name == "auroc" else BASELINES | {"elastic_net": "Cox of all tables"}
    named = {m: f"{m} alone" for m in results["modalities"]} | linear
    return {key: words for key, words in named.items() if f"{name}_{key}" in results["metrics"]}


def _titles(results: Mapping[str, Any]) -> Titles:
    """The figures of an experiment, first its own, then those of others, then its gains."""
    name = figure_of(results["metrics"])
    title, meaning = MEASURES[name]
    found = {name: (title, meaning)} | OTHERS
    for key, words in _systems(results).items():
        found[f"{name}_{key}"] = (f"{title}, {words}", "the same patients and folds")
    for key, words in _systems(results).items():
        found[f"{name}_over_{key}"] = (
            f"{title}, gain over {words}",
            "how much better the fusion is in the same resamples of patients",
        )
    return found


def _beside(experiment: ShownExperiment, metric: ShownMetric) -> list[str]:
    """What the parts and the linear models reach in the main figure."""
    metrics, name = experiment.results["metrics"], figure_of(experiment.results["metrics"])
    if metric.name != name:
        return []
    systems = _systems(experiment.results)
    shown = [shown_metric(words, metrics[f"{name}_{key}"], {}) for key, words in systems.items()]
    return [f"{other.name} {other.text} ({other.interval})" for other in shown]


def _figure(experiment: ShownExperiment, titles: Titles) -> Markup:
    """Bars of the figure, of the fusion and of all beside it, and of the Shapley values."""
    results = experiment.results
    name = figure_of(results["metrics"])
    rows = [("fusion", results["metrics"][name], COLORS[0])]
    for key, words in _systems(results).items():
        color = COLORS[1] if key in results["modalities"] else COLORS[2]
        rows.append((words, results["metrics"][f"{name}_{key}"], color))
    shapley = results["shapley"]
    longest = max(of["mean_size"] or 0.0 for of in shapley.values()) or 1.0
    return render(
        "tasks/diagnosis/figure.html",
        name=experiment.name,
        title=titles[name][0],
        rows=rows,
        shapley=[
            (m, 100 * (of["mean_size"] or 0) / longest, _size(of["mean_size"]), of["patients"])
            for m, of in shapley.items()
        ],
        of="the log risk" if name == "cindex" else "the probability of the predicted class",
        n=results["n_real"],
    )


def _size(value: float | None) -> str:
    return "withheld" if value is None else number(value)


def _warnings(results: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the numbers."""
    found = []
    if results["n_real"] < SMALL:
        found.append(no_evidence(f"{results['n_real']:,} patients are predicted"))
    if n := results["patients_of_several_classes"]:
        found.append(f"{n:,} patients with images of several classes are left out.")
    if not results["age_sex"]:
        found.append("No column is called age or sex: what these alone tell is not known.")
    if "events" in results:
        found.append(
            f"{results['events']:,} events of {results['n_real']:,} patients, the others are"
            " censored. That the event is what the configuration takes for it, nothing here shows."
        )
    return found
