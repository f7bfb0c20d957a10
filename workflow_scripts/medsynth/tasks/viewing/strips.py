"""Strips of images by class: real ones beside those that each experiment made."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image

from medsynth.imaging.grids import MIN_SIDE, strip
from medsynth.imaging.scale import PixelSize, bar_of, below
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment
from medsynth.tasks.viewing.figures import data_uri
from medsynth.tasks.viewing.templates import render

STRIP_PIXELS = 1024


def evenly_spread(n: int, most: int) -> np.ndarray:
    """At most `most` positions out of n, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)) if n else np.arange(0)


def strip_uri(images: np.ndarray, pixel: PixelSize | None = None) -> str:
    """(N,H,W,C) uint8 side by side, as a PNG data URI; with the size of a pixel, a scale bar."""
    buffer, drawn = io.BytesIO(), strip(images)
    if pixel:
        side = images.shape[1]
        drawn = below(drawn, bar_of(side, pixel), drawn.shape[0] // side)
    Image.fromarray(drawn).save(buffer, format="PNG")
    return data_uri(buffer.getvalue(), "image/png")


def class_strips(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> Markup:
    """Strips of images per class: real ones of the test split, then each experiment's.

    The last strip of a class carries the scale bar of all. Images must be uint8; of a generated
    one the label is its class.
    """
    store = cohort.images
    side = store.read([0]).shape[1] if len(store) else MIN_SIDE
    most = min(12, max(4, STRIP_PIXELS // side))
    tested = store.manifest["split"] == "test"
    made = [(e.name, e.generated) for e in experiments if e.generated is not None]
    classes: list[dict[str, Any]] = []
    for name in cohort.labels:
        places = np.flatnonzero(tested & (store.manifest["label"] == name))
        strips = [("real, held out", store, places, places[evenly_spread(len(places), most)])]
        for experiment, samples in made:
            places = np.flatnonzero(samples.table["label"] == name)
            strips.append((experiment, samples, places, places[:most]))
        last = max((k for k, strip in enumerate(strips) if len(strip[3])), default=None)
        shown = [
            {
                "name": who,
                "uri": strip_uri(images.read(some), cohort.pixel if k == last else None)
                if len(some)
                else None,
                "shown": len(some),
                "of": len(places),
            }
            for k, (who, images, places, some) in enumerate(strips)
        ]
        classes.append({"name": name, "strips": shown})
    return render("tasks/viewing/strips.html", classes=classes)
