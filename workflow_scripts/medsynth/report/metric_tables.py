"""The metrics of experiments as the page shows them, each beside what it has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from medsynth.metrics.standing import not_beaten
from medsynth.report.tables import number

METRICS = {  # name -> (title, what it says), most telling first
    "fid": ("FID", "Fréchet distance between the features of real and of generated images"),
    "kid": ("KID", "squared maximum mean discrepancy of the features; unbiased for any N"),
    "label_agreement": ("Label agreement", "share the classifier assigns to the class asked for"),
    "precision": ("Precision", "share of generated images that lie among the real ones"),
    "recall": ("Recall", "share of real images that lie among the generated ones"),
    "density": ("Density", "how many real neighbourhoods a generated image lies in, over k"),
    "coverage": ("Coverage", "share of real images with a generated one in their neighbourhood"),
    "inception_score": (
        "Inception score",
        "answers of the classifier are sure and diverse; one split of all N images, the real ones"
        " are held out",
    ),
    "mae_hu": ("MAE (HU)", "mean absolute error against the paired target, inside the body"),
    "psnr_db": ("PSNR (dB)", "peak signal-to-noise ratio against the paired target"),
    "ssim": ("SSIM", "structural similarity with the paired target"),
    "accuracy": ("Accuracy", "share of held-out images that are classified correctly"),
    "balanced_accuracy": ("Balanced accuracy", "mean of the recalls of the classes"),
}
BASELINE, GAIN = "_do_nothing", "_gain"
SUFFIXES = {  # of the metrics of a translation
    BASELINE: (
        ", untranslated",
        "the same measured on the source itself: what doing nothing gives",
    ),
    GAIN: (", gain", "how much better than doing nothing, from the differences within pairs"),
}
SMALL, FID_STABLE = 100, 10_000


def explain(metric: str) -> tuple[str, str]:
    """Title and meaning of a metric; one without an entry above stands for itself."""
    for suffix, (words, meaning) in SUFFIXES.items():
        if metric.endswith(suffix):
            return explain(metric.removesuffix(suffix))[0] + words, meaning
    return METRICS.get(metric, (metric.replace("_", " "), ""))


class Metric(NamedTuple):
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
    judge: str
    not_beaten: str | None


def metric_of(name: str, entry: Mapping[str, Any]) -> Metric:
    title, meaning = explain(name)
    value, interval = entry["value"], entry["interval"]
    return Metric(
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
        judge=_judge(entry["judge"]) if "judge" in entry else "",
        not_beaten=not_beaten(entry),
    )


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _judge(accuracy: Mapping[str, Any]) -> str:
    """How good the classifier is that an agreement rests on."""
    shown = metric_of("balanced_accuracy", accuracy)
    if shown.value is None:
        return f"the judge on held-out real images: unknown, {shown.reason}"
    return (
        f"the judge on held-out real images: balanced accuracy {shown.text} ({shown.interval}),"
        f" chance {shown.chance}"
    )


def beside(metric: Metric) -> str:
    """Floor and nulls in a line, empty where there are none."""
    stand = {"real images": metric.floor, **metric.null}
    return "; ".join(f"{name} {reached}" for name, reached in stand.items() if reached)


def metrics_in_order(metrics: Mapping[str, Any]) -> list[Metric]:
    """The metrics of one experiment, most telling first, unknown ones last."""
    order = list(METRICS)

    def rank(name: str) -> tuple[int, str]:
        stem = name.removesuffix(BASELINE).removesuffix(GAIN)
        return (order.index(stem) if stem in METRICS else len(order), name)

    return [metric_of(name, metrics[name]) for name in sorted(metrics, key=rank)]


def by_class(results: Mapping[str, Any]) -> dict[str, Any] | None:
    """The per_class part of a metrics.json as a table: corner, head, and rows of (name, metrics).

    Classes are the rows, unless there are more metrics than classes.
    """
    classes = {name: metrics_in_order(entries) for name, entries in results["per_class"].items()}
    if not classes:
        return None
    titles = [m.title for m in next(iter(classes.values()))]
    if len(titles) <= len(classes):
        return {"corner": "Class", "head": titles, "rows": list(classes.items())}
    by_metric = zip(titles, zip(*classes.values(), strict=True), strict=True)
    return {"corner": "Metric", "head": list(classes), "rows": list(by_metric)}


def warnings_of(results: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the numbers of one metrics.json."""
    found = []
    counts = {"real": results["n_real"], "generated": results.get("n", results["n_generated"])}
    if few := [f"{n:,} {side}" for side, n in counts.items() if n < SMALL]:
        found.append(
            f"Only {' and '.join(few)} images are compared. These values show that the pipeline"
            " works; they are no evidence about the quality of the model."
        )
    if "fid" in results["metrics"] and min(counts.values()) < FID_STABLE:
        found.append(
            f"FID is biased upwards below about {FID_STABLE:,} images a side; compare it with that"
            " of the real images beside it, which is biased alike, and only between experiments"
            " with the same N."
        )
    if results["extractor"] is not None:
        found.append(
            "Features come from all layers of this cohort's own classifier, not from Inception;"
            " the values cannot be compared with published ones."
        )
    return found


