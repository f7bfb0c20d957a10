"""What translation trains on: CT slices without (a) and with (b) contrast medium."""

from __future__ import annotations

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

    def domains(ct: pd.DataFrame, cect: pd.DataFrame) -> TwoDomains:
        a, b = ImageStore(ct, folder), ImageStore(cect, folder)
        return TwoDomains(a, b, pair_positions(pairs, a.manifest, b.manifest))

    held_out = validation_slices(in_split(manifest, VALIDATE), pairs, validation_images, seed)
    validation = domains(*held_out) if len(held_out[0]) > 1 else None
    train = in_split(manifest, TRAIN)
    both = domains(train[train["label"] == "ct"], train[train["label"] == "cect"])
    return replace(both, validation=validation, probe=kernel_probe)


def validation_slices(
    rows: pd.DataFrame, pairs: pd.DataFrame, most: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Slices without and with contrast medium, as many of both; pairs come first, side by side."""
    ct, cect = (in_turn(rows[rows["label"] == name], seed) for name in ("ct", "cect"))
    partner = partners(ct["item_id"], pairs)
    partner = partner.where(partner.isin(cect["item_id"]))
    ct = ct.iloc[np.argsort(partner.isna(), kind="stable")]
    order = {item: i for i, item in enumerate(partner.dropna())}
    places = cect["item_id"].map(order).fillna(len(order))
    cect = cect.iloc[np.argsort(places, kind="stable")]
    n = min(len(ct), len(cect), most)
    return ct[:n], cect[:n]


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    return [digest_file(inputs.manifest), digest_file(inputs.pairs), *made_from(inputs.shards)]
