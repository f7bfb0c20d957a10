"""Experiments whose images are compared with real ones: their findings and tables of metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from medsynth.metrics.baselines import without_baseline
from medsynth.tasks.viewing.contract import (
    Finding,
    FindingCell,
    ShownCohort,
    ShownExperiment,
    View,
)
from medsynth.tasks.viewing.glossary import terms
from medsynth.tasks.viewing.metric_tables import (
    ShownMetric,
    Titles,
    baseline_warnings,
    baselines_of,
    by_class,
    compared_with,
    metrics_in_order,
    side_by_side,
)
from medsynth.tasks.viewing.subgroups import subgroup_tables
from medsynth.tasks.viewing.templates import render
from medsynth.tasks.viewing.verdicts import Verdict

MAIN = 3  # metrics in a row of the key findings


class Figures(NamedTuple):
    """What the experiments of a task may be judged by.

    Attributes:
        titles: of all, most telling first.
        main: names of those that may stand in the key findings.
        cited: name -> key of the BibTeX entry in `references` that defines it.
        references: a file of the task.
    """

    titles: Titles
    main: Sequence[str]
    cited: Mapping[str, str]
    references: Path


def _no_more(experiment: ShownExperiment, metric: ShownMetric) -> list[str]:
    return []


def finding(
    cohort: ShownCohort,
    experiment: ShownExperiment,
    experiments: Sequence[ShownExperiment],
    titles: Titles,
    main: Sequence[str],
    verdict: Verdict,
    more: Callable[[ShownExperiment, ShownMetric], list[str]] = _no_more,
) -> Finding:
    """The main metrics of an experiment beside what they must beat.

    That is real and empty images or chance, what the task adds, and the other experiments of the
    task on the cohort.

    Args:
        experiments: all of the task on the cohort, this one among them.
        main: names of metrics that may stand here; the first three that there are do.
        verdict: what they allow to be said.
        more: the lines that the task adds to a metric.
    """
    metrics = {e.name: e.results["metrics"] for e in experiments}
    shown = metrics_in_order(metrics[experiment.name], titles)
    cells, bare = [], without_baseline(metrics[experiment.name])
    for metric in [m for m in shown if m.name in main][:MAIN]:
        beside = [baselines_of(metric), *more(experiment, metric), metric.classifier]
        beside += ["no baseline"] if metric.name in bare else []
        beside += compared_with(metric.name, experiment.name, metrics)
        cells.append(FindingCell(metric, [line for line in beside if line]))
    n = experiment.results["n_real"], experiment.results["n_generated"]
    return Finding(experiment.name, experiment.family, cohort.name, *n, cells, verdict)


def shown_results(
    experiment: ShownExperiment, titles: Titles, warnings: list[str]
) -> dict[str, Any]:
    """The numbers of an experiment as the macro ``experiment`` of macros.html shows them."""
    return {
        "name": experiment.name,
        "family": experiment.family,
        "json": experiment.results,
        "metrics": metrics_in_order(experiment.results["metrics"], titles),
        "by_class": by_class(experiment.results["per_class"], titles),
        "warnings": warnings + baseline_warnings(experiment.results["metrics"], titles),
        "subgroups": subgroup_tables(experiment.results, titles),
    }


def compared_view(
    cohort: ShownCohort,
    experiments: Sequence[ShownExperiment],
    figures: Figures,
    template: str,
    verdict: Callable[[ShownExperiment], Verdict],
    warnings: Callable[[ShownExperiment], list[str]],
    *,
    parts: Callable[[ShownExperiment], dict[str, Any]] = lambda experiment: {},
    more: Callable[[ShownExperiment, ShownMetric], list[str]] = _no_more,
    **shown: Any,
) -> View:
    """The experiments of a task, side by side; the task adds its pictures.

    Args:
        figures: that the experiments may have.
        template: of the metrics, which gets cohort, results, rows and `shown`.
        verdict, warnings: of an experiment.
        parts: what the template gets of an experiment beside :func:`shown_results`.
        more: as of :func:`finding`.
    """
    titles, metrics = figures.titles, {e.name: e.results["metrics"] for e in experiments}
    return View(
        curves=[(f"{e.name} ({e.family})", e.curves) for e in experiments],
        findings=[
            finding(cohort, e, experiments, titles, figures.main, verdict(e), more)
            for e in experiments
        ],
        metrics=render(
            template,
            cohort=cohort.name,
            results=[shown_results(e, titles, warnings(e)) | parts(e) for e in experiments],
            rows=side_by_side(metrics, titles),
            **shown,
        ),
        glossary=terms(experiments, titles, figures.cited, figures.references),
    )
