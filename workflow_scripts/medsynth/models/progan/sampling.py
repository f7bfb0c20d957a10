"""Images from a trained ProGAN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medsynth.models.progan.networks import Generator
from medsynth.models.progan.settings import ProganSampling
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8


@torch.no_grad()
def sample_progan(
    state: Mapping[str, Tensor],
    card: Mapping[str, Any],
    labels: np.ndarray,
    sampling: ProganSampling,
    *,
    seed: int,
    device: str | torch.device,
) -> Iterator[np.ndarray]:
    """One image for each label, batch after batch (uint8, NHWC).

    An image depends on (model, seed, label, its number within the label) only.

    Args:
        labels: (n,) positions in the card's ``classes``.
    """
    network = Generator(
        card["image_size"],
        card["image_channels"],
        len(card["classes"]),
        card["latent"],
        card["channels"],
    )
    network.load_state_dict(state)
    network.to(device).eval()
    of_images = sample_generators(labels, card["classes"], seed)
    for start in range(0, len(labels), sampling.batch):
        chosen = torch.from_numpy(labels[start : start + sampling.batch]).long().to(device)
        own = islice(of_images, len(chosen))
        z = torch.stack([torch.randn(card["latent"], generator=g) for g in own])
        yield to_uint8(network(z.to(device), chosen))
