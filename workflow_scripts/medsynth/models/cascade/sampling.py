"""Drawing with the model of lower resolution, and enlarging what it has drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from medsynth.models.cascade.network import Enlarging, SuperResolutionUNet
from medsynth.models.cascade.settings import (
    CascadeSampling,
    CascadeTraining,
    level_of,
    unusable_level,
)
from medsynth.models.conditioning import condition
from medsynth.models.ddpm import sampling as ddpm
from medsynth.models.ddpm.process import q_sample
from medsynth.models.ddpm.sampling import drawn, network_of, refuse, sample
from medsynth.models.ddpm.sampling_settings import cannot_draw
from medsynth.models.ddpm.schedule import schedule_of
from medsynth.models.resolution import enlarged
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8
from medsynth.store.models import Model

SETTINGS = CascadeSampling
# Of low-resolution images, labels, and a source of noise for each image.
Enlarge = Callable[[Tensor, Tensor, Sequence[torch.Generator]], Tensor]


def unable(model: Model, settings: CascadeSampling) -> str | None:
    """As :func:`medsynth.models.ddpm.sampling.unable`, of both models."""
    training = CascadeTraining.model_validate(model.card["settings"])
    why = cannot_draw(training, settings) or unusable_level(training, settings)
    return why or ddpm.unable(model.inputs["low"], settings)


def generate(
    model: Model, request: pd.DataFrame, settings: CascadeSampling, run: Run
) -> Iterator[np.ndarray]:
    """Draw one image for every row of the request, batch after batch.

    Each is what the input `low` draws for the same seed, label and number (with the same settings
    its own sample, before that was enlarged), made larger with noise of its own.

    Args:
        model: as :func:`medsynth.models.cascade.training.train` makes it.
        request, run: as of :func:`medsynth.models.ddpm.sampling.generate`.
        settings: of both models; and the noise that is put on what is enlarged.

    Yields:
        (B, H, W, C) uint8, in the order of the rows.
    """
    enlarge = enlarger(model, settings, run)
    start = 0
    for low in drawn(model.inputs["low"], request, settings, run):
        rows = request.iloc[start : start + len(low)]
        own = sample_generators(rows["label"], rows["number"], run.seed, run.device, "enlarged")
        yield to_uint8(enlarge(low.clamp(-1, 1), condition(rows, model.card, run.device), own))
        start += len(low)


def enlarger(model: Model, settings: CascadeSampling, run: Run) -> Enlarge:
    """How a saved model enlarges images (N, C, h, w) in [-1, 1], at the level of the settings.

    The augmentation is the non-truncated one (Ho et al. 2022, sec. 4.2): images without noise are
    given noise again, so that one sample of the input serves at every level.
    """
    refuse(unable(model, settings))
    card = model.card
    training = CascadeTraining.model_validate(card["settings"])
    network = network_of(model, training, card["image_size"], run.device, SuperResolutionUNet)
    schedule = schedule_of(training)
    forward = schedule.to(run.device)
    level = level_of(settings.low_noise, training.timesteps)
    shape = (card["image_channels"], card["image_size"], card["image_size"])

    def enlarge(low: Tensor, labels: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        noise = torch.stack(
            [torch.randn(low.shape[1:], generator=g, device=g.device) for g in generators]
        )
        levels = torch.full((len(low),), level, device=low.device)
        shown = enlarged(q_sample(low, levels, noise, forward), shape[-1])
        asked = Enlarging(network, shown, levels, forward, training.predicts)
        return sample(asked, labels, shape, schedule, generators, settings, training.predicts)

    return enlarge
