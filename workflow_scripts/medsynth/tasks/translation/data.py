"""What translation trains on: images of domain a and of domain b, as CT of both phases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.ct.pairs import pair_positions, partners
from medsynth.models.contract import TwoDomains
from medsynth.store.digests import digest_file
from medsynth.store.manifests import TRAIN, VALIDATE, in_split
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.labelled import in_turn
from medsynth.tasks.probe import kernel_probe
from medsynth.tasks.translation.reference import domains_of


def training_data(inputs: Any, seed: int, validation_images: int) -> TwoDomains:
    """What to train on, and what the step that is kept is chosen by.

    Args:
        inputs: of the rule: `manifest`, `shards`, `pairs`.
        seed: decides which validation slices, where there are more than wanted.
        validation_images: wanted of each phase at most; every patient's first before anybody's
            second.
    """
    manifest, pairs = read_table(inputs.manifest), read_table(inputs.pairs)
    folder = Path(inputs.shards[0]).parent

    names = domains_of(manifest)

    def domains(of_a: pd.DataFrame, of_b: pd.DataFrame) -> TwoDomains:
        a, b = ImageStore(of_a, folder), ImageStore(of_b, folder)
        positions = pair_positions(pairs, a.manifest, b.manifest)
        return TwoDomains(a, b, positions, domains=names)

    held_out = validation_slices(
        in_split(manifest, VALIDATE), pairs, validation_images, seed, names
    )
    validation = domains(*held_out) if len(held_out[0]) > 1 else None
    train = in_split(manifest, TRAIN)
    both = domains(*(train[train["label"] == name] for name in names))
    return replace(both, validation=validation, probe=kernel_probe)


def validation_slices(
    rows: pd.DataFrame, pairs: pd.DataFrame, most: int, seed: int, names: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Images of both domains, as many of each; pairs come first, side by side."""
    of_a, of_b = (in_turn(rows[rows["label"] == name], seed) for name in names)
    partner = partners(of_a["item_id"], pairs)
    partner = partner.where(partner.isin(of_b["item_id"]))
    of_a = of_a.iloc[np.argsort(partner.isna(), kind="stable")]
    order = {item: i for i, item in enumerate(partner.dropna())}
    places = of_b["item_id"].map(order).fillna(len(order))
    of_b = of_b.iloc[np.argsort(places, kind="stable")]
    n = min(len(of_a), len(of_b), most)
    return of_a[:n], of_b[:n]


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    return [digest_file(inputs.manifest), digest_file(inputs.pairs), *made_from(inputs.shards)]
