"""Using a trained CycleGAN: CT slices with contrast medium from those without, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.runtime.tensors import hu_to_network, network_to_hu

Direction = Literal["ct_to_cect", "cect_to_ct"]
PREFIXES: dict[Direction, str] = {"ct_to_cect": "G.", "cect_to_ct": "F."}


def model_card(
    settings: CycleganTraining, *, image_size: int, image_channels: int
) -> dict[str, Any]:
    """What `translate` needs to know beside the weights; image_size is for people."""
    return {
        "family": "cyclegan",
        "image_size": image_size,
        "image_channels": image_channels,
        "channels": settings.channels,
        "depth": settings.depth,
        "hu_range": list(settings.hu_range),
    }


@torch.no_grad()
def translate(
    state: Mapping[str, Tensor],
    card: Mapping[str, Any],
    batches: Iterable[np.ndarray],
    direction: Direction,
    device: str | torch.device,
) -> Iterator[np.ndarray]:
    """Translate batches (B, H, W, C) of int16 HU slices to such batches.

    The generators see and give HU within the card's ``hu_range``. What they change there is added
    to the slice as it is, so that air and bone outside the range keep their values.
    """
    prefix = PREFIXES[direction]
    network = ResidualUNet(card["image_channels"], card["channels"], card["depth"])
    network.load_state_dict(
        {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    )
    network.to(device).eval()
    for source in batches:
        x = hu_to_network(source, card["hu_range"], device)
        change = network_to_hu(network(x), card["hu_range"]) - source.clip(*card["hu_range"])
        yield (source + change.round()).astype(source.dtype)
