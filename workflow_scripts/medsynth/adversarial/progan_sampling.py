"""Images from a trained ProGAN."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medsynth.adversarial.progan import Generator
from medsynth.runtime.config.models import ProganSampling
from medsynth.runtime.seeding import generator
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

    Image i depends on (seed, i) and its label only.

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
    for start in range(0, len(labels), sampling.batch):
        chosen = torch.from_numpy(labels[start : start + sampling.batch]).long().to(device)
        z = torch.stack(
            [
                torch.randn(card["latent"], generator=generator(seed, "sample", start + k))
                for k in range(len(chosen))
            ]
        )
        yield to_uint8(network(z.to(device), chosen))
