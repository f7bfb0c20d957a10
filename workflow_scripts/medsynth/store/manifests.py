"""The item manifest: one row an item, the same columns for every cohort."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

USED = "used"
QUARANTINED = "quarantined"  # unusable; its reason says why
EXCLUDED = "excluded"  # usable, but wanted out by the configuration

_DTYPES = {
    "item_id": "str",
    "source": "str",  # path relative to the cohort's root
    "source_sha256": "str",
    "source_bytes": "Int64",
    "patient": "str",
    "group": "str",  # study, slide or series
    "label": "str",
    "split": "str",
    "shard": "Int64",
    "row": "Int64",
    "status": "str",
    "reason": "str",
}
COLUMNS = list(_DTYPES)


def manifest(rows: Sequence[Mapping[str, Any]] | pd.DataFrame) -> pd.DataFrame:
    """A manifest from rows: missing columns become null, dtypes are fixed, extras stay behind."""
    frame = pd.DataFrame(rows)
    extras = [c for c in frame.columns if c not in _DTYPES]
    return frame.reindex(columns=[*COLUMNS, *extras]).astype(_DTYPES)


def used(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that carry a usable image."""
    return frame[frame["status"] == USED].reset_index(drop=True)


def in_split(frame: pd.DataFrame, split: str) -> pd.DataFrame:
    """The used rows of one split: train, validate or test."""
    return used(frame[frame["split"] == split])


def classes_of(frame: pd.DataFrame) -> list[str]:
    """The labels of the used rows, sorted; a class is its place in this list."""
    return sorted(used(frame)["label"].dropna().unique())


def class_indices(frame: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """The class (n,) int64 of every row.

    Raises:
        KeyError: a row's label is not among `classes`.
    """
    place = {label: i for i, label in enumerate(classes)}
    return np.array([place[label] for label in frame["label"]], dtype=np.int64)


def shard_of(item_id: str, shards: int) -> int:
    """The shard an item belongs to; it stays there when other items come and go."""
    return zlib.crc32(item_id.encode()) % shards
