"""Strips of images: real ones beside those that experiments made, an image a tile.

A tile is stored pixel by pixel; the page enlarges it without smoothing.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Literal

import numpy as np
from markupsafe import Markup
from PIL import Image

from medsynth.imaging.grids import windowed
from medsynth.imaging.scale import Bar, bar_of
from medsynth.store.generated import Samples
from medsynth.store.manifests import TEST
from medsynth.store.shards import ImageStore
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment
from medsynth.tasks.viewing.figures import data_uri
from medsynth.tasks.viewing.templates import render

STRIP_PIXELS = 1024  # of the images of a strip side by side, so that large ones are fewer
Origin = Literal["real", "made", "drawn"]
PROMPT = 160  # letters of a text that is shown
FIRST = 4  # tiles of a strip that every screen shows


@dataclass(frozen=True)
class Strip:
    """Images of one origin side by side.

    Attributes:
        name: their origin.
        origin: real images, made ones, or a drawing made of both.
        tiles: PNG data URIs.
        note: how many there are, or why there is none.
    """

    name: str
    origin: Origin
    tiles: Sequence[str]
    note: str


@dataclass(frozen=True)
class Block:
    """Strips that are compared with each other, one above the other.

    Attributes:
        title: a class, or a direction.
        bars: scale bars: one for all images, or one for each column.
        side: of the images in pixels.
    """

    title: str
    strips: Sequence[Strip]
    bars: Sequence[Bar]
    side: int
    caption: str = ""


def evenly_spread(n: int, most: int) -> np.ndarray:
    """At most `most` positions out of n, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int)) if n else np.arange(0)


def spread_from_the_start(n: int, most: int) -> np.ndarray:
    """The same in an order in which the first few are spread, too."""
    chosen = evenly_spread(n, most)
    step = -(-len(chosen) // FIRST) or 1
    return np.concatenate([chosen[k::step] for k in range(step)])


def tile(image: np.ndarray) -> str:
    """One image (H,W,C) as a PNG data URI.

    It is uint8 grey or RGB, or int16 HU, which is shown in a soft-tissue window.
    """
    if image.dtype.kind == "i":
        image = windowed(image)
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, format="PNG")
    return data_uri(buffer.getvalue(), "image/png")


def class_strips(cohort: ShownCohort, experiments: Sequence[ShownExperiment]) -> Markup:
    """A block for each class: real images of the test split, then those of each experiment.

    Real images are evenly spread, generated ones the first; the label of one is its class. Other
    combinations of findings that were asked for follow, those never seen in training marked so.
    """
    store = cohort.images
    if not len(store):
        return Markup()
    side = store.read([0]).shape[2]
    most = min(12, max(FIRST, STRIP_PIXELS // side))
    tested = (store.manifest["split"] == TEST).to_numpy()
    made = [(e.name, e.generated) for e in experiments if e.generated is not None]
    blocks = []
    tables = [samples.table for _, samples in made]
    asked = {label for table in tables for label in table["label"]}
    unseen = {
        label
        for table in tables
        if "training_images" in table
        for label in table.loc[table["training_images"] == 0, "label"]
    }
    for label in [*cohort.labels, *sorted(asked - set(cohort.labels))]:
        places = np.flatnonzero(tested & (store.manifest["label"] == label).to_numpy())
        chosen = places[spread_from_the_start(len(places), most)]
        strips = [
            Strip(
                "real, held out",
                "real",
                _tiles(store, chosen),
                f"{len(chosen)} of {len(places):,}"
                if len(places)
                else "no image of this class in the test split",
            )
        ]
        for name, samples in made:
            places = np.flatnonzero(samples.table["label"] == label)
            tiles = _tiles(samples, places[:most])
            note = f"{len(tiles)} of {len(places):,}" if tiles else "none was made"
            if tiles and "drawn_size" in samples.table:
                note += f"; drawn at {samples.table['drawn_size'].iloc[0]} pixels, and enlarged"
            if tiles and "prompt" in samples.table:
                first = samples.table["prompt"].iloc[places[0]]
                note += f"; the first of “{shorten(first, PROMPT, placeholder=' …')}”"
            strips.append(Strip(name, "made", tiles, note))
        title = f"{label} (never seen together in training)" if label in unseen else label
        blocks.append(Block(title, strips, [bar_of(side, cohort.pixel)], side))
    return render_blocks(blocks, "class")


def _tiles(images: ImageStore | Samples, places: np.ndarray) -> list[str]:
    return [tile(image) for image in images.read(places)] if len(places) else []


def render_blocks(blocks: Sequence[Block], each: str) -> Markup:
    """Blocks as HTML.

    Args:
        each: what a block is of, in a word: class, direction.
    """
    # The fewer blocks stand side by side, the more tiles of a strip are seen at once.
    columns = {1: 3 * FIRST, 2: 6}.get(len(blocks), FIRST)
    most = max((len(s.tiles) for b in blocks for s in b.strips), default=0)
    return render(
        "tasks/viewing/strips.html",
        blocks=blocks,
        each=each,
        columns=columns,
        most=most,
        first=FIRST,
    )
