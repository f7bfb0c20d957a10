"""Building blocks of ProGAN (Karras et al. 2018, sections 3, 4.1 and 4.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Equalised(nn.Module):
    """Weights from N(0, 1), multiplied at runtime by He's constant gain / sqrt(fan_in).

    So Adam's steps have the same relative size in every layer (section 4.1).
    """

    def __init__(self, shape: tuple[int, ...], gain: float):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.scale = gain / math.sqrt(math.prod(shape[1:]))

    def initialise(self, rng: torch.Generator) -> None:
        nn.init.normal_(self.weight, generator=rng)


class EqualisedConv2d(_Equalised):
    """A convolution that keeps the image's size (odd `kernel`)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, gain: float = math.sqrt(2)):
        super().__init__((outputs, inputs, kernel, kernel), gain)
        self.padding = kernel // 2

    def forward(self, x: Tensor) -> Tensor:
        # On CPUs this layout takes a fifth less time, and what follows keeps it.
        x, weight = (
            t.contiguous(memory_format=torch.channels_last) for t in (x, self.weight * self.scale)
        )
        return functional.conv2d(x, weight, self.bias, padding=self.padding)


class EqualisedLinear(_Equalised):
    """A dense layer."""

    def __init__(self, inputs: int, outputs: int, gain: float = math.sqrt(2)):
        super().__init__((outputs, inputs), gain)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.weight * self.scale, self.bias)


def initialise(network: nn.Module, rng: torch.Generator) -> None:
    """Draw every weight of a network from N(0, 1); biases are zero."""
    for layer in network.modules():
        if isinstance(layer, _Equalised):
            layer.initialise(rng)


def pixel_norm(x: Tensor) -> Tensor:
    """Scale the feature vector of every pixel to unit mean square (section 4.2)."""
    return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


def minibatch_stddev(x: Tensor) -> Tensor:
    """Append the batch's mean standard deviation as one more channel (section 3).

    (N, C, H, W) to (N, C + 1, H, W); the deviation is the population's, over N, per feature and
    position, and its mean over all of them is what the new channel holds.
    """
    deviation = (x.var(dim=0, correction=0) + 1e-8).sqrt().mean()
    return torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], dim=1)
