"""Drawing images from a trained DDPM, with guidance."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from medsynth.models.conditioning import condition
from medsynth.models.covariates import width
from medsynth.models.ddpm.prediction import Denoised, denoised
from medsynth.models.ddpm.process import NoiseModel, no_label
from medsynth.models.ddpm.samplers import SAMPLERS
from medsynth.models.ddpm.sampling_settings import DdpmSampling, cannot_draw
from medsynth.models.ddpm.schedule import Schedule, respaced, schedule_of
from medsynth.models.ddpm.training_settings import DdpmTraining, Diffusion
from medsynth.models.ddpm.unet import ConditionalUNet, Network, build_unet
from medsynth.models.guide.guidance import guide_of
from medsynth.models.resolution import enlarged
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_uint8
from medsynth.store.errors import MedsynthError
from medsynth.store.models import Model

SETTINGS = DdpmSampling
log = logging.getLogger(__name__)
Slope = Callable[[Tensor, float, Tensor], Tensor]  # of log p(labels | x) at x of this alpha_bar


class CannotDraw(MedsynthError):
    """A trained model is asked to draw in a way that its training does not allow."""


def unable(model: Model, settings: DdpmSampling) -> str | None:
    """Why a trained model cannot draw so; None if it can.

    For who asks it past the configuration, which refuses the same.
    """
    if why := cannot_draw(DdpmTraining.model_validate(model.card["settings"]), settings):
        return why
    if not settings.guide_scale:
        return None
    guide, classes = model.inputs.get("guide"), list(model.card["classes"])
    if guide is None:
        return (
            "guide_scale is above 0, and the model was trained without inputs.guide; set"
            " guide_scale: 0, or train a guide and name it"
        )
    if list(guide.card["classes"]) != classes:
        return (
            f"the guide knows {', '.join(guide.card['classes'])}, the model {', '.join(classes)};"
            " train both on the cohort as it is now"
        )
    return None


def refuse(why: str | None) -> None:
    """Raise CannotDraw, if there is a reason."""
    if why:
        raise CannotDraw(why)


def guided(model: NoiseModel, x: Tensor, t: Tensor, labels: Tensor, guidance: float) -> Tensor:
    """Classifier-free guidance: (1 + w) eps(x, c) - w eps(x) (Ho & Salimans 2022, eq. 6).

    Args:
        model: predicts the noise, or the velocity, for which the same holds: at one x and t each is
            a linear function of the other.
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


@torch.no_grad()
def sample(
    model: NoiseModel,
    labels: Tensor,
    shape: tuple[int, int, int],
    schedule: Schedule,
    generators: Sequence[torch.Generator],
    settings: DdpmSampling,
    predicts: str,
    guide: Slope | None = None,
) -> Tensor:
    """Images from noise, by the sampler that the settings name.

    Args:
        model: see :func:`guided`.
        labels: as there.
        shape: (C, H, W) of one image.
        schedule: the forward process, on the CPU.
        generators: one for each image, on the device of `labels`. All noise of an image comes from
            its own, so it does not depend on the images drawn beside it.
        settings: sampler, steps, guidance, clipping.
        predicts: what the model does, "noise" or "velocity".
        guide: a classifier's gradient, followed settings.guide_scale times; of x_T that holds
            nothing of the image it is not asked.

    Returns:
        (N, C, H, W) float32; the data's range is [-1, 1], which images may leave.
    """
    sampler, spacing = SAMPLERS[settings.sampler]
    visited = spacing(schedule, settings.steps or schedule.timesteps)
    chain = respaced(schedule, visited)

    def draw() -> Tensor:
        return torch.stack([torch.randn(shape, generator=g, device=g.device) for g in generators])

    def denoise(x: Tensor, i: int) -> Denoised:
        t = torch.full((len(labels),), visited[i], device=labels.device)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type == "cuda"):
            said = guided(model, x, t, labels, settings.guidance).float()
        signal, slope = chain.alphas_bar[i].item(), None
        if guide and signal > 0:
            slope = settings.guide_scale * guide(x, signal, labels)
        return denoised(x, said, signal, predicts, settings.clip, slope)

    x = draw()
    report_every = math.ceil(chain.timesteps / 5)
    steps = sampler(x, denoise, draw, chain)
    for done, x in enumerate(steps, start=1):  # noqa: B007
        left = chain.timesteps - done
        if left % report_every == 0:
            log.info("denoising: %d of %d steps left", left, chain.timesteps)
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
        request: N rows, of whose columns label, number and covariates are read.
        settings: batch, sampler, steps, guidance, clipping.
        run: all randomness derives from its seed, the label and the image's number; on CUDA the
            network computes in bfloat16 autocast, the sampler in float32.

    Yields:
        (B, H, W, C) uint8, in the order of the rows.

    Raises:
        CannotDraw: its training does not allow the sampler, the steps or the guidance, or it has no
            guide of its classes, and settings.guide_scale is above 0.
    """
    for x in drawn(model, request, settings, run):
        yield to_uint8(enlarged(x, model.card["image_size"]))


def drawn(
    model: Model, request: pd.DataFrame, settings: DdpmSampling, run: Run
) -> Iterator[Tensor]:
    """As :func:`generate`, but (B, C, H, W) as :func:`sample` gives them, not enlarged."""
    refuse(unable(model, settings))
    card, device = model.card, run.device
    guide = guide_of(model.inputs["guide"], device) if settings.guide_scale else None
    training = DdpmTraining.model_validate(card["settings"])
    size = training.image_size or card["image_size"]
    network = network_of(model, training, size, device, ConditionalUNet)
    schedule = schedule_of(training)

    for start in range(0, len(request), settings.batch):
        rows = request.iloc[start : start + settings.batch]
        wanted = condition(rows, card, device)
        generators = sample_generators(rows["label"], rows["number"], run.seed, device)
        log.info("images %d to %d of %d", start + 1, start + len(rows), len(request))
        shape = (card["image_channels"], size, size)
        yield sample(
            network, wanted, shape, schedule, generators, settings, training.predicts, guide
        )


def network_of(
    model: Model,
    training: Diffusion,
    size: int,
    device: str | torch.device,
    kind: Callable[..., Network],
) -> Network:
    """The network of a saved model, ready to be asked.

    Args:
        training: settings of the model's card.
        size: of the images that it was trained on, in pixels.
        kind: the class of the network, or what else makes it.
    """
    card = model.card
    extra = width(card.get("covariates", {}))
    classes = len(card["classes"])
    network = build_unet(card["image_channels"], size, classes, training.unet, extra, kind)
    network.load_state_dict(model.state)
    # Torch's types lack memory_format.
    return network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