def compare(mine: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """How one value stands to another, in words that claim no more than the intervals allow."""
    a, b = mine["value"], other["value"]
    if a is None or b is None:
        return "not comparable, a value is missing"
    if a == b:
        return "equal"
    verdict = "better" if (a < b) == (mine["better"] == "lower") else "worse"
    if not (mine["interval"] and other["interval"]):
        return f"{verdict}, but without intervals"
    (a_low, a_high), (b_low, b_high) = mine["interval"], other["interval"]
    if a_low <= b_high and b_low <= a_high:
        return f"{verdict}, but the intervals overlap"
    return f"{verdict}, the intervals do not overlap"


def finding(results: Mapping[str, Any], cohort: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The key-findings row of an experiment: its main metrics beside what they must beat.

    That is real and empty images, the other experiments of the cohort, chance where it is known,
    and for translations the untranslated image.

    Args:
        results: metrics.json of the experiment.
        cohort: metrics.json of every experiment of the cohort, this one among them.
    """
    metrics = results["metrics"]
    main = [m for m in metrics_in_order(metrics) if not m.name.endswith((BASELINE, GAIN))][:3]
    cells = []
    for metric in main:
        name, others = metric.name, []
        if stand := beside(metric):
            others.append(stand)
        if f"{name}{BASELINE}" in metrics:
            nothing = metric_of(name, metrics[f"{name}{BASELINE}"])
            gain = metric_of(name, metrics[f"{name}{GAIN}"])
            others.append(f"untranslated {nothing.text}; gain {gain.text} ({gain.interval})")
        if metric.chance:
            others.append(f"chance {metric.chance}")
        if metric.judge:
            others.append(metric.judge)
        for other in cohort:
            if other["experiment"] != results["experiment"] and name in other["metrics"]:
                theirs = other["metrics"][name]
                text = metric_of(name, theirs).text
                others.append(f"{other['experiment']} {text}: {compare(metrics[name], theirs)}")
        cells.append({"metric": metric, "beside": others})
    return {"results": results, "cells": cells}


def side_by_side(cohort: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The metrics that several experiments of a cohort share, one row each; [] for one experiment.

    ``best`` names the experiment with the best value, None where any value is missing or equal, or
    where the best does not beat images that show nothing.
    """
    if len(cohort) < 2:
        return []
    shared = set.intersection(*(set(r["metrics"]) for r in cohort))
    rows = []
    for metric in metrics_in_order(cohort[0]["metrics"]):
        if metric.name not in shared:
            continue
        cells = {r["experiment"]: metric_of(metric.name, r["metrics"][metric.name]) for r in cohort}
        values = [m.value for m in cells.values()]
        best = None
        if None not in values and len(set(values)) == len(values):
            pick = min if metric.better == "lower" else max
            best = pick(cells, key=lambda e: cells[e].value)
            best = None if cells[best].not_beaten else best
        rows.append({"metric": metric, "cells": cells, "best": best})
    return rows
