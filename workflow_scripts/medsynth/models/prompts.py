"""Texts that images are asked for with: a user's own, or those of held-out patients."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import pandas as pd

from medsynth.runtime.seeding import numpy_rng
from medsynth.store.errors import MedsynthError
from medsynth.text.cleaning import has_words, is_no_text
from medsynth.text.tokenizer import Tokenizer

log = logging.getLogger(__name__)

PROMPTED = "prompt"  # stands for the label, which nobody knows of such images


class PromptError(MedsynthError):
    """A text that no image can be asked for with, or none at all."""


def usable_prompt(prompt: str, tokenizer: Tokenizer) -> str:
    """The prompt as training's texts are: cleaned, and with ___ for words that are not known.

    Raises:
        PromptError: it is empty, too long, no UTF-8, or the model knows none of its words.
    """
    if not prompt.strip():
        raise PromptError("an empty prompt; say what the image shows")
    if is_no_text(prompt):
        raise PromptError(
            "the prompt is no text in UTF-8, or has control characters; write it anew"
        )
    cleaned = tokenizer.clean(prompt)
    if not has_words(cleaned):
        raise PromptError(
            "the model knows no word of the prompt; take words of the reports it was trained on"
        )
    (length,) = tokenizer.lengths([cleaned])
    if length > tokenizer.longest:
        raise PromptError(
            f"the prompt is {length} tokens long, and the model reads {tokenizer.longest}; shorten"
            " it"
        )
    return cleaned


def prompted(prompts: Sequence[str], n: int) -> pd.DataFrame:
    """A row for each image to draw, `n` of every prompt, prompt after prompt.

    Returns:
        DataFrame(label, number, prompt), number counting from 0 within the prompt: images of one
        number have the same noise, and differ by the prompt alone.
    """
    rows = [(PROMPTED, number, prompt) for prompt in prompts for number in range(n)]
    return pd.DataFrame(rows, columns=["label", "number", "prompt"])


def with_held_out(request: pd.DataFrame, texts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The request with a text of a held-out patient whose image has the label, column prompt.

    Those of a label take turns in an order that is a function of (seed, label).

    Args:
        request: DataFrame(label, number, …).
        texts: DataFrame(label, text), of held-out images.

    Returns:
        The rows; labels that no held-out text has are left out, with a warning.

    Raises:
        PromptError: none of them has.
    """
    of_label = {
        label: numpy_rng(seed, "prompts", label).permutation(sorted(found))
        for label, found in texts.groupby("label")["text"]
    }
    known = request["label"].isin(of_label.keys())
    if lost := sorted(set(request["label"][~known])):
        log.warning("no held-out text has %s: no image is drawn", ", ".join(lost))
    if not known.any():
        raise PromptError(
            "no held-out image of the labels to draw has a text; hold out more patients"
            " (split.test_fraction), or name others in sample.labels"
        )
    request = request[known].reset_index(drop=True)
    drawn = [
        of_label[label][number % len(of_label[label])]
        for label, number in zip(request["label"], request["number"], strict=True)
    ]
    return request.assign(prompt=drawn)
