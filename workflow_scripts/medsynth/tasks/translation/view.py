"""Translated CT slices on the page: beside source and target, and against doing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from medsynth.imaging.grids import Direction, caption_of, translation_figure
from medsynth.imaging.scale import pixels_of_fields
from medsynth.tasks.viewing.comparison import finding, shown_results
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.figures import png_uri
from medsynth.tasks.viewing.metric_tables import (
    ShownMetric,
    shown_metric,
    side_by_side,
    small_numbers,
)
from medsynth.tasks.viewing.strips import evenly_spread
from medsynth.tasks.viewing.templates import render

MEASURES = {
    "mae_hu": ("MAE (HU)", "mean absolute error against the paired target, inside the body"),
    "psnr_db": ("PSNR (dB)", "peak signal-to-noise ratio against the paired target"),
    "ssim": ("SSIM", "structural similarity with the paired target"),
}
BASELINE, GAIN = "_do_nothing", "_gain"
SUFFIXES = {
    "": ("", None),
    BASELINE: (
        ", untranslated",
        "the same measured on the source itself: what doing nothing gives",
    ),
    GAIN: (", gain", "how much better than doing nothing, from the differences within pairs"),
}
METRICS = {
    name + suffix: (title + words, other or meaning)
    for name, (title, meaning) in MEASURES.items()
    for suffix, (words, other) in SUFFIXES.items()
}
SLICES_PER_DIRECTION = 3


def view(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> View:
    """All experiments that translate the slices of a cohort."""
    metrics = {e.name: e.results["metrics"] for e in experiments}
    results = [
        shown_results(e, METRICS, small_numbers(e.results["n_real"], e.results["n_generated"]))
        for e in experiments
    ]
    return View(
        curves=[(f"{e.name} ({e.family})", e.curves) for e in experiments],
        findings=[
            finding(cohort, e, experiments, METRICS, list(MEASURES), untranslated)
            for e in experiments
        ],
        pictures=render(
            "tasks/translation/pictures.html",
            pictures=[picture for e in experiments for picture in _pictures(cohort, e)],
        ),
        metrics=render(
            "tasks/translation/metrics.html",
            cohort=cohort.name,
            results=results,
            rows=side_by_side(metrics, METRICS),
        ),
    )


def untranslated(experiment: ShownExperiment, metric: ShownMetric) -> list[str]:
    """What doing nothing reaches, and how much better the translation is; [] if not measured."""
    metrics = experiment.results["metrics"]
    if metric.name + BASELINE not in metrics:
        return []
    nothing, gain = (
        shown_metric(metric.name + suffix, metrics[metric.name + suffix], METRICS)
        for suffix in (BASELINE, GAIN)
    )
    return [f"untranslated {nothing.text}; gain {gain.text} ({gain.interval})"]


def _pictures(cohort: ShownCohort, experiment: ShownExperiment) -> list[dict[str, Any]]:
    """One picture for each direction: source, translated, target if there is one, difference."""
    store, samples = cohort.images, experiment.generated
    position = pd.Series(np.arange(len(store)), index=store.manifest["item_id"])
    found = []
    for label, rows in samples.table.reset_index().groupby("label", sort=True):
        paired = rows[rows["target_item"].notna()]
        rows = paired if len(paired) else rows
        rows = rows.iloc[evenly_spread(len(rows), SLICES_PER_DIRECTION)]
        places = position[rows["source_item"]]
        source = store.read(places)
        fields = store.manifest.get("field_mm", pd.Series(np.nan, store.manifest.index))
        direction = Direction(
            str(label),
            source,
            samples.read(rows["index"]),
            store.read(position[rows["target_item"]]) if len(paired) else None,
            pixels_of_fields(fields.to_numpy()[places], source.shape[2]),
        )
        found.append(
            {
                "name": experiment.name,
                "direction": direction.name,
                "caption": caption_of(direction),
                "paired": direction.target is not None,
                "shown": len(rows),
                "uri": png_uri(translation_figure(direction, captioned=False)),
            }
        )
    return found
