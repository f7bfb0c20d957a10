"""Training of the model that enlarges, on real images and what is left of them when made small."""

from __future__ import annotations

import torch
from torch import Tensor

from medsynth.models.cascade.network import Enlarging, SuperResolutionUNet
from medsynth.models.cascade.settings import CascadeTraining, level_of
from medsynth.models.contract import LabelledImages, Trained
from medsynth.models.ddpm.process import q_sample
from medsynth.models.ddpm.schedule import Schedule, schedule_of
from medsynth.models.ddpm.training import Design, fit
from medsynth.models.resolution import area_averaged, enlarged
from medsynth.runtime.run import TrainingRun

SETTINGS = CascadeTraining


def augmented(
    low: Tensor, most: int, schedule: Schedule, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Conditioning augmentation (Ho et al. 2022, sec. 4): z_s of eq. 4 of Ho et al. 2020.

    Args:
        low: (N, C, h, w) images in [-1, 1].
        most: highest level s.
        schedule: the forward process, on the device of `low`.
        rng: source of levels and noise, on that device.

    Returns:
        The noisy images, and the level (N,) of each, uniform over 0..most.
    """
    level = torch.randint(0, most + 1, (len(low),), generator=rng, device=low.device)
    noise = torch.randn(low.shape, generator=rng, device=low.device)
    return q_sample(low, level, noise, schedule), level


def train(data: LabelledImages, settings: CascadeTraining, run: TrainingRun) -> Trained:
    """Train as :func:`medsynth.models.ddpm.training.fit` does, with low-resolution images shown.

    These are area averages of the images themselves, as the input `low` was trained on; in
    validation they have no noise.
    """
    size = data.models["low"].card["settings"]["image_size"]
    schedule = schedule_of(settings).to(run.device)
    most = level_of(settings.low_noise, settings.timesteps)

    def ask(
        network: SuperResolutionUNet, x0: Tensor, rng: torch.Generator | None, part: slice
    ) -> Enlarging:
        low = area_averaged(x0, size)
        level = torch.zeros(len(x0), dtype=torch.long, device=x0.device)
        if rng:
            low, level = augmented(low, most, schedule, rng)
        shown = enlarged(low[part], x0.shape[-1])
        return Enlarging(network, shown, level[part], schedule, settings.predicts)

    return fit(data, settings, run, Design("cascade", SuperResolutionUNet, ask))
