"""The forward process and the training objective (Ho et al. 2020)."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from medsynth.models.ddpm.prediction import velocity
from medsynth.models.ddpm.schedule import Schedule

ALL = slice(None)


def q_sample(x0: Tensor, t: Tensor, noise: Tensor, schedule: Schedule) -> Tensor:
    """Noisy images x_t in one step from the data (Ho et al. 2020, eq. 4).

    Args:
        x0: (N, C, H, W) images in [-1, 1].
        t: (N,) timesteps, 0..T; 0 leaves the image as it is.
        noise: standard normal, shape of `x0`.
        schedule: tables on the device of `t`.

    Returns:
        sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) noise, in the dtype of `x0`.
    """
    signal = schedule.alphas_bar[t].view(-1, 1, 1, 1)
    return signal.sqrt().to(x0.dtype) * x0 + (1 - signal).sqrt().to(x0.dtype) * noise


def no_label(labels: Tensor, null: int) -> Tensor:
    """As many times "no label": the index `null`, or rows without one of the `null` findings.

    Covariates, which follow in a row, stay.
    """
    if labels.ndim == 1:
        return torch.full_like(labels, null)
    return torch.cat([torch.zeros_like(labels[:, :null]), labels[:, null:]], dim=1)


def drop_labels(labels: Tensor, share: float, null: int, generator: torch.Generator) -> Tensor:
    """Replace each label by none with probability `share` (Ho & Salimans 2022, Algorithm 1).

    The network so learns the unconditional noise as well, which guidance needs.
    """
    dropped = torch.rand(len(labels), generator=generator, device=labels.device) < share
    return torch.where(dropped.view(-1, *[1] * (labels.ndim - 1)), no_label(labels, null), labels)


class NoiseModel(Protocol):
    """Predicts noise or velocity from (x_t, t, labels); `null_label` means "no label"."""

    null_label: int

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor, /) -> Tensor: ...


def ddpm_loss(
    model: NoiseModel,
    x0: Tensor,
    labels: Tensor,
    schedule: Schedule,
    weights: Tensor,
    *,
    label_drop: float,
    generator: torch.Generator,
    predicts: str,
    part: slice = ALL,
) -> Tensor:
    """One evaluation of Algorithm 1 (Ho et al. 2020): weighted error of what is predicted.

    Args:
        model: predicts the noise or the velocity, and is asked for `part` of the images alone.
        x0: (N, C, H, W) images in [-1, 1].
        labels: (N,) int64 class indices, or (N, k + d) float32 rows of findings and
            covariates.
        schedule: the forward process, on the device of `x0`.
        weights: (T + 1,) weight of each timestep, e.g. :func:`p2_weights`.
        label_drop: probability of hiding a label.
        generator: source of t, noise and dropped labels, on the device of `x0`.
        predicts: what the model does, "noise" or "velocity" (Salimans & Ho 2022).
        part: of the images; what is drawn for each is as with all of them.

    Returns:
        Scalar: mean of weights[t] (target - predicted)^2 over pixels and the images of the part.
    """
    t = torch.randint(1, schedule.timesteps + 1, (len(x0),), generator=generator, device=x0.device)
    noise = torch.randn(x0.shape, generator=generator, device=x0.device, dtype=x0.dtype)
    labels = drop_labels(labels, label_drop, model.null_label, generator)
    x0, t, noise, labels = x0[part], t[part], noise[part], labels[part]
    predicted = model(q_sample(x0, t, noise, schedule), t, labels)
    target = noise
    if predicts == "velocity":
        target = velocity(x0, noise, schedule.alphas_bar[t].view(-1, 1, 1, 1).to(x0.dtype))
    error = (predicted.to(x0.dtype) - target).square().mean(dim=(1, 2, 3))
    return (weights[t].to(x0.dtype) * error).mean()
