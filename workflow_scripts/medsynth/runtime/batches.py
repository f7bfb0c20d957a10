"""Batches of arrays that outlive a kill: what was made once is not made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from medsynth.store.atomic import replacing


def kept_batches(
    folder: Path, n: int, make: Callable[[int], Iterator[np.ndarray]]
) -> Iterator[np.ndarray]:
    """Batches of `n` arrays in all, each written to the folder when it comes.

    A kill costs the batch that was being made. As the others begin where batches begin, they are
    the same as without the kill.

    Args:
        folder: of this very product, such as one of
            :func:`medsynth.runtime.checkpoints.work_folder`.
        n: arrays, not batches.
        make: the batches from one of the arrays on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    while (path := folder / f"{done:09d}.npy").exists():
        batch = np.load(path)
        yield batch
        done += len(batch)
    if done == n:
        return
    for batch in make(done):
        with replacing(folder / f"{done:09d}.npy") as temporary, open(temporary, "wb") as file:
            np.save(file, batch, allow_pickle=False)
        yield batch
        done += len(batch)
