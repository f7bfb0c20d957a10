"""Histology slides, cut into tiles."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.histology.tiles import cut_tiles
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digest_cache import DigestCache
from medsynth.store.manifests import QUARANTINED, USED, manifest
from medsynth.store.quarantine import UnusableImage
from medsynth.store.shards import ShardWriter

log = logging.getLogger(__name__)

SETTINGS = SlideTiles


def shard(
    rows: pd.DataFrame,
    root: Path,
    settings: SlideTiles,
    images: Path,
    attrs: dict[str, str],
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Cut the slides of one shard into uint8 tiles (image_size, image_size, 3).

    Returns:
        Manifest with a row for every tile, and the extra columns x, y (top left, pixels of the
        finest level), level and mpp (read from; of the finest level). item_id is
        "<slide>:<x>:<y>". A slide that cannot be used is one quarantined row with its reason.
    """
    items = []
    limits = settings.timeout_s, settings.memory_gb
    with Isolated(*limits) as in_child, ShardWriter(images, attrs) as writer:
        for slide in rows[rows["status"] == USED].to_dict("records"):
            source = root / slide["source"], slide["source_sha256"]
            try:
                # all tiles first: a slide that breaks half-way leaves nothing behind
                tiles = cut_tiles(*source, settings, in_child, cache, threads)
            except UnusableImage as error:
                bad = {"status": QUARANTINED, "reason": error.reason, "detail": error.detail}
                items.append(slide | bad)
                continue
            for image, place in zip(tiles.images, tiles.places, strict=True):
                item_id = f"{slide['item_id']}:{place['x']}:{place['y']}"
                row = writer.append(image, item_id)
                items.append(slide | place | {"item_id": item_id, "row": row})
            del tiles, image  # before the next slide's are cut
    log.info("%d slides gave %d rows", rows["status"].eq(USED).sum(), len(items))
    return manifest(items)
