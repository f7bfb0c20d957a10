"""What trained models are asked for from Python, checked before anything is made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from medsynth.models.conditioning import LabelError, usual_labels, wanted
from medsynth.models.covariates import CovariateError, with_drawn
from medsynth.models.prompts import PromptError, prompted, usable_prompt
from medsynth.store.errors import MedsynthError
from medsynth.text.tokenizer import Tokenizer

Names = str | Sequence[str] | None
COPIES = 3  # of all images, while they are put together and written


class RequestError(MedsynthError):
    """A model is asked for what it cannot make."""


REFUSALS = (RequestError, LabelError, CovariateError, PromptError)


NUMBERS = ("n", "seed")  # of a request that is a row of a frame


def columns_asked(card: Mapping[str, Any]) -> list[str]:
    """Columns of a frame of requests, as MLflow gives it to a generative model.

    Args:
        card: of the model.
    """
    condition = "prompt" if "tokenizer" in card else "label"
    return [condition, *NUMBERS, *card.get("covariates", {})]


class Request(NamedTuple):
    """A row for every image to generate, and the family's settings of sampling."""

    rows: pd.DataFrame
    settings: Any


def rows_asked(
    card: Mapping[str, Any], labels: Names, prompts: Names, n: int, sampling: Any
) -> pd.DataFrame:
    """A row for each image to generate, `n` of every label, or of every prompt, which is cleaned.

    Args:
        card: of a generative model.
        labels: of its classes; None for the usual ones.
        prompts: texts, of a model that is conditioned on one.
        sampling: settings, of which at_least and covariates are read.

    Raises:
        REFUSALS: the model knows no such label or covariate, or cannot be asked so, or a prompt is
            empty or too long, or the images are none or too many.
    """
    if prompts is not None or "tokenizer" in card:
        return _rows_of_prompts(card, labels, prompts, n)
    return _rows_of_labels(card, labels, n, sampling)


def _rows_of_labels(card: Mapping[str, Any], labels: Names, n: int, sampling: Any) -> pd.DataFrame:
    names = None if labels is None else _names(labels)
    if names is None and labels is not None:
        raise RequestError(f"labels are names, one or a list of them, not {labels!r}")
    _refuse_too_many(card, n * len(names or usual_labels(card, sampling.at_least)))
    rows = wanted(card, names, n, sampling.at_least)
    asked, known = getattr(sampling, "covariates", {}), card.get("covariates", {})
    rows = with_drawn(rows, None, known, asked, seed=0)
    if rows.empty:
        raise RequestError("no images asked for: give at least one label")
    return rows


def _rows_of_prompts(
    card: Mapping[str, Any], labels: Names, prompts: Names, n: int
) -> pd.DataFrame:
    if "tokenizer" not in card:
        raise RequestError("this model is conditioned on labels, not on a text")
    given = _names(prompts)
    if not given or labels is not None:
        raise RequestError(
            "this model is conditioned on a text; say by prompts (--prompt) what the images show,"
            " and leave labels out"
        )
    _refuse_too_many(card, n * len(given))
    tokenizer = Tokenizer(card["tokenizer"])
    return prompted([usable_prompt(one, tokenizer) for one in given], n)


def _refuse_too_many(card: Mapping[str, Any], n: int) -> None:
    """Refuse images that memory does not hold."""
    size, free = card["image_size"] ** 2 * card["image_channels"], _free_memory()
    if n * size * COPIES > free:
        raise RequestError(
            f"{n} images are {n * size / 2**30:,.1f} GiB, held {COPIES} times at once, and"
            f" {free / 2**30:,.1f} GiB of memory are free; ask for fewer at a time, each with a"
            " seed of its own"
        )


def given_images(images: Any, card: Mapping[str, Any], does: str) -> np.ndarray:
    """Images as (N, H, W, C), if they are as those that a model was trained on.

    Args:
        images: (N, H, W, C) or, of grey ones, (N, H, W).
        does: what the model does with them, for the message.

    Raises:
        RequestError: they are of another form, or none.
    """
    try:
        given: np.ndarray = np.asarray(images)
    except ValueError:  # of different sizes
        raise RequestError(
            f"images are no array; this model {does} an array of images of one size"
        ) from None
    stack = given[..., None] if given.ndim == 3 else given
    size = card["image_size"]
    form = (size, size, card["image_channels"])
    dtype = np.dtype(card.get("dtype", "uint8"))
    unit = "uint8" if dtype == np.uint8 else "int16 Hounsfield units"
    if stack.shape[1:] != form or stack.dtype != dtype or not len(stack):
        raise RequestError(
            f"images are {given.shape} {given.dtype}; this model {does}"
            f" (N, {', '.join(map(str, form))}) {unit}, N of 1 or more"
        )
    return np.require(stack, requirements=["C", "W"])  # mirrored or read-only: copied for torch


def _free_memory() -> int:
    """Bytes that can be had without swapping."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _names(given: Any) -> list[str] | None:
    """One name or several in their order, as a list; None if they are none, or have no order."""
    if isinstance(given, str):
        return [given]
    if not isinstance(given, Iterable) or isinstance(given, Set | Mapping):
        return None
    names = list(given)
    return names if all(isinstance(name, str) for name in names) else None
