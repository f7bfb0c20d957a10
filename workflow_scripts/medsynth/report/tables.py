"""From artifacts on disk to the rows that the page shows. No layout here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from medsynth.cohorts.unusable import REASONS
from medsynth.report.figures import COLORS, INK, Node
from medsynth.store.manifests import EXCLUDED, QUARANTINED, used
from medsynth.store.secrets import without_secrets

KINDS = {  # cohort kind -> what its source files, groups and items are called
    "mimic_cxr": ("DICOM files", "Studies", "Radiographs"),
    "slides": ("Slide files", "Slides", "Tiles"),
    "ct": ("DICOM files", "Series", "Slices"),
}
SPLITS = ("train", "validate", "test")
SPLIT_COLORS = {"train": "#2b5c8a", "validate": "#6f93b5", "test": "#3c8d7e"}
STATUS_COLORS = {EXCLUDED: "#a9b2bc", QUARANTINED: "#a8465a"}

METRICS = {  # name -> (title, what it says), most telling first
    "fid": ("FID", "Fréchet distance between the features of real and of generated images"),
    "kid": ("KID", "squared maximum mean discrepancy of the features; unbiased for any N"),
    "label_agreement": ("Label agreement", "share the classifier assigns to the class asked for"),
    "precision": ("Precision", "share of generated images that lie among the real ones"),
    "recall": ("Recall", "share of real images that lie among the generated ones"),
    "inception_score": ("Inception score", "answers of the classifier are sure and diverse"),
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


def number(value: float) -> str:
    """Four significant digits; whole numbers with thousands separators."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def without_credentials(text: str) -> str:
    """User names and passwords, as in `scheme://user:password@host`, replaced by dots."""
    return without_secrets(text, mark="…")


def patients(n: int) -> str:
    return f"{n:,} patient{'' if n == 1 else 's'}"


# --- data flow -------------------------------------------------------------------------------


def cohort_counts(kind: str, manifest: pd.DataFrame) -> list[tuple[str, int]]:
    """What the used items consist of: (name, count), without naming any of them."""
    kept = used(manifest)
    sources, groups, items = KINDS[kind]
    return [
        (f"{sources} used", kept["source"].nunique()),
        ("Patients", kept["patient"].nunique()),
        (groups, kept["group"].nunique()),
        (f"{items} used", len(kept)),
    ]


def split_rows(summary: Mapping[str, Any], manifest: pd.DataFrame) -> list[dict[str, Any]]:
    """Items and patients by split, and items by class in each."""
    distinct = used(manifest).groupby("split")["patient"].nunique()
    rows = []
    for split in SPLITS:
        cells = {r["label"]: r for r in summary["by_label_split"] if r["split"] == split}
        items = sum(r["items"] for r in cells.values())
        rows.append(
            {
                "split": split,
                "patients": int(distinct.get(split, 0)),
                "items": items,
                "cells": cells,
            }
        )
    return rows


def flow_of(summary: Mapping[str, Any], splits: Sequence[Mapping[str, Any]]) -> tuple[list, list]:
    """Nodes and links of the flow: raw items, what became of them, splits, classes."""
    items, labels = summary["items"], labels_of(summary)
    nodes = [Node("raw items", 0, items["in"], INK), Node("used", 1, items["used"], "#2b5c8a")]
    links = [(0, 1, items["used"])]
    for row in splits:
        color = SPLIT_COLORS[row["split"]]
        nodes.append(Node(row["split"], 2, row["items"], color, patients(row["patients"])))
        links.append((1, len(nodes) - 1, row["items"]))
    first_class = len(nodes)
    for k, label in enumerate(labels):
        count = sum(row["cells"][label]["items"] for row in splits if label in row["cells"])
        nodes.append(Node(label, 3, count, COLORS[(k + 1) % len(COLORS)]))
    for k, row in enumerate(splits):
        for label, cell in row["cells"].items():
            links.append((2 + k, first_class + labels.index(label), cell["items"]))
    for status, color in STATUS_COLORS.items():
        if items[status]:
            nodes.append(Node(status, 1, items[status], color))
            parent = len(nodes) - 1
            links.append((0, parent, items[status]))
            for reason in (r for r in reason_rows(summary) if r["status"] == status):
                nodes.append(Node(reason["reason"].replace("_", " "), 2, reason["n"], color))
                links.append((parent, len(nodes) - 1, reason["n"]))
    return nodes, links


def labels_of(summary: Mapping[str, Any]) -> list[str]:
    return sorted({r["label"] for r in summary["by_label_split"]})


def reason_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Why items were left out, most frequent first, with what the reason means."""
    rows = sorted(summary["reasons"], key=lambda r: (r["status"], -r["n"], r["reason"]))
    return [row | {"meaning": REASONS.get(row["reason"], "")} for row in rows]


# --- metrics ---------------------------------------------------------------------------------


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
        chance=number(entry["chance"]) if "chance" in entry else "",
        reason=entry["reason"] or "",
    )


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
    counts = {"real": results["n_real"], "generated": results["n_generated"]}
    if few := [f"{n:,} {side}" for side, n in counts.items() if n < SMALL]:
        found.append(
            f"Only {' and '.join(few)} images. These values show that the pipeline works; they"
            " are no evidence about the quality of the model."
        )
    if "fid" in results["metrics"] and min(counts.values()) < FID_STABLE:
        found.append(
            f"FID is biased upwards below about {FID_STABLE:,} images a side; compare it only"
            " between experiments with the same N."
        )
    if results["extractor"] is not None:
        found.append(
            "Features come from this cohort's own classifier, not from Inception; the values"
            " cannot be compared with published ones."
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

    That is the other experiments of the cohort, chance where it is known, and for translations
    the untranslated image.

    Args:
        results: metrics.json of the experiment.
        cohort: metrics.json of every experiment of the cohort, this one among them.
    """
    metrics = results["metrics"]
    main = [m for m in metrics_in_order(metrics) if not m.name.endswith((BASELINE, GAIN))][:3]
    cells = []
    for metric in main:
        name, beside = metric.name, []
        if f"{name}{BASELINE}" in metrics:
            nothing = metric_of(name, metrics[f"{name}{BASELINE}"])
            gain = metric_of(name, metrics[f"{name}{GAIN}"])
            beside.append(f"untranslated {nothing.text}; gain {gain.text} ({gain.interval})")
        if metric.chance:
            beside.append(f"chance {metric.chance}")
        for other in cohort:
            if other["experiment"] != results["experiment"] and name in other["metrics"]:
                theirs = other["metrics"][name]
                text = metric_of(name, theirs).text
                beside.append(f"{other['experiment']} {text}: {compare(metrics[name], theirs)}")
        cells.append({"metric": metric, "beside": beside})
    return {"results": results, "cells": cells}


def side_by_side(cohort: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The metrics that several experiments of a cohort share, one row each; [] for one experiment.

    ``best`` names the experiment with the best value, None where any value is missing or equal.
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
        rows.append({"metric": metric, "cells": cells, "best": best})
    return rows
