"""Labelled images of a cohort's training split, for all tasks that learn from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.metrics.images.draws import round_robin
from medsynth.models.contract import LabelledImages
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.digests import digest_file
from medsynth.store.manifests import (
    TRAIN,
    VALIDATE,
    class_indices,
    classes_of,
    has_several,
    in_split,
    multi_hot,
)
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table


def training_data(inputs: Any, seed: int, validation_images: int) -> LabelledImages:
    """What to train on, and what the step that is kept is chosen by.

    Args:
        inputs: of the rule: `manifest`, `shards`.
        seed: decides which validation images, where there are more than wanted.
        validation_images: wanted at most; every patient's first before anybody's second.
    """
    manifest = read_table(inputs.manifest)
    folder = Path(inputs.shards[0]).parent
    classes, several = classes_of(manifest), has_several(manifest)

    def images(rows: pd.DataFrame) -> LabelledImages:
        store = ImageStore(rows, folder)
        labels = store.manifest["label"]
        of_images = (
            multi_hot(labels, classes) if several else class_indices(store.manifest, classes)
        )
        return LabelledImages(store, of_images, classes)

    held_out = in_turn(in_split(manifest, VALIDATE), seed)[:validation_images].sort_index()
    validation = images(held_out) if len(held_out) else None
    return replace(images(in_split(manifest, TRAIN)), validation=validation)


def in_turn(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Rows in random order, every patient's first before anybody's second."""
    return rows.iloc[round_robin(rows["patient"].to_numpy(), numpy_rng(seed, "validation"))]


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    return [digest_file(inputs.manifest), *made_from(inputs.shards)]
