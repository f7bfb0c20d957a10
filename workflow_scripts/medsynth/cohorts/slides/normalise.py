"""Fitting the stain of the training slides, and bringing the tiles of all slides to it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.slides.settings import Stain
from medsynth.imaging.histology.stain import (
    METHODS,
    UNFIT,
    Colours,
    NoStain,
    as_json,
    from_json,
    some_pixels,
)
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import TRAIN, USED, in_split, used
from medsynth.store.quarantine import CohortError
from medsynth.store.shards import ImageStore, ShardWriter

log = logging.getLogger(__name__)

NORMALISED = "normalised"
_AS_SAID = {reason: f"left as they are: {meaning}" for reason, meaning in UNFIT.items()}


def fit_stain(manifest: pd.DataFrame, shards: Path, settings: Stain, seed: int) -> dict[str, Any]:
    """The colours of the typical training slide: the median of what the single slides have.

    Args:
        manifest: item manifest of the cohort; only its training split is looked at.
        shards: folder of the shards as tiled.
        settings: method, and how many tiles of a slide are drawn at random.
        seed: of the draw.

    Returns:
        {"method", "target" (fields of the method), "split", "slides", "tiles", "left_out" (slides
        by their reason in :data:`medsynth.imaging.histology.stain.UNFIT`)}.

    Raises:
        CohortError: no training slide shows hematoxylin and eosin.
    """
    store = ImageStore(in_split(manifest, TRAIN), shards)
    method, tiles = METHODS[settings.method], 0
    found: list[Colours] = []
    unfit: Counter[str] = Counter()
    for rows in _slides(store):
        slide = store.manifest["source_sha256"].iloc[rows[0]]
        rng = numpy_rng(seed, "stain", slide)
        drawn = np.sort(rng.permutation(rows)[: settings.tiles_per_slide])
        try:
            found.append(method.of(some_pixels(store.read(drawn))))
        except NoStain as error:
            log.info("slide %s is left out of the fit: %s", slide[:12], error)
            unfit[error.reason] += 1
            continue
        tiles += len(drawn)
    if not found:
        why = ", ".join(f"{n}: {UNFIT[reason]}" for reason, n in sorted(unfit.items()))
        raise CohortError(
            "no training slide of this cohort shows hematoxylin and eosin"
            f" ({why or 'it has none'}); set stain.method: none"
        )
    target = method.typical(found)
    fit = as_json(settings.method, target)
    return fit | {"split": TRAIN, "slides": len(found), "tiles": tiles, "left_out": dict(unfit)}


def normalise_shard(
    table: pd.DataFrame, shards: Path, fit: dict[str, Any], path: Path, attrs: dict[str, str]
) -> pd.DataFrame:
    """Write a shard anew with every slide in the fitted colours; rows and item ids stay.

    A slide that does not show hematoxylin and eosin stays as it is.

    Args:
        table: manifest of this shard.
        shards: folder of the shards as tiled.
        fit: what :func:`fit_stain` returned.
        path: HDF5 file to write.
        attrs: its attributes.

    Returns:
        The table with the column stain: of every tile "normalised", or why it stayed as it is (a
        key of :data:`medsynth.imaging.histology.stain.UNFIT`); null without a tile.
    """
    target = from_json(fit)
    store = ImageStore(used(table).sort_values("row"), shards)
    outcome: dict[str, str] = {}
    normalise: Callable[[np.ndarray], np.ndarray]
    with ShardWriter(path, attrs) as writer:
        for rows in _slides(store):  # in the order of the shard, and one at a time in memory
            source = store.manifest["source"].iloc[rows[0]]
            images = store.read(rows)
            try:
                normalise = type(target).of(some_pixels(images)).to(target)
                outcome[source] = NORMALISED
            except NoStain as error:
                slide = store.manifest["source_sha256"].iloc[rows[0]]
                log.info("slide %s stays as it is: %s", slide[:12], error)
                normalise, outcome[source] = np.asarray, error.reason
            for image, item in zip(images, store.manifest["item_id"].iloc[rows], strict=True):
                writer.append(normalise(image), item)
    log.info("slides: %s", dict(Counter(outcome.values())))
    return table.assign(stain=table["source"].map(outcome).where(table["status"] == USED))


def count_normalised(tables: Iterable[pd.DataFrame]) -> dict[str, dict[str, int]]:
    """Slides and tiles of a cohort that were normalised, or left as they are for which reason.

    Args:
        tables: what :func:`normalise_shard` returned of every shard.
    """
    tiles = used(pd.concat(tables, ignore_index=True))
    slides = tiles.drop_duplicates("source")
    return {
        name: frame["stain"].replace(_AS_SAID).value_counts().sort_index().to_dict()
        for name, frame in (("slides", slides), ("tiles", tiles))
    }


def _slides(store: ImageStore) -> list[np.ndarray]:
    """The positions of every slide's tiles."""
    return list(store.manifest.groupby("source", sort=False).indices.values())
