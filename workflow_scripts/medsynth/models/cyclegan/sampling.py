"""Using a trained CycleGAN: images of one domain from those of the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from medsynth.models.contract import Translation, directions_of
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.runtime.run import Run
from medsynth.runtime.tensors import hu_to_network, network_to_hu
from medsynth.store.models import Model

SETTINGS = None
PREFIXES = ("G.", "F.")  # of the weights from domain A to B, and back


@torch.no_grad()
def generate(model: Model, request: Translation, settings: None, run: Run) -> Iterator[np.ndarray]:
    """Translate batches (B, H, W, C) of int16 HU slices, or of uint8 images, to such batches.

    The generators see and give values within the card's ``hu_range``. What they change there is
    added to the slice as it is, so that air and bone outside the range keep their values.
    """
    card, device = model.card, run.device
    prefix = PREFIXES[directions_of(card["domains"]).index(request.direction)]
    network = ResidualUNet(card["image_channels"], card["channels"], card["depth"])
    network.load_state_dict(
        {k.removeprefix(prefix): v for k, v in model.state.items() if k.startswith(prefix)}
    )
    network.to(device).eval()
    for source in request.batches:
        x = hu_to_network(source, card["hu_range"], device)
        change = network_to_hu(network(x), card["hu_range"]) - source.clip(*card["hu_range"])
        yield (source + change.round()).astype(source.dtype)
