"""The CycleGAN generator: a U-Net that predicts what to add to its input."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from medsynth.models.cyclegan.settings import depth_misfit
from medsynth.models.norms import group_norm

WIDEST = 8  # times the width at full resolution; deeper levels stay there


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    # Group norm keeps more of the absolute HU than CycleGAN's instance norm.
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, padding_mode="reflect"),
        group_norm(outputs),
        nn.LeakyReLU(0.2),
    )


class ResidualUNet(nn.Module):
    """output = input + U-Net(input); the identity until it is trained.

    Contrast medium changes few voxels, so only the change is learned. The sum is not squashed:
    it may leave [-1, 1] and is clamped when it becomes HU.

    Ronneberger et al. 2015, "U-Net", with strided convolutions, group norm and, as in Zhu et al.
    2017, reflected borders: zeros would be a value in the middle of the range.

    Args:
        image_channels: C of the input and output.
        channels: width at full resolution; doubled at every down-sampling up to eightfold.
        depth: number of down-samplings.
    """

    def __init__(self, image_channels: int, channels: int, depth: int):
        super().__init__()
        widths = [channels * min(2**level, WIDEST) for level in range(depth + 1)]
        self.first = _convolution(image_channels, channels)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for upper, lower in zip(widths, widths[1:], strict=False):
            self.down.append(
                nn.Sequential(_convolution(upper, lower, stride=2), _convolution(lower, lower))
            )
            self.up.append(_convolution(lower + upper, upper))
        self.last = nn.Conv2d(channels, image_channels, 3, padding=1, padding_mode="reflect")

    def initialise(self, rng: torch.Generator) -> ResidualUNet:
        """Draw the weights from N(0, 0.02) (Zhu et al. 2017); the last layer starts at zero."""
        draw_weights(self, rng)
        nn.init.zeros_(self.last.weight)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in [-1, 1] to the same shape, unbounded.

        Raises:
            ValueError: H or W cannot be halved `depth` times to 2 pixels or more.
        """
        for side in x.shape[2:]:
            if misfit := depth_misfit("depth", side, len(self.down)):
                raise ValueError(misfit.why)
        levels = [self.first(x)]
        for down in self.down:
            levels.append(down(levels[-1]))
        h = levels.pop()
        for up in reversed(self.up):
            h = up(torch.cat([functional.interpolate(h, scale_factor=2.0), levels.pop()], dim=1))
        return x + self.last(h)


def draw_weights(module: nn.Module, rng: torch.Generator) -> None:
    """Convolution weights from N(0, 0.02) and biases zero (Zhu et al. 2017, appendix 7.1)."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, 0.02, generator=rng)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
