"""Filling a shard with one image an item."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from medsynth.cohorts.files import decode_unchanged
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.manifests import USED, manifest
from medsynth.store.quarantine import UnusableImage
from medsynth.store.shards import ShardWriter

log = logging.getLogger(__name__)


class Item(NamedTuple):
    """An image (H, W, C), further columns of its row, and what lies beside it in the shard."""

    image: np.ndarray
    columns: dict[str, Any] = {}
    beside: dict[str, np.ndarray] = {}


Read = Callable[[dict[str, Any], Isolated], Item]


def write_items(index: pd.DataFrame, path: Path, attrs: dict[str, str], read: Read) -> pd.DataFrame:
    """Write the images of the usable rows of one shard into an HDF5 file.

    Files are decoded in a process of its own, so that one that crashes a decoder, or keeps it for
    ever, costs one row.

    Args:
        index: the index rows of this shard.
        path: HDF5 file to write.
        attrs: attributes of the file.
        read: from a row and that process to its item; may raise UnusableImage.

    Returns:
        The manifest of the usable rows: used with their `row` in the shard, or quarantined or
        excluded with `reason` and `detail`.
    """
    items = []
    with Isolated() as in_child, ShardWriter(path, attrs) as writer:
        for item in index[index["status"] == USED].to_dict("records"):
            try:
                image, columns, beside = read(item, in_child)
                item |= {"row": writer.append(image, item["item_id"], beside)} | columns
            except UnusableImage as error:
                item |= {"status": error.status, "reason": error.reason, "detail": error.detail}
            items.append(item)
    log.info("%d of %d images", sum(item["status"] == USED for item in items), len(items))
    return manifest(items)


def fill_shard(
    index: pd.DataFrame,
    root: Path,
    path: Path,
    attrs: dict[str, str],
    decode: Callable[[bytes], np.ndarray],
) -> pd.DataFrame:
    """As :func:`write_items`, where an item is one grey file.

    Each file is read once: the bytes that are decoded are the bytes that are hashed.

    Args:
        index, path, attrs: see there.
        root: folder `source` is relative to.
        decode: bytes to an image (H, W); may raise UnusableImage; picklable.
    """

    def read(item: dict[str, Any], in_child: Isolated) -> Item:
        source = root / item["source"], item["source_sha256"]
        return Item(in_child(decode_unchanged, decode, *source)[..., None])

    return write_items(index, path, attrs, read)
