"""Generated images: HDF5 for the pixels, Parquet for what each one is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.store.shards import ShardWriter, open_images
from medsynth.store.tables.parquet import read_table, write_table


def write_samples(
    images: Iterable[np.ndarray],
    labels: Iterable[str],
    h5_path: str | Path,
    table_path: str | Path,
    *,
    seed: int,
    model_sha256: str,
    extra: Mapping[str, Any],
) -> None:
    """Write generated images (H, W, C), as they come, and a table with one row for each.

    Every row carries label, seed, digest of the model's weights and the `extra` columns
    (guidance, direction, source item), each one value for all rows or one for each.
    """
    with ShardWriter(h5_path, {"model_sha256": model_sha256, "synthetic": "yes"}) as shard:
        rows = [shard.append(image, f"synthetic-{i:06d}") for i, image in enumerate(images)]
    table = pd.DataFrame({"row": rows, "label": list(labels)})
    write_table(table.assign(seed=seed, model_sha256=model_sha256, **extra), table_path)


class Samples:
    """Generated images, read on demand.

    Args:
        h5_path, table_path: as :func:`write_samples` wrote them.

    Attributes:
        table: one row an image: row, label, seed, model_sha256 and the extra columns.
    """

    def __init__(self, h5_path: str | Path, table_path: str | Path):
        self.table = read_table(table_path)
        self._images = open_images(h5_path)

    def __len__(self) -> int:
        return len(self.table)

    def read(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
        """Images (n, H, W, C) at `positions` of the table, in that order."""
        return np.stack([self._images[int(row)] for row in self.table["row"].iloc[positions]])

    def first_of_each(self, most: int) -> np.ndarray:
        """Positions of the first `most` images of every label, in their order."""
        return np.flatnonzero(self.table.groupby("label").cumcount() < most)
