"""Fitting the stain of the training slides, and bringing the tiles of all slides to it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.stain import METHODS, NoStain, as_json, from_json, some_pixels
from medsynth.cohorts.unusable import CohortError
from medsynth.runtime.config.slides import Stain
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import in_split, used
from medsynth.store.shards import ImageStore, ShardWriter

log = logging.getLogger(__name__)

SPLIT = "train"


def fit_stain(manifest: pd.DataFrame, shards: Path, settings: Stain, seed: int) -> dict[str, Any]:
    """The colours of the typical training slide: the median of what the single slides have.

    Args:
        manifest: item manifest of the cohort; only its training split is looked at.
        shards: folder of the shards as tiled.
        settings: method, and how many tiles of a slide are drawn at random.
        seed: of the draw.

    Returns:
        {"method", "target" (fields of the method), "split", "slides", "tiles"}.

    Raises:
        CohortError: no training slide shows two stains.
    """
    store = ImageStore(in_split(manifest, SPLIT), shards)
    found, tiles = [], 0
    for rows in _slides(store):
        slide = store.manifest["source_sha256"].iloc[rows[0]]
        rng = numpy_rng(seed, "stain", slide)
        drawn = np.sort(rng.permutation(rows)[: settings.tiles_per_slide])
        try:
            found.append(METHODS[settings.method].of(some_pixels(store.read(drawn))))
        except NoStain as error:
            log.info("slide %s is left out of the fit: %s", slide[:12], error)
            continue
        tiles += len(drawn)
    if not found:
        raise CohortError(
            "no training slide of this cohort shows two stains; set stain.method: none"
        )
    target = METHODS[settings.method].typical(found)
    fit = as_json(settings.method, target)
    return fit | {"split": SPLIT, "slides": len(found), "tiles": tiles}


def normalise_shard(
    table: pd.DataFrame, shards: Path, fit: dict[str, Any], path: Path, attrs: dict[str, str]
) -> None:
    """Write a shard anew with every slide in the fitted colours; rows and item ids stay.

    A slide whose stains cannot be told, for too little tissue or only one stain, stays as it is.

    Args:
        table: manifest of this shard.
        shards: folder of the shards as tiled.
        fit: what :func:`fit_stain` returned.
        path: HDF5 file to write.
        attrs: its attributes.
    """
    target = from_json(fit)
    store = ImageStore(used(table).sort_values("row"), shards)
    slides = _slides(store)
    kept = 0
    with ShardWriter(path, attrs) as writer:
        for rows in slides:  # in the order of the shard, and one at a time in memory
            slide = store.manifest["source_sha256"].iloc[rows[0]]
            images = store.read(rows)
            try:
                normalise = type(target).of(some_pixels(images)).to(target)
            except NoStain as error:
                log.info("slide %s stays as it is: %s", slide[:12], error)
                normalise, kept = np.asarray, kept + 1
            for image, item in zip(images, store.manifest["item_id"].iloc[rows], strict=True):
                writer.append(normalise(image), item)
    log.info("%d slides normalised, %d left as they are", len(slides) - kept, kept)


def _slides(store: ImageStore) -> list[np.ndarray]:
    """The positions of every slide's tiles."""
    return list(store.manifest.groupby("source", sort=False).indices.values())
