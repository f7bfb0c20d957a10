"""Drawing images from a trained DDPM: Algorithm 2 of Ho et al. 2020 with guidance."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from medsynth.models.conditioning import condition
from medsynth.models.covariates import width
from medsynth.models.ddpm.process import NoiseModel, no_label
from medsynth.models.ddpm.schedule import Schedule, linear_schedule
from medsynth.models.ddpm.settings import DdpmSampling, DdpmTraining
from medsynth.models.ddpm.unet import build_unet
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8
from medsynth.store.models import Model

SETTINGS = DdpmSampling
log = logging.getLogger(__name__)


def guided_noise(
    model: NoiseModel, x: Tensor, t: Tensor, labels: Tensor, guidance: float
) -> Tensor:
    """Classifier-free guidance: (1 + w) eps(x, c) - w eps(x) (Ho & Salimans 2022, eq. 6).

    Args:
        model: predicts the noise.
        x: (N, C, H, W) noisy images.
        t: (N,) timesteps.
        labels: (N,) class indices, or (N, k + d) rows of findings and covariates; "no label" leaves
            the covariates, so that guidance strengthens the label alone.
        guidance: w; 0 is the conditional model alone, and costs half.
    """
    if guidance == 0:
        return model(x, t, labels)
    null = no_label(labels, model.null_label)
    both = model(torch.cat([x, x]), torch.cat([t, t]), torch.cat([labels, null]))
    conditional, unconditional = both.chunk(2)
    return (1 + guidance) * conditional - guidance * unconditional


def ancestral_step(
    x: Tensor, predicted: Tensor, t: int, noise: Tensor, schedule: Schedule
) -> Tensor:
    """From x_t to x_(t-1): line 4 of Algorithm 2 (Ho et al. 2020) with sigma_t^2 = beta_t.

    Args:
        x: images at timestep t.
        predicted: the predicted noise, shape of `x`.
        t: 1..T.
        noise: z, standard normal, shape of `x`; the last step (t = 1) does not use it.
        schedule: the forward process.
    """
    beta, alpha_bar = schedule.betas[t].item(), schedule.alphas_bar[t].item()
    mean = (x - beta / math.sqrt(1 - alpha_bar) * predicted) / math.sqrt(1 - beta)
    return mean if t == 1 else mean + math.sqrt(beta) * noise


@torch.no_grad()
def sample(
    model: NoiseModel,
    labels: Tensor,
    shape: tuple[int, int, int],
    schedule: Schedule,
    generators: Sequence[torch.Generator],
    *,
    guidance: float,
) -> Tensor:
    """Algorithm 2 (Ho et al. 2020), as printed: x_0 is clipped nowhere.

    Args:
        model: see :func:`guided_noise`.
        labels: as there.
        shape: (C, H, W) of one image.
        schedule: the forward process, on the CPU.
        generators: one for each image, on the device of `labels`. All noise of an image comes from
            its own, so it does not depend on the images drawn beside it.
        guidance: w.

    Returns:
        (N, C, H, W) float32; the data's range is [-1, 1], which images may leave.
    """

    def draw() -> Tensor:
        return torch.stack([torch.randn(shape, generator=g, device=g.device) for g in generators])

    x = draw()
    report_every = math.ceil(schedule.timesteps / 5)
    for t in range(schedule.timesteps, 0, -1):
        steps = torch.full((len(labels),), t, device=labels.device)
        predicted = guided_noise(model, x, steps, labels, guidance)
        x = ancestral_step(x, predicted, t, draw(), schedule)
        if (t - 1) % report_every == 0:
            log.info("denoising: %d of %d timesteps left", t - 1, schedule.timesteps)
    return x


def generate(
    model: Model, request: pd.DataFrame, settings: DdpmSampling, run: Run
) -> Iterator[np.ndarray]:
    """Draw one image for every row of the request from a saved model, batch after batch.

    An image depends on (model, seed, label, its number within the label) only: its noise is its
    own, whatever is drawn beside it. The network itself may round differently in batches of
    another size.

    Args:
        model: as :func:`medsynth.models.ddpm.training.train` makes it.
        request: N rows, of whose columns label and covariates are read.
        settings: batch and guidance.
        run: all randomness derives from its seed, the label and the image's number; without
            autocast.

    Yields:
        (B, H, W, C) uint8, in the order of the rows.
    """
    card, device = model.card, run.device
    training = DdpmTraining.model_validate(card["settings"])
    channels, size = card["image_channels"], card["image_size"]
    extra = width(card.get("covariates", {}))
    network = build_unet(channels, size, len(card["classes"]), training.unet, extra)
    network.load_state_dict(model.state)
    # Torch's types lack memory_format.
    network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    schedule = linear_schedule(training.timesteps, training.beta_start, training.beta_end)

    of_images = sample_generators(request["label"], run.seed, device)
    for start in range(0, len(request), settings.batch):
        rows = request.iloc[start : start + settings.batch]
        wanted = condition(rows, card, device)
        generators = list(islice(of_images, len(rows)))
        log.info("images %d to %d of %d", start + 1, start + len(rows), len(request))
        shape = (channels, size, size)
        x = sample(network, wanted, shape, schedule, generators, guidance=settings.guidance)
        yield to_uint8(x)
