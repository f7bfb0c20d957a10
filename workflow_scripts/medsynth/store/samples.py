"""Generated images: HDF5 for the pixels, Parquet for what each one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from medsynth.store.shards import ShardWriter
from medsynth.store.tables import read_table, write_table


def requested_labels(classes: Sequence[str], per_class: int) -> np.ndarray:
    """Class (n,) of every image to generate: `per_class` of each, class after class."""
    return np.repeat(np.arange(len(classes)), per_class)


def write_samples(
    images: np.ndarray,
    labels: Sequence[str],
    h5_path: str | Path,
    table_path: str | Path,
    *,
    seed: int,
    model_sha256: str,
    extra: Mapping[str, Any],
) -> None:
    """Write (N, H, W, C) generated images and a table with one row for each.

    Every row carries label, seed, digest of the model's weights and the `extra` columns
    (guidance, direction, source item).
    """
    with ShardWriter(h5_path, {"model_sha256": model_sha256, "synthetic": "yes"}) as shard:
        rows = [shard.append(image, f"synthetic-{i:06d}") for i, image in enumerate(images)]
    table = pd.DataFrame({"row": rows, "label": list(labels)})
    write_table(table.assign(seed=seed, model_sha256=model_sha256, **extra), table_path)


def read_samples(h5_path: str | Path, table_path: str | Path) -> tuple[np.ndarray, pd.DataFrame]:
    """The images (N, H, W, C) and their table, in the same order."""
    table = read_table(table_path)
    with h5py.File(h5_path, "r") as file:
        return file["images"][:], table
