"""Experiments whose images are compared with real ones: their findings and tables of metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from medsynth.metrics.baselines import without_baseline
from medsynth.tasks.viewing.contract import Finding, FindingCell, ShownCohort, ShownExperiment
from medsynth.tasks.viewing.metric_tables import (
    ShownMetric,
    Titles,
    baseline_warnings,
    baselines_of,
    by_class,
    compared_with,
    metrics_in_order,
)
from medsynth.tasks.viewing.subgroups import subgroup_tables
from medsynth.tasks.viewing.verdicts import Verdict

MAIN = 3  # metrics in a row of the key findings


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
