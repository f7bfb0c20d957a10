"""The loss of a DDPM on images that it is judged by: the same noise at every look."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from medsynth.models.contract import LabelledImages
from medsynth.models.ddpm.prediction import noise_of_velocity
from medsynth.models.ddpm.process import q_sample
from medsynth.models.ddpm.schedule import Schedule
from medsynth.models.validation import Figures, Judge
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import generator
from medsynth.runtime.tensors import to_network
from medsynth.store.shards import Images

LEVELS = 2  # noise levels at which each image is looked at
Predict = Callable[[Tensor, Tensor, Tensor], Tensor]  # of (x_t, t, labels)
Ask = Callable[[Tensor], Predict]  # who is asked about images x0: models are told of them


class Look(NamedTuple):
    """How images are looked at.

    seed, part: noise and levels of an image are functions of these and of its position; part is
        which images they are, such as "validate".
    batch: images together.
    """

    seed: int
    part: str
    batch: int
    device: torch.device


def levels(position: int, timesteps: int, look: Look) -> list[int]:
    """The noise levels of an image, one t of each of `LEVELS` equal stretches of 1..T."""
    draw = torch.rand(LEVELS, generator=generator(look.seed, "level", look.part, position))
    return [1 + int((k + share) * timesteps / LEVELS) for k, share in enumerate(draw.tolist())]


@torch.inference_mode()
def simple_losses(
    ask: Ask,
    images: Images,
    labels: np.ndarray,
    positions: np.ndarray,
    schedule: Schedule,
    look: Look,
    predicts: str,
) -> np.ndarray:
    """Ho et al. 2020, eq. 14: squared error of the predicted noise, every level weighing the same.

    A later look differs by the weights alone. Predicting no noise at all gives 1 on average.

    Args:
        ask: whom to ask, who predicts the noise, or the velocity; no label is hidden.
        images: uint8.
        labels: of all images, as the model takes them.
        positions: (n,) of the images to look at.
        predicts: what the model does, "noise" or "velocity".

    Returns:
        (n,) float64, means over pixels and levels.
    """
    pairs = [(p, t) for p in positions.tolist() for t in levels(p, schedule.timesteps, look)]
    errors = []
    for start in range(0, len(pairs), look.batch):
        some = pairs[start : start + look.batch]
        where, t = map(list, zip(*some, strict=True))
        x0, steps = to_network(images.read(where), look.device), torch.tensor(t).to(look.device)
        noise = torch.stack([_noise(x0.shape[1:], look, *pair) for pair in some]).to(look.device)
        shown = torch.from_numpy(labels[where]).to(look.device)
        with torch.autocast(look.device.type, torch.bfloat16, enabled=look.device.type == "cuda"):
            x = q_sample(x0, steps, noise, schedule)
            predicted = ask(x0)(x, steps, shown).float()
        if predicts == "velocity":
            signal = schedule.alphas_bar[steps].view(-1, 1, 1, 1).float()
            predicted = noise_of_velocity(predicted, x, signal)
        error = (predicted - noise).square().mean(dim=(1, 2, 3))
        errors.append(error.double().cpu().numpy())
    return np.concatenate(errors).reshape(len(positions), LEVELS).mean(1)


def judge_of(
    data: LabelledImages,
    ask: Ask,
    schedule: Schedule,
    *,
    predicts: str,
    conditions: Callable[[LabelledImages], np.ndarray],
    batch: int,
    run: Run,
) -> Judge | None:
    """By the loss on validation images; beside it stands that on as many training images.

    Args:
        ask, schedule, predicts: as of :func:`simple_losses`.
        conditions: labels of all images as the model takes them.
        batch: images at once.
        run: its seed decides noise, levels and which training images are compared.

    Returns:
        None where there are no validation images.
    """
    held_out = data.validation
    if not held_out:
        return None
    positions = {"validate": np.arange(len(held_out.images)), "train": data.compared(run.seed)}
    labels = {"validate": conditions(held_out), "train": conditions(data)}

    def losses(part: str, of: LabelledImages, ask: Ask, what: str) -> np.ndarray:
        look = Look(run.seed, part, batch, torch.device(run.device))
        shown = labels[part], positions[part]
        return simple_losses(ask, of.images, *shown, schedule, look, what)

    def look() -> Figures:
        beside = losses("train", data, ask, predicts).mean()
        values = losses("validate", held_out, ask, predicts)
        return Figures(values, {"train_denoising_loss": float(beside)})

    copied = losses("validate", held_out, lambda x0: lambda x, t, y: x, "noise").mean()
    baselines = {"no noise predicted": 1.0, "the noisy image taken for noise": float(copied)}
    return Judge("denoising_loss", look, held_out.patients, baselines)


def _noise(shape: torch.Size, look: Look, position: int, t: int) -> Tensor:
    # Drawn on the CPU, so that a GPU sees the same.
    return torch.randn(shape, generator=generator(look.seed, "noise", look.part, position, t))
