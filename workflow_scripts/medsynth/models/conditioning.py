"""What images are asked for, in the words of a model's card, and as its network takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from medsynth.models.covariates import appended
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import class_indices, multi_hot
from medsynth.store.tables.findings import JOINT, joined


class LabelError(MedsynthError):
    """A label that a model does not know, or none at all."""


def combinations(labels: np.ndarray, classes: Sequence[str]) -> dict[str, int]:
    """How many training images have each combination of findings, by their label.

    Args:
        labels: multi-hot, (n, k).
    """
    rows, counts = np.unique(labels > 0, axis=0, return_counts=True)
    names = [joined(np.array(classes)[row]) for row in rows]
    return dict(sorted(zip(names, counts.tolist(), strict=True)))


def label_facts(labels: np.ndarray, classes: Sequence[str]) -> dict[str, Any]:
    """What a card says of the labels (n,) or, if images have several, (n, k) of a training."""
    return {"combinations": combinations(labels, classes)} if labels.ndim == 2 else {}


def known_label(asked: str, card: Mapping[str, Any]) -> str:
    """A label in the spelling of the model; findings may stand in any order.

    Raises:
        LabelError: the model knows no such class.
    """
    classes = card["classes"]
    findings = [asked]
    if "combinations" in card:
        findings = [finding.strip() for finding in asked.split(JOINT)]
    if unknown := [name for name in findings if name not in classes]:
        raise LabelError(
            f"no label {', '.join(map(repr, unknown))}; the model knows"
            f" {', '.join(map(repr, classes))}"
        )
    return joined(set(findings))


def usual_labels(card: Mapping[str, Any], at_least: int) -> list[str]:
    """The classes or, of images with several, the combinations that are not too rare.

    Raises:
        LabelError: all combinations are.
    """
    if "combinations" not in card:
        return list(card["classes"])
    usual = [name for name, n in card["combinations"].items() if n >= at_least]
    if not usual:
        raise LabelError(
            f"no combination of findings has {at_least} training images; lower at_least, or name"
            " the labels to draw"
        )
    return usual


def wanted(
    card: Mapping[str, Any], labels: Iterable[str] | None, n: int, at_least: int
) -> pd.DataFrame:
    """A row for each image to draw: `n` of every label, label after label.

    Args:
        labels: None: see :func:`usual_labels`.
        at_least: training images of a combination that is drawn unasked.

    Returns:
        DataFrame(label, number), number counting from 0 within the label, and, of images with
        several findings, training_images, how many with these very findings the model was trained
        on; 0: it never saw them together.

    Raises:
        LabelError: a label that the model does not know.
    """
    names = (
        usual_labels(card, at_least)
        if labels is None
        else [known_label(name, card) for name in labels]
    )
    rows = [(name, number) for name in names for number in range(n)]
    table = pd.DataFrame(rows, columns=["label", "number"])
    if "combinations" in card:
        seen = table["label"].map(card["combinations"]).fillna(0).astype(int)
        table["training_images"] = seen
    return table


def condition(rows: pd.DataFrame, card: Mapping[str, Any], device: str | torch.device) -> Tensor:
    """Rows as a network takes them: (n,) int64 indices or, if it takes several, (n, k) float32.

    Of one finding an image both say the same, and the first is looked up, not multiplied.
    Covariates follow in the columns from k on.
    """
    classes = card["classes"]
    if "combinations" not in card and "covariates" not in card:
        return torch.from_numpy(class_indices(rows, classes)).to(device)
    hot = multi_hot(rows["label"], classes)
    if "covariates" in card:
        hot = appended(hot, len(classes), rows, card["covariates"])
    return torch.from_numpy(hot).to(device)
