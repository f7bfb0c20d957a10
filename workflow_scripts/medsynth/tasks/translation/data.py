"""What translation trains on: CT slices without (a) and with (b) contrast medium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsynth.cohorts.ct.pairs import pair_positions
from medsynth.models.contract import TwoDomains
from medsynth.store.digests import digest_file
from medsynth.store.manifests import TRAIN, in_split
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table


def training_data(inputs: Any) -> TwoDomains:
    """What to train on.

    Args:
        inputs: of the rule: `manifest`, `shards`, `pairs`.
    """
    train = in_split(read_table(inputs.manifest), TRAIN)
    folder = Path(inputs.shards[0]).parent
    ct = ImageStore(train[train["label"] == "ct"], folder)
    cect = ImageStore(train[train["label"] == "cect"], folder)
    pairs = pair_positions(read_table(inputs.pairs), ct.manifest, cect.manifest)
    return TwoDomains(ct, cect, pairs)


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    return [digest_file(inputs.manifest), digest_file(inputs.pairs), *made_from(inputs.shards)]
