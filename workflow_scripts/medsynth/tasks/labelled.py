"""Labelled images of a cohort's training split, for all tasks that learn from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsynth.models.contract import LabelledImages
from medsynth.store.digests import digest_file
from medsynth.store.manifests import (
    TRAIN,
    class_indices,
    classes_of,
    has_several,
    in_split,
    multi_hot,
)
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table


def training_data(inputs: Any) -> LabelledImages:
    """What to train on.

    Args:
        inputs: of the rule: `manifest`, `shards`.
    """
    manifest = read_table(inputs.manifest)
    classes = classes_of(manifest)
    store = ImageStore(in_split(manifest, TRAIN), Path(inputs.shards[0]).parent)
    rows = store.manifest
    if has_several(manifest):
        return LabelledImages(store, multi_hot(rows["label"], classes), classes)
    return LabelledImages(store, class_indices(rows, classes), classes)


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    return [digest_file(inputs.manifest), *made_from(inputs.shards)]
