"""The item manifest: one row an item, the same columns for every cohort."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from medsynth.store.tables.findings import JOINT
from medsynth.store.wording import EXCLUDED as EXCLUDED
from medsynth.store.wording import QUARANTINED as QUARANTINED
from medsynth.store.wording import USED as USED

# What an image would be in the other domain, where that is known: beside it in the shard, and of
# which file.
TRUTH, TRUTH_SHA256 = "truth", "source_truth_sha256"
MASK = "mask"  # beside an image in the shard; of one that has none, zeros, and no mask_share

TRAIN, VALIDATE, TEST = SPLITS = ("train", "validate", "test")  # patients' divisions
SPARE = "spare"  # patients of no split: a class was made rare without them

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


def by_file(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows once for each of their raw files, whose digest is then their source_sha256.

    An item may be stacked of several files (source_ROLE_sha256) and have a mask. A mask that shows
    nothing, or everything, is rightly the same file for many images and is not among them.
    """
    digests = [c for c in frame if c.startswith("source_") and c.endswith("_sha256")]
    files = [frame.assign(source_sha256=frame[digest]) for digest in digests]
    if "mask_share" in frame:
        shown = frame[frame["mask_share"].between(0, 1, inclusive="neither")]
        files.append(shown.assign(source_sha256=shown["mask_sha256"]))
    return pd.concat(files, ignore_index=True)


def has_several(frame: pd.DataFrame) -> bool:
    """Whether a used row has several findings; if one has, those of all rows are multi-hot."""
    return bool(used(frame)["label"].str.contains(JOINT, regex=False, na=False).any())


def by_finding(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows once for each of their findings, which is then their label."""
    if not frame["label"].str.contains(JOINT, regex=False, na=False).any():
        return frame  # to split each of so many labels takes a second
    return frame.assign(label=frame["label"].str.split(JOINT, regex=False)).explode("label")


def classes_of(frame: pd.DataFrame) -> list[str]:
    """The findings of the used rows, sorted; a class is its place in this list."""
    labels = used(frame)["label"].dropna().unique()
    return sorted({finding for label in labels for finding in label.split(JOINT)})


def class_indices(frame: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """The class (n,) int64 of every row.

    Raises:
        KeyError: a row's label is not among `classes`.
    """
    place = {label: i for i, label in enumerate(classes)}
    return np.array([place[label] for label in frame["label"]], dtype=np.int64)


def multi_hot(labels: Iterable[str], classes: Sequence[str]) -> np.ndarray:
    """1 for every finding of a label and else 0, (n, k) float32.

    Raises:
        KeyError: a finding is not among `classes`.
    """
    place = {label: i for i, label in enumerate(classes)}
    rows = [[place[finding] for finding in label.split(JOINT)] for label in labels]
    found = np.zeros((len(rows), len(classes)), np.float32)
    for row, places in zip(found, rows, strict=True):
        row[places] = 1
    return found


def shard_of(item_id: str, shards: int) -> int:
    """The shard an item belongs to; it stays there when other items come and go."""
    return zlib.crc32(item_id.encode()) % shards
