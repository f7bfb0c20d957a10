"""What the figures of predicted patients allow to be said of the experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medsynth.metrics.baselines import above_chance
from medsynth.metrics.intervals import Metric
from medsynth.tasks.viewing.contract import ShownExperiment
from medsynth.tasks.viewing.metric_tables import SMALL, Titles, baselines_of, shown_metric
from medsynth.tasks.viewing.verdicts import Grade, Verdict, listed, sentence

FIGURES = ("auroc", "cindex")
LINEAR = {"elastic_net": "the linear model of all tables", "age_sex": "age and sex"}
BASELINE = "linear models"


def figure_of(metrics: Mapping[str, Metric]) -> str:
    """The figure that an experiment is judged by."""
    return next(name for name in FIGURES if name in metrics)


def verdict(experiment: ShownExperiment, titles: Titles) -> Verdict:
    """The verdict on one experiment beside guessing, linear models and each modality alone."""
    results = experiment.results
    metrics, modalities = results["metrics"], results["modalities"]
    name = figure_of(metrics)
    own = shown_metric(name, metrics[name], titles)
    figures = f"{own.title} {own.text} ({own.interval}), {baselines_of(own)}"
    if not metrics[name]["interval"]:
        said = sentence("no figure with an interval", own.reason)
        return Verdict("unknown", said, figures, BASELINE)
    gains = {
        other: _sign(gain)
        for other in (*LINEAR, *modalities)
        if (gain := metrics.get(f"{name}_over_{other}"))
    }
    linear = [other for other in LINEAR if other in gains]
    guessed = not above_chance(metrics[name])

    def those(sign: int, others: Sequence[str], alone: bool) -> str:
        chosen = [o for o in others if gains[o] == sign]
        words = [f"{o} alone" if alone else LINEAR[o] for o in chosen]
        return listed(words, "and" if sign else "or") if words else ""

    text = sentence(
        "not shown to beat guessing" if guessed else "beats guessing",
        *(_clause(sign, those(sign, linear, False)) for sign in (1, 0, -1)),
        *(_clause(sign, those(sign, modalities, True)) for sign in (1, 0, -1)),
        "" if linear else "no table of patients to fit a linear model to",
        f"on {results['n_real']:,} patients, too few to speak of quality"
        if results["n_real"] < SMALL
        else "",
    )
    signs = [gains[other] for other in linear]
    grade: Grade = "better"
    if -1 in signs:
        grade = "worse"
    elif guessed or 0 in signs or not signs:
        grade = "unproven"
    return Verdict(grade, text, figures, BASELINE)


def _clause(sign: int, others: str) -> str:
    start = {1: "better than", 0: "not told apart from", -1: "worse than"}[sign]
    return f"{start} {others}" if others else ""


def _sign(gain: Metric) -> int:
    """1 where the interval of a gain is above 0, -1 below, 0 around it."""
    if not gain["interval"]:
        return 0
    low, high = gain["interval"]
    return 1 if low > 0 else -1 if high < 0 else 0
