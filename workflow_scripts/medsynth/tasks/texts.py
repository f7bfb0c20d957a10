"""Texts of a cohort's items as what trains and draws takes them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from medsynth.models.contract import LabelledImages, ToldImages
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import TEST, USED, in_split
from medsynth.store.tables.parquet import read_table
from medsynth.text.tokenizer import PAD, Tokenizer


class NoTexts(MedsynthError):
    """There are no texts that can be used, or none that tells images apart."""


def refuse_one_text(tokens: np.ndarray, table: str) -> None:
    """Refuse texts of which a model would learn nothing.

    Args:
        tokens: of the training images, (n, longest); padding alone where there is no text.
        table: the cohort's texts.parquet, for the message.

    Raises:
        NoTexts: all texts are the same, as far as they are read.
    """
    texts = tokens[tokens[:, 0] != PAD]
    if (texts == texts[:1]).all():
        raise NoTexts(
            f"{table}: the {len(texts)} texts of the training images are the same in their first"
            f" {tokens.shape[1]} tokens, so that they tell no image from another; raise"
            " text.longest, lower text.min_patients, or correct where texts are taken from"
        )


def told(data: LabelledImages, inputs: Any) -> ToldImages:
    """The same images with their texts; one without a text is padding alone.

    Args:
        inputs: of the rule: `texts`, `tokenizer`.

    Raises:
        NoTexts: see :func:`refuse_one_text`.
    """
    tokenizer = Tokenizer.load(inputs.tokenizer)
    texts = used_texts(read_table(inputs.texts))

    def with_texts(images: LabelledImages) -> ToldImages:
        given = {field.name: getattr(images, field.name) for field in fields(images)}
        tokens = tokens_of(images.manifest, texts, tokenizer)
        return ToldImages(**given, tokens=tokens, tokenizer=tokenizer.content)

    held_out, train = data.validation and with_texts(data.validation), with_texts(data)
    refuse_one_text(train.tokens, inputs.texts)
    return replace(train, validation=held_out)


def used_texts(texts: pd.DataFrame) -> pd.Series:
    """The usable texts of a cohort's texts.parquet, by item."""
    return texts[texts["status"] == USED].set_index("item_id")["text"]


def tokens_of(manifest: pd.DataFrame, texts: pd.Series, tokenizer: Tokenizer) -> np.ndarray:
    """The texts of the rows as numbers, (n, longest) int64; padding where there is none."""
    found = texts.reindex(manifest["item_id"])
    tokens = np.full((len(found), tokenizer.longest), PAD, np.int64)
    there = found.notna().to_numpy()
    tokens[there] = tokenizer.encode(found[there].tolist())
    return tokens


def held_out_texts(manifest: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """DataFrame(label, text) of the images of held-out patients that have a text."""
    rows = in_split(manifest, TEST)
    found = used_texts(texts).reindex(rows["item_id"]).to_numpy()
    return pd.DataFrame({"label": rows["label"].to_numpy(), "text": found}).dropna()
