"""Classifiers on the page: how often they are right about held-out patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.glossary import terms
from medsynth.tasks.viewing.metric_tables import (
    baseline_warnings,
    metrics_in_order,
    shown_metric,
)
from medsynth.tasks.viewing.subgroups import subgroup_tables
from medsynth.tasks.viewing.templates import render

METRICS = {
    "accuracy": ("Accuracy", "share of held-out images that are classified correctly"),
    "balanced_accuracy": ("Balanced accuracy", "mean of the recalls of the classes"),
    "auroc": (
        "AUROC",
        "how often an image with a finding has a higher answer than one without; mean of the"
        " findings, of which an answer that is always the prevalence reaches a half",
    ),
    "average_precision": (
        "Average precision",
        "precision over the thresholds of the images with a finding; mean of the findings, of which"
        " an answer that is always the prevalence reaches the prevalence",
    ),
}
CITED = {"balanced_accuracy": "brodersen2010", "auroc": "hanley1982"}
REFERENCES = Path(__file__).with_name("references.bib")


def view(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> View:
    """All classifiers of a cohort; they stand below the metrics that rest on them."""
    return View(
        # Those that the configuration implies are named after their cohort.
        curves=[(e.name.removeprefix(f"{cohort.name}_"), e.curves) for e in experiments],
        appendix=render(
            "tasks/classification/metrics.html",
            cohort=cohort.name,
            classifiers=[_classifier(e.results) for e in experiments],
        ),
        glossary=terms(experiments, METRICS, CITED, REFERENCES),
    )


def _classifier(results: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics and confusion (rows: truth, columns: answer) of a classifier.

    Or metrics by finding, where images have several and no single answer is the right one.
    """
    both = {
        "metrics": metrics_in_order(results["metrics"], METRICS),
        "warnings": baseline_warnings(results["metrics"], METRICS),
        "subgroups": subgroup_tables(results, METRICS),
    }
    per_class = results["per_class"]
    if "confusion" not in results:
        findings = [(name, metrics_in_order(m, METRICS)) for name, m in per_class.items()]
        return both | {"by_finding": findings}
    return both | {
        "recalls": {
            name: shown_metric("recall", entries["recall"], METRICS)
            for name, entries in per_class.items()
        },
        "confusion": dict(zip(per_class, results["confusion"], strict=True)),
    }
