"""Randomness as a function of (seed, purpose, step) and of nothing else.

No generator lives across steps, so a resumed run draws exactly what an uninterrupted one drew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def _derive(seed: int, *keys: int | str) -> int:
    text = "/".join(map(str, (seed, *keys)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *keys: int | str, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator for one purpose, e.g. ``generator(seed, "noise", step)``."""
    import torch  # takes a second, which jobs that draw with NumPy alone need not wait for

    return torch.Generator(device=device).manual_seed(_derive(seed, *keys))


def numpy_rng(seed: int, *keys: int | str) -> np.random.Generator:
    """A NumPy generator for one purpose."""
    return np.random.default_rng(_derive(seed, *keys))


def sample_generators(
    labels: Iterable[str],
    numbers: Iterable[int | str],
    seed: int,
    device: str | torch.device = "cpu",
    purpose: str = "sample",
) -> list[torch.Generator]:
    """A generator for every image to draw, from (seed, its label, its number within the label).

    Another label, or more images of one, leaves the noise of all others as it was.
    """
    return [
        generator(seed, purpose, label, number, device=device)
        for label, number in zip(labels, numbers, strict=True)
    ]


def batch_positions(n: int, batch: int, seed: int, step: int, *keys: int | str) -> np.ndarray:
    """Positions (batch,) in range(n) that training step `step` uses.

    Items are drawn from one permutation after another, without replacement, so every item is seen
    once an epoch; a batch may straddle two epochs.

    Raises:
        ValueError: there is nothing to draw from.
    """
    if n < 1:
        raise ValueError("no items to train on: the training split is empty")
    wanted = np.arange(step * batch, (step + 1) * batch)
    epochs = wanted // n
    return np.array(
        [_deal(n, seed, int(e), *keys)[w % n] for e, w in zip(epochs, wanted, strict=True)]
    )


@lru_cache(maxsize=4)
def _deal(n: int, seed: int, epoch: int, *keys: int | str) -> np.ndarray:
    return numpy_rng(seed, "epoch", epoch, *keys).permutation(n)
