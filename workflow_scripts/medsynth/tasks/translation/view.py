"""Translated CT slices on the page: beside source and target, and against doing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from medsynth.imaging.grids import DIFFERENCE_HU, Direction, caption_of, difference_colors
from medsynth.imaging.scale import bar_of, pixels_of_fields
from medsynth.metrics.baselines import DO_NOTHING, GAIN
from medsynth.tasks.translation.verdict import verdict
from medsynth.tasks.viewing.comparison import finding, shown_results
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.glossary import terms
from medsynth.tasks.viewing.metric_tables import (
    ShownMetric,
    shown_metric,
    side_by_side,
    small_numbers,
)
from medsynth.tasks.viewing.strips import Block, Origin, Strip, evenly_spread, render_blocks, tile
from medsynth.tasks.viewing.templates import render

MEASURES = {
    "mae_hu": ("MAE (HU)", "mean absolute error against the paired target, inside the body"),
    "psnr_db": ("PSNR (dB)", "peak signal-to-noise ratio against the paired target"),
    "ssim": ("SSIM", "structural similarity with the paired target"),
}
SUFFIXES = {
    "": ("", None),
    DO_NOTHING: (
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
CITED = {"ssim": "wang2004"}
REFERENCES = Path(__file__).with_name("references.bib")
SLICES_PER_DIRECTION = 6
DIFFERENCES = f"blue: −{DIFFERENCE_HU:g} HU, white: 0, red: +{DIFFERENCE_HU:g} HU"


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
            finding(
                cohort,
                e,
                experiments,
                METRICS,
                list(MEASURES),
                verdict(e, experiments, MEASURES),
                untranslated,
            )
            for e in experiments
        ],
        pictures=render_blocks([b for e in experiments for b in _blocks(cohort, e)], "direction"),
        metrics=render(
            "tasks/translation/metrics.html",
            cohort=cohort.name,
            results=results,
            rows=side_by_side(metrics, METRICS),
        ),
        glossary=terms(experiments, METRICS, CITED, REFERENCES),
    )


def untranslated(experiment: ShownExperiment, metric: ShownMetric) -> list[str]:
    """What doing nothing reaches, and how much better the translation is; [] if not measured."""
    metrics = experiment.results["metrics"]
    if metric.name + DO_NOTHING not in metrics:
        return []
    nothing, gain = (
        shown_metric(metric.name + suffix, metrics[metric.name + suffix], METRICS)
        for suffix in (DO_NOTHING, GAIN)
    )
    return [f"untranslated {nothing.text}; gain {gain.text} ({gain.interval})"]


def _blocks(cohort: ShownCohort, experiment: ShownExperiment) -> list[Block]:
    """A block for each direction: source, translated, target if there is one, difference."""
    store, samples = cohort.images, experiment.generated
    assert samples is not None  # the task makes images
    position = pd.Series(np.arange(len(store)), index=store.manifest["item_id"])
    fields = store.manifest.get("field_mm", pd.Series(np.nan, store.manifest.index)).to_numpy()
    blocks = []
    for label, rows in samples.table.reset_index().groupby("label", sort=True):
        paired = rows[rows["target_item"].notna()]
        rows = paired if len(paired) else rows
        rows = rows.iloc[evenly_spread(len(rows), SLICES_PER_DIRECTION)]
        places = position[rows["source_item"]].to_numpy()
        source, translated = store.read(places), samples.read(rows["index"])
        target = store.read(position[rows["target_item"]]) if len(paired) else None
        reference = "source" if target is None else "target"
        difference = translated.astype(np.float32) - (source if target is None else target)
        shown: list[tuple[str, Origin, np.ndarray]] = [
            ("source", "real", source),
            (f"translated by {experiment.name}", "made", translated),
        ]
        if target is not None:
            shown.append(("target", "real", target))
        colors = np.stack([difference_colors(each[..., 0]) for each in difference])
        shown.append((f"translated − {reference}", "drawn", colors))
        side = source.shape[2]
        pixels = pixels_of_fields(fields[places], side)
        direction = Direction(str(label), source, translated, target, pixels)
        strips = [
            Strip(name, origin, [tile(i) for i in images], DIFFERENCES if origin == "drawn" else "")
            for name, origin, images in shown
        ]
        bars = [bar_of(side, pixel) for pixel in pixels]
        blocks.append(
            Block(
                f"{experiment.name}: {direction.name.replace('_', ' ')}",
                strips,
                bars,
                side,
                caption_of(direction),
            )
        )
    return blocks
