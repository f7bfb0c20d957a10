"""Bringing images of any shape to one square size, deterministically."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image


def resize_area(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize (H, W) or (H, W, 3) by averaging areas; an enlarged image is bilinear.

    Returns:
        The same dtype and range; (height, width) or (height, width, 3).
    """
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BILINEAR
    if image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize((width, height), method))
    resized = Image.fromarray(image.astype(np.float32)).resize((width, height), method)
    values = np.asarray(resized)
    return np.rint(values).astype(image.dtype) if image.dtype.kind in "iu" else values


def centre_square(image: np.ndarray) -> np.ndarray:
    """The largest centred square of (H, W) or (H, W, 3)."""
    side = min(image.shape[:2])
    top, left = ((n - side) // 2 for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def padded_square(image: np.ndarray, fill: int) -> np.ndarray:
    """(H, W) or (H, W, 3) centred on the smallest square that holds it."""
    side = max(image.shape[:2])
    margins = [((side - n) // 2, side - n - (side - n) // 2) for n in image.shape[:2]]
    return np.pad(image, [*margins, *[(0, 0)] * (image.ndim - 2)], constant_values=fill)


# By the setting `fit`; resizing stretches what is no square.
SQUARES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pad": partial(padded_square, fill=0),
    "crop": centre_square,
    "stretch": lambda image: image,
}
