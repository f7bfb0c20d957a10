"""Filling a shard with one image a file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from medsynth.cohorts.files import decode_unchanged
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.manifests import USED, manifest
from medsynth.store.quarantine import UnusableImage
from medsynth.store.shards import ShardWriter

log = logging.getLogger(__name__)


def fill_shard(
    index: pd.DataFrame,
    root: Path,
    path: Path,
    attrs: dict[str, str],
    decode: Callable[[bytes], np.ndarray],
) -> pd.DataFrame:
    """Decode the usable rows of one shard into an HDF5 file.

    Each file is read once: the bytes that are decoded are the bytes that are hashed. That is done
    in a process of its own, so that a file that crashes a decoder costs one row.

    Args:
        index: the index rows of this shard.
        root: folder `source` is relative to.
        path: HDF5 file to write.
        attrs: attributes of the file.
        decode: bytes to an image (H, W); may raise UnusableImage; picklable.

    Returns:
        The manifest of the usable rows: used with their `row` in the shard, or quarantined or
        excluded with `reason` and `detail`.
    """
    rows = []
    with Isolated() as in_child, ShardWriter(path, attrs) as writer:
        for item in index[index["status"] == USED].to_dict("records"):
            try:
                source = root / item["source"], item["source_sha256"]
                image = in_child(decode_unchanged, decode, *source)
                item["row"] = writer.append(image[..., None], item["item_id"])
            except UnusableImage as error:
                item |= {"status": error.status, "reason": error.reason, "detail": error.detail}
            rows.append(item)
    log.info("%d of %d images", sum(row["status"] == USED for row in rows), len(rows))
    return manifest(rows)
