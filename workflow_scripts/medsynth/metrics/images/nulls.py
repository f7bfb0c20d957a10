"""Images that show nothing: a figure that likes them as much as a model's says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def noise(
    n: int, shape: tuple[int, int, int], batch: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Batches of n images (H, W, C) uint8 whose every value is uniform on 0..255."""
    for start in range(0, n, batch):
        yield rng.integers(0, 256, (min(batch, n - start), *shape), dtype=np.uint8)


def constant(n: int, images: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    """Batches of n times the same image, the mean colour of `images` (m, H, W, C) uint8."""
    colour = images.mean((0, 1, 2)).round().astype(np.uint8)
    for start in range(0, n, batch):
        yield np.full((min(batch, n - start), *images.shape[1:]), colour)
