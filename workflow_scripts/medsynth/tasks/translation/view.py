"""Translated images on the page: beside source and target, and against doing nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.imaging.grids import (
    Direction,
    caption_of,
    difference_colors,
    difference_limit,
)
from medsynth.imaging.scale import bar_of, pixels_of_fields
from medsynth.metrics.baselines import DO_NOTHING, GAIN, MEAN_SHIFT
from medsynth.metrics.translation.measures import ENHANCED_HU
from medsynth.tasks.translation.reference import reference_of
from medsynth.tasks.translation.verdict import verdict
from medsynth.tasks.viewing.comparison import Figures, compared_view
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, View
from medsynth.tasks.viewing.metric_tables import (
    ShownMetric,
    shown_metric,
    small_numbers,
)
from medsynth.tasks.viewing.strips import Block, Origin, Strip, evenly_spread, render_blocks, tile

MEASURES = {
    "mae_hu": ("MAE (HU)", "mean absolute error against the target, inside the body"),
    "mae_hu_enhanced": (
        "MAE where enhanced (HU)",
        f"the same where contrast medium changes at least {ENHANCED_HU:g} HU",
    ),
    "mae_hu_elsewhere": ("MAE elsewhere (HU)", "the same in the rest of the body"),
    "mae": (
        "MAE",
        "mean absolute error against the target, of [0, 1], where it is brighter than a tenth",
    ),
    "mae_mask": ("MAE in the mask", "the same inside the masks of the images, such as tumours"),
    "mae_elsewhere": ("MAE elsewhere", "the same outside the masks of images that have one"),
    "psnr_db": ("PSNR (dB)", "peak signal-to-noise ratio against the target"),
    "ssim": ("SSIM", "structural similarity with the target"),
}
SUFFIXES = {
    "": ("", None),
    DO_NOTHING: (
        ", untranslated",
        "the same measured on the source itself: what doing nothing gives",
    ),
    GAIN: (", gain", "how much better than doing nothing, from the differences within pairs"),
    MEAN_SHIFT: (
        ", shifted",
        "the same measured on the source with the mean difference of the two domains in training"
        " images added",
    ),
}
METRICS = {
    name + suffix: (title + words, other or meaning)
    for name, (title, meaning) in MEASURES.items()
    for suffix, (words, other) in SUFFIXES.items()
}
CITED = {"ssim": "wang2004"}
REFERENCES = Path(__file__).with_name("references.bib")
SLICES_PER_DIRECTION = 6


def view(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> View:
    """All experiments that translate the slices of a cohort."""
    compared = compared_view(
        cohort,
        experiments,
        Figures(METRICS, list(MEASURES), CITED, REFERENCES),
        "tasks/translation/metrics.html",
        lambda e: verdict(e, experiments, MEASURES),
        lambda e: warnings_of(e.results),
        more=untranslated,
    )
    blocks = [block for e in experiments for block in _blocks(cohort, e)]
    return replace(compared, pictures=render_blocks(blocks, "direction"))


def warnings_of(results: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the numbers of one metrics.json."""
    found = small_numbers(results["n_real"], results["n_generated"])
    if results["reference"] == "pairs":
        found.append(
            "The targets are slices of another moment: the patient has moved, and what does not lie"
            " over each other counts as error of the translation and of doing nothing alike."
        )
    return [*found, *results["notes"]]


def untranslated(experiment: ShownExperiment, metric: ShownMetric) -> list[str]:
    """What doing nothing and a mean shift reach, and the gain; [] if not measured."""
    metrics = experiment.results["metrics"]
    if metric.name + DO_NOTHING not in metrics:
        return []
    nothing, gain = (
        shown_metric(metric.name + suffix, metrics[metric.name + suffix], METRICS)
        for suffix in (DO_NOTHING, GAIN)
    )
    shift = metrics.get(metric.name + MEAN_SHIFT)
    shifted = f"; shifted {shown_metric(metric.name, shift, METRICS).text}" if shift else ""
    return [f"untranslated {nothing.text}; gain {gain.text} ({gain.interval}){shifted}"]


def _blocks(cohort: ShownCohort, experiment: ShownExperiment) -> list[Block]:
    """A block for each direction: source, translated, target if there is one, difference."""
    store, samples = cohort.images, experiment.generated
    assert samples is not None  # the task makes images
    reference = reference_of(samples.table, store)
    position = pd.Series(np.arange(len(store)), index=store.manifest["item_id"])
    fields = store.manifest.get("field_mm", pd.Series(np.nan, store.manifest.index)).to_numpy()
    blocks = []
    for label, rows in samples.table.reset_index(drop=True).groupby("label", sort=True):
        which = np.flatnonzero(np.isin(reference.rows, rows.index))
        which = which[evenly_spread(len(which), SLICES_PER_DIRECTION)]
        target = reference.read(store, which) if len(which) else None
        if target is None:
            rows = rows.iloc[evenly_spread(len(rows), SLICES_PER_DIRECTION)]
        else:
            rows = rows.loc[reference.rows[which]]
        places = position[rows["source_item"]].to_numpy()
        source, translated = store.read(places), samples.read(rows.index)
        pixels = pixels_of_fields(fields[places], source.shape[2])
        direction = Direction(str(label), source, translated, target, pixels, reference.kind)
        goal = source if target is None else target
        difference = translated.astype(np.float32) - goal
        shown: list[tuple[str, Origin, np.ndarray]] = [
            ("source", "real", source),
            (f"translated by {experiment.name}", "made", translated),
        ]
        if target is not None:
            shown.append((direction.reference, "real", target))
        limit, unit = difference_limit(source.dtype)
        legend = f"blue: −{limit:g} {unit}, white: 0, red: +{limit:g} {unit}"
        colors = np.stack([difference_colors(each[..., 0], limit) for each in difference])
        shown.append((f"translated − {direction.reference}", "drawn", colors))
        side = source.shape[2]
        strips = [
            Strip(name, origin, [tile(i) for i in images], legend if origin == "drawn" else "")
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
