"""Training of a classifier on images with every amount of noise."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import learn
from medsynth.models.contract import LabelledImages, Trained
from medsynth.runtime.run import TrainingRun

SETTINGS = ClassifierTraining


def noised(x: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Images x (n, C, H, W) with noise, sqrt(a) x + sqrt(1 - a) z, and a of each (n,).

    sqrt(a) is the cosine of an angle that is even between none and nothing but noise, so that the
    classifier can guide along every noise schedule.
    """
    # Drawn on the CPU, so that a GPU sees the same.
    angle = torch.rand(len(x), generator=noise) * math.pi / 2
    z = torch.randn(x.shape, generator=noise).to(x.device)
    up, down = (part.view(-1, 1, 1, 1).to(x.device) for part in (angle.cos(), angle.sin()))
    return up * x + down * z, up.square().flatten()


def train(data: LabelledImages, settings: ClassifierTraining, run: TrainingRun) -> Trained:
    """As the classifier that judges is trained, on :func:`noised` images; so are its curves."""
    trained = learn(data, settings, run, noised)
    return replace(trained, card=trained.card | {"family": "guide", "noisy": True})
