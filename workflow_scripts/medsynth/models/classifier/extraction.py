"""What the trained classifier sees in images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from medsynth.models.classifier.network import Classifier
from medsynth.runtime.tensors import to_network


class Seen(NamedTuple):
    """What the classifier sees in n images, float64.

    Attributes:
        statistics: (n, d), of every layer.
        places: (n, d'), a map of the last block, unpooled.
        probabilities: (n, k), of the classes, which add up to 1, or, where images have several
            findings, of each.
    """

    statistics: np.ndarray
    places: np.ndarray
    probabilities: np.ndarray


def classifier_of(
    state: Mapping[str, Tensor], card: Mapping[str, Any], device: str | torch.device
) -> Classifier:
    """The network of a trained classifier."""
    network = Classifier(
        card["image_size"],
        card["image_channels"],
        len(card["classes"]),
        card["channels"],
        card["features"],
        card.get("noisy", False),
    )
    network.load_state_dict(state)
    return network.to(device).eval()


@torch.inference_mode()
def extract(
    state: Mapping[str, Tensor],
    card: Mapping[str, Any],
    batches: Iterable[np.ndarray],
    device: str | torch.device,
) -> Seen:
    """What the classifier sees in images, which come in batches (b, H, W, C) of uint8.

    Returns:
        see :meth:`medsynth.classify.network.Classifier.look`; classes in card order.

    Raises:
        ValueError: the images differ in size or channels from those it was trained on.
    """
    expected = (card["image_size"], card["image_size"], card["image_channels"])
    network = classifier_of(state, card, device)
    several = "combinations" in card

    def look(images: np.ndarray) -> Seen:
        statistics, logits, places = network.look(to_network(images, device))
        logits = logits.double()
        probabilities = logits.sigmoid() if several else logits.softmax(1)
        parts = statistics, places.flatten(1), probabilities
        return Seen(*(part.double().cpu().numpy() for part in parts))

    found = []
    for images in batches:
        if images.shape[1:] != expected or images.dtype != np.uint8:
            raise ValueError(
                f"images are {images.shape[1:]} {images.dtype}, the classifier was trained on"
                f" {expected} uint8; train a classifier on a cohort with the same image settings"
            )
        found.append(look(images))
    if not found:  # of no image, the shapes
        found = [Seen(*(part[:0] for part in look(np.zeros((1, *expected), np.uint8))))]
    return Seen(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
