"""What reporting trains on: images and their texts as tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.models.contract import DescribedImages
from medsynth.store.digests import digest_file
from medsynth.store.manifests import TRAIN, VALIDATE, in_split
from medsynth.store.shards import ImageStore, made_from
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.labelled import in_turn
from medsynth.tasks.texts import NoTexts, refuse_one_text
from medsynth.text.tokenizer import Tokenizer


def described(manifest: pd.DataFrame, texts: pd.DataFrame, split: str) -> pd.DataFrame:
    """The rows of a split whose images have a text, with the column `text`."""
    own = texts.loc[texts["text"].notna(), ["item_id", "text"]]
    rows = in_split(manifest, split).drop(columns="text", errors="ignore")
    return rows.merge(own, on="item_id", validate="one_to_one")


def training_data(inputs: Any, seed: int, validation_images: int) -> DescribedImages:
    """What to train on, and what the step that is kept is chosen by.

    Args:
        inputs: of the rule: `manifest`, `shards`, `texts`, `tokenizer`.
        seed: decides which validation images, where there are more than wanted.
        validation_images: wanted at most; every patient's first before anybody's second.

    Raises:
        NoTexts: no training image has one, or all have the same.
    """
    manifest, texts = read_table(inputs.manifest), read_table(inputs.texts)
    tokenizer = Tokenizer.load(inputs.tokenizer)
    folder = Path(inputs.shards[0]).parent

    def images(rows: pd.DataFrame) -> DescribedImages:
        store = ImageStore(rows, folder)
        tokens = tokenizer.encode(store.manifest["text"].tolist())
        return DescribedImages(store, tokens, dict(tokenizer.content))

    train = described(manifest, texts, TRAIN)
    if train.empty:
        raise NoTexts(
            f"{inputs.texts}: no image of the {TRAIN} split has a text; its column reason says why"
        )
    held_out = in_turn(described(manifest, texts, VALIDATE), seed)[:validation_images].sort_index()
    validation, training = images(held_out) if len(held_out) else None, images(train)
    refuse_one_text(training.tokens, inputs.texts)
    return replace(training, validation=validation)


def data_digests(inputs: Any) -> list[str]:
    """What tells these data from others."""
    files = inputs.manifest, inputs.texts, inputs.tokenizer
    return [*map(digest_file, files), *made_from(inputs.shards)]
