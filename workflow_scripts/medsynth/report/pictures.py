"""The pictures of the page: strips of images by class, and translated CT slices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from medsynth.imaging.grids import MIN_SIDE, Direction, caption_of, translation_figure
from medsynth.imaging.scale import PixelSize, pixels_of_fields
from medsynth.report import figures
from medsynth.store.generated import Samples
from medsynth.store.shards import ImageStore

STRIP_PIXELS, SLICES_PER_DIRECTION = 1024, 3


def _evenly(n: int, most: int) -> np.ndarray:
    """At most `most` positions out of n, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)) if n else np.arange(0)


def class_strips(
    store: ImageStore,
    labels: Sequence[str],
    made: Iterable[tuple[str, Samples]],
    pixel: PixelSize,
) -> list[dict[str, Any]]:
    """Strips of images per class: real ones of the test split, then each experiment's.

    The last strip of a class carries the scale bar of all.
    """
    side = store.read([0]).shape[1] if len(store) else MIN_SIDE
    most = min(12, max(4, STRIP_PIXELS // side))
    tested = store.manifest["split"] == "test"
    rows = []
    for name in labels:
        places = np.flatnonzero(tested & (store.manifest["label"] == name))
        strips = [("real, held out", store, places, places[_evenly(len(places), most)])]
        for experiment, samples in made:
            places = np.flatnonzero(samples.table["label"] == name)
            strips.append((experiment, samples, places, places[:most]))
        last = max((k for k, strip in enumerate(strips) if len(strip[3])), default=None)
        rows.append(
            {
                "name": name,
                "strips": [
                    {
                        "name": who,
                        "uri": figures.strip_uri(images.read(shown), pixel if k == last else None)
                        if len(shown)
                        else None,
                        "shown": len(shown),
                        "of": len(places),
                    }
                    for k, (who, images, places, shown) in enumerate(strips)
                ],
            }
        )
    return rows


def translation_pictures(store: ImageStore, name: str, samples: Samples) -> list[dict[str, Any]]:
    """One picture for each direction: source, translated, target if there is one, difference."""
    position = pd.Series(np.arange(len(store)), index=store.manifest["item_id"])
    found = []
    for label, rows in samples.table.reset_index().groupby("label", sort=True):
        paired = rows[rows["target_item"].notna()]
        rows = paired if len(paired) else rows
        rows = rows.iloc[_evenly(len(rows), SLICES_PER_DIRECTION)]
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
                "name": name,
                "direction": direction.name,
                "caption": caption_of(direction),
                "paired": direction.target is not None,
                "shown": len(rows),
                "uri": figures.png_uri(translation_figure(direction, captioned=False)),
            }
        )
    return found
