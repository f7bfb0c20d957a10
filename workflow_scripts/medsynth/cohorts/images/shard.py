"""Images of one shard: decoded in a guarded process, and stacked by role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.files import decode_unchanged
from medsynth.cohorts.images.decoding import read_square, read_square_mask
from medsynth.cohorts.images.decoding_settings import ImagesRead
from medsynth.cohorts.shards import Item, write_items
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digest_cache import DigestCache
from medsynth.store.manifests import MASK
from medsynth.store.quarantine import UnusableImage

SETTINGS = ImagesRead


def shard(
    rows: pd.DataFrame,
    root: Path,
    settings: ImagesRead,
    images: Path,
    attrs: dict[str, str],
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Decode the usable rows to uint8 (image_size, image_size, channels).

    Channels are one of grey files, three of colours, or one a role. An image is made square as
    settings.fit says, then its areas are averaged.

    Args:
        rows: index rows of this shard.
        root: folder that their files lie in.
        settings: size, channels, window.
        images: HDF5 file to write.
        attrs: attributes of the file.
        cache, threads: not used; a file is read once, and its bytes are those that are hashed.

    Returns:
        Manifest of the usable rows: used with `row`, or quarantined or excluded with `reason`; of
        masks the extra column mask_share, the share of pixels inside; the masks lie beside the
        images, zeros where there is none. Of a domain an item has its channel alone.
    """
    roles = ["source", *(c for c in rows if c.startswith("source_") and f"{c}_sha256" in rows)]
    masks, domains = "mask" in rows, "channel" in rows

    def read(item: dict[str, Any], in_child: Isolated) -> Item:
        image, mask, share = _read(item, root, settings, roles, in_child)
        if domains:
            image = _own_channel(image, int(item["channel"]))
        return Item(image, {"mask_share": share}, {MASK: mask}) if masks else Item(image)

    table = write_items(rows, images, attrs, read)
    return table.astype({"mask_share": float}) if "mask_share" in table else table


def _read(
    item: dict[str, Any], root: Path, settings: ImagesRead, roles: list[str], in_child: Isolated
) -> tuple[np.ndarray, np.ndarray, float | None]:
    """The image of an item, its mask, and the share of it inside; zeros and None without one."""
    place, frame = (
        None if pd.isna(item.get(name)) else int(item[name]) for name in ("slice", "frame")
    )
    read, affine = [], None
    for role in roles:
        square = partial(
            read_square,
            name=item[role],
            settings=settings,
            place=place,
            frame=frame,
            beside=affine,
        )
        source = root / item[role], item[f"{role}_sha256"]
        with _of(role, role == roles[0]):
            *found, own = in_child(decode_unchanged, square, *source)
        read.append(found)
        affine = own if affine is None else affine
    if len({size for _, size in read}) > 1:
        raise UnusableImage("role_size", " and ".join(f"{r} x {c}" for _, (r, c) in read))
    image = np.concatenate([square for square, _ in read], axis=-1)
    if pd.isna(item.get("mask")):
        return image, np.zeros((settings.image_size, settings.image_size, 1), np.uint8), None
    source = root / item["mask"], item["mask_sha256"]
    inside = partial(
        read_square_mask,
        size=read[0][1],
        settings=settings,
        place=place,
        frame=frame,
        beside=affine,
    )
    with _of("mask"):
        mask, share = in_child(decode_unchanged, inside, *source)
        if item["mask_shared"] and 0 < share < 1:
            raise UnusableImage("whose_bytes")
    return image, mask, share


def _own_channel(image: np.ndarray, channel: int) -> np.ndarray:
    """The channel (H, W, 1) of a domain, unless it repeats another.

    Who fills in a scan that is missing with one that is there would make a pair of what is none.
    """
    own = image[..., [channel]]
    same = (image == own).all((0, 1))
    if same.sum() > 1 and own.min() < own.max():  # a black image is unusable as such
        others = ", ".join(str(k + 1) for k in np.flatnonzero(same) if k != channel)
        raise UnusableImage("channel_copy", f"channel {channel + 1} is that of {others}")
    return own


@contextmanager
def _of(file: str, first: bool = False) -> Iterator[None]:
    """Say of which file it is that an image cannot be used, unless it is the one of its name."""
    try:
        yield
    except UnusableImage as error:
        if first:
            raise
        raise type(error)(error.reason, f"of {file}: {error.detail}") from error
