"""The metrics of experiments as the page shows them, each beside what it has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from medsynth.metrics.baselines import not_beaten, without_baseline
from medsynth.metrics.intervals import Metric, loss
from medsynth.tasks.viewing.numbers import number
from medsynth.tasks.viewing.verdicts import standing

Titles = Mapping[str, tuple[str, str]]  # metric -> (title, what it says), most telling first
SMALL = 100


class ShownMetric(NamedTuple):
    """One number of a metrics.json, ready to be shown."""

    name: str
    title: str
    meaning: str
    value: float | None
    text: str
    interval: str
    better: str
    chance: str
    reason: str
    floor: str
    null: dict[str, str]
    classifier: str
    not_beaten: str | None


def shown_metric(name: str, entry: Metric, titles: Titles) -> ShownMetric:
    """A metric under its title; one without a title stands for itself."""
    title, meaning = titles.get(name, (name.replace("_", " "), ""))
    value, interval = entry["value"], entry["interval"]
    return ShownMetric(
        name=name,
        title=title,
        meaning=meaning,
        value=value,
        text="—" if value is None else number(value),
        interval=f"{number(interval[0])} to {number(interval[1])}" if interval else "—",
        better=entry["better"],
        chance=_number(entry.get("chance")),
        reason=entry["reason"] or "",
        floor=_number(entry.get("floor")),
        null={kind: number(reached) for kind, reached in entry.get("null", {}).items()},
        classifier=_accuracy(entry["judge"]) if "judge" in entry else "",
        not_beaten=not_beaten(entry),
    )


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _accuracy(balanced: Metric) -> str:
    """How good the classifier is that an agreement rests on."""
    shown, figure = shown_metric("", balanced, {}), balanced.get("figure", "balanced accuracy")
    if shown.value is None:
        return f"the judge on held-out real images: unknown, {shown.reason}"
    return (
        f"the judge on held-out real images: {figure} {shown.text} ({shown.interval}), chance"
        f" {shown.chance}"
    )


def baselines_of(metric: ShownMetric) -> str:
    """What a metric has to beat in a line: floor, nulls and chance; empty where it has none."""
    reached = {"real images": metric.floor, **metric.null, "chance": metric.chance}
    return "; ".join(f"{name} {value}" for name, value in reached.items() if value)


def baseline_warnings(metrics: Mapping[str, Metric], titles: Titles) -> list[str]:
    """A warning that names the metrics which have nothing beside them; [] if all have."""
    titled = [shown_metric(name, metrics[name], titles).title for name in without_baseline(metrics)]
    if not titled:
        return []
    return [f"No baseline: what noise or guessing reaches in {', '.join(titled)} is not known."]


def metrics_in_order(metrics: Mapping[str, Metric], titles: Titles) -> list[ShownMetric]:
    """The metrics of one experiment in the order of the titles, those without one last."""
    order = {name: k for k, name in enumerate(titles)}
    names = sorted(metrics, key=lambda name: (order.get(name, len(order)), name))
    return [shown_metric(name, metrics[name], titles) for name in names]


def by_class(
    per_class: Mapping[str, Mapping[str, Metric]], titles: Titles
) -> dict[str, Any] | None:
    """The per_class part of a metrics.json as a table: corner, head, and rows of (name, metrics).

    Classes are the rows, unless there are more metrics than classes.
    """
    classes = {name: metrics_in_order(entries, titles) for name, entries in per_class.items()}
    if not classes:
        return None
    head = [m.title for m in next(iter(classes.values()))]
    if len(head) <= len(classes):
        return {"corner": "Class", "head": head, "rows": list(classes.items())}
    by_metric = zip(head, zip(*classes.values(), strict=True), strict=True)
    return {"corner": "Metric", "head": list(classes), "rows": list(by_metric)}


def small_numbers(n_real: int, n_generated: int) -> list[str]:
    """What a reader must know before believing a comparison of few images; [] for enough."""
    counts = {"real": n_real, "generated": n_generated}
    few = [f"{n:,} {side}" for side, n in counts.items() if n < SMALL]
    if not few:
        return []
    return [no_evidence(f"{' and '.join(few)} images are compared")]


def no_evidence(rest_on: str) -> str:
    """What is to be thought of figures that rest on so few."""
    return (
        f"Only {rest_on}. These values show that the pipeline works; they are no evidence about the"
        " quality of the model."
    )


def compare(mine: Metric, other: Metric) -> str:
    """How one value stands to another, in words that claim no more than the intervals allow."""
    a, b = mine["value"], other["value"]
    if a is None or b is None:
        return "not comparable, a value is missing"
    if a == b:
        return "equal"
    verdict = "better" if loss(mine, a) < loss(mine, b) else "worse"
    if not (mine["interval"] and other["interval"]):
        return f"{verdict}, but without intervals"
    if not standing(mine, other):
        return f"{verdict}, but the intervals overlap"
    return f"{verdict}, the intervals do not overlap"


def compared_with(
    metric: str, experiment: str, metrics: Mapping[str, Mapping[str, Metric]]
) -> list[str]:
    """How a metric of one experiment stands to that of every other which has it, a line each.

    Args:
        metric: its name in a metrics.json.
        experiment: whose it is.
        metrics: the metrics of every experiment, by the experiment's name.
    """
    mine = metrics[experiment][metric]
    return [
        f"{other} {shown_metric(metric, theirs[metric], {}).text}: {compare(mine, theirs[metric])}"
        for other, theirs in metrics.items()
        if other != experiment and metric in theirs
    ]


def side_by_side(
    metrics: Mapping[str, Mapping[str, Metric]], titles: Titles
) -> list[dict[str, Any]]:
    """The metrics that several experiments share, one row each; [] for one experiment.

    ``best`` names the experiment with the best value, None where any value is missing or equal, or
    where the best does not beat images that show nothing.

    Args:
        metrics: the metrics of every experiment, by the experiment's name.
    """
    if len(metrics) < 2:
        return []
    shared = set.intersection(*map(set, metrics.values()))
    rows = []
    for metric in metrics_in_order(next(iter(metrics.values())), titles):
        if metric.name not in shared:
            continue
        cells = {
            experiment: shown_metric(metric.name, entries[metric.name], titles)
            for experiment, entries in metrics.items()
        }
        losses = {
            e: loss(metrics[e][metric.name], m.value)
            for e, m in cells.items()
            if m.value is not None
        }
        best = None
        if len(set(losses.values())) == len(cells):
            best = min(losses, key=losses.__getitem__)
            best = None if cells[best].not_beaten else best
        rows.append({"metric": metric, "cells": cells, "best": best})
    return rows
