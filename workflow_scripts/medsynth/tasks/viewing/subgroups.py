"""Metrics of subgroups on the page: a table a covariate, and the largest gap in every metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from medsynth.tasks.viewing.metric_tables import ShownMetric, Titles, metrics_in_order, shown_metric
from medsynth.tasks.viewing.templates import render


def subgroup_tables(results: Mapping[str, Any], titles: Titles) -> Markup:
    """HTML of the subgroups of a metrics.json, empty without any.

    Args:
        titles: of the metrics, as for the tables of all images.
    """
    if not (found := results.get("subgroups")):
        return Markup()
    gaps, gaps_per_class = results["subgroup_gaps"], results.get("subgroup_gaps_per_class", {})
    return render(
        "tasks/viewing/subgroups.html",
        covariates=[
            {
                "name": name.replace("_", " "),
                "groups": groups,
                "n": {g["n"] for g in groups.values() if g.get("n")},
                "of_all": any(g.get("generated") == "all" for g in groups.values()),
                "rows": [
                    _row(metric, groups, gaps[name][metric.name], titles)
                    for metric in metrics_in_order(gaps[name], titles)
                ],
                "compared": next((g["compared"] for g in groups.values() if "compared" in g), []),
                "by_class": [
                    _row(metric, _of_class(groups, label), of_class[metric.name], titles)
                    | {"label": label}
                    for label, of_class in gaps_per_class.get(name, {}).items()
                    for metric in metrics_in_order(of_class, titles)
                ],
            }
            for name, groups in found.items()
        ],
    )


def _of_class(groups: Mapping[str, Any], label: str) -> dict[str, Any]:
    """The metrics of one class in every group."""
    return {
        name: {"metrics": group["per_class"][label] if "per_class" in group else {}}
        for name, group in groups.items()
    }


def _row(
    gap: ShownMetric, groups: Mapping[str, Any], entry: Mapping[str, Any], titles: Titles
) -> dict[str, Any]:
    """A metric in every group, None where it is not judged, and its largest gap."""
    cells = [
        shown_metric(gap.name, group["metrics"][gap.name], titles) if group["metrics"] else None
        for group in groups.values()
    ]
    return {"gap": gap, "cells": cells, "best": entry.get("best"), "worst": entry.get("worst")}
