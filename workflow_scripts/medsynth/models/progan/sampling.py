"""Images from a trained ProGAN."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch

from medsynth.models.conditioning import condition
from medsynth.models.progan.networks import Generator
from medsynth.models.progan.settings import ProganSampling
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8
from medsynth.store.models import Model

SETTINGS = ProganSampling


@torch.no_grad()
def generate(
    model: Model, request: pd.DataFrame, settings: ProganSampling, run: Run
) -> Iterator[np.ndarray]:
    """One image for each row of the request, batch after batch (uint8, NHWC).

    An image depends on (model, seed, label, its number within the label) only.

    Args:
        request: rows, of whose columns label and number are read.
    """
    card, device = model.card, run.device
    network = Generator(
        card["image_size"],
        card["image_channels"],
        len(card["classes"]),
        card["latent"],
        card["channels"],
    )
    network.load_state_dict(model.state)
    network.to(device).eval()
    for start in range(0, len(request), settings.batch):
        rows = request.iloc[start : start + settings.batch]
        chosen = condition(rows, card, device)
        own = sample_generators(rows["label"], rows["number"], run.seed)
        z = torch.stack([torch.randn(card["latent"], generator=g) for g in own])
        yield to_uint8(network(z.to(device), chosen))
