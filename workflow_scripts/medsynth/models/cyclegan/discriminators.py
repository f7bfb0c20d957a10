"""The CycleGAN discriminators: judges of overlapping patches."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from medsynth.models.cyclegan.generators import draw_weights
from medsynth.models.norms import group_norm


def halvings(image_size: int) -> int:
    """Strided layers for an image: the 70x70 PatchGAN's 3 at 256 pixels, fewer below.

    Receptive fields are 16, 34 and 70 pixels for 1, 2 and 3 (Isola et al. 2017, section 6.1.2).
    """
    return min(max(round(math.log2(image_size)) - 5, 1), 3)


class PatchDiscriminator(nn.Module):
    """PatchGAN (Isola et al. 2017) without a sigmoid, for the least-squares loss.

    Args:
        image_channels: channels it sees; 2C for D_C, which sees a pair.
        channels: width of the first layer; doubled with every layer.
        image_size: pixels, chooses the patch size.
    """

    def __init__(self, image_channels: int, channels: int, image_size: int):
        super().__init__()
        strides = [2] * halvings(image_size) + [1]
        layers: list[nn.Module] = []
        inputs, outputs = image_channels, channels
        for stride in strides:
            layers.append(nn.Conv2d(inputs, outputs, 4, stride, padding=1))
            if len(layers) > 1:  # the first layer has no norm: it must see absolute HU
                layers.append(group_norm(outputs))
            layers.append(nn.LeakyReLU(0.2))
            inputs, outputs = outputs, 2 * outputs
        layers.append(nn.Conv2d(inputs, 1, 4, 1, padding=1))
        self.layers = nn.Sequential(*layers)

    def initialise(self, rng: torch.Generator) -> PatchDiscriminator:
        """Draw the weights from N(0, 0.02) (Zhu et al. 2017)."""
        draw_weights(self, rng)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to one unbounded score a patch, (N, 1, h, w)."""
        return self.layers(x)


def joined(a: Tensor, b: Tensor) -> Tensor:
    """The pair D_C judges, (N, 2C, H, W): without contrast first, with contrast second."""
    return torch.cat([a, b], dim=1)
