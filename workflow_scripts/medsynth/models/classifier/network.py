"""A small residual network whose layers describe an image and whose head names its class."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from medsynth.models.norms import group_norm

_LAST_SIDE = 8  # pixels at which halving stops
MAPPED = 7  # channels of the map that is looked at unpooled (Nash et al. 2021, sec. 4.1: 7)
_ROUNDING = 2 / 255 / math.sqrt(12)  # standard deviation of rounding [-1, 1] to 8 bits


def _log_spread(x: Tensor) -> Tensor:
    """Log standard deviation (n, C) over the image, that of rounding to 8 bits added."""
    return (x.std((2, 3), correction=0) + _ROUNDING).log()


class ResidualBlock(nn.Module):
    """Pre-activation block (He et al. 2016b, Fig. 1b) that halves the image.

    GroupNorm, because batches are small and an image's features must not depend on the others.
    """

    def __init__(self, inside: int, outside: int):
        super().__init__()
        self.residual = nn.Sequential(
            group_norm(inside),
            nn.SiLU(),
            nn.Conv2d(inside, outside, 3, 2, 1),
            group_norm(outside),
            nn.SiLU(),
            nn.Conv2d(outside, outside, 3, 1, 1),
        )
        self.skip = nn.Conv2d(inside, outside, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.skip(x) + self.residual(x)


class Classifier(nn.Module):
    """Halves the image to 8 pixels or less, at least once, doubling the width up to eightfold.

    Args:
        image_size: side in pixels; decides how often the image is halved.
        image_channels: 1 grey, 3 RGB.
        n_classes: length of the logits.
        channels: width at full resolution.
        features: length of the vector before the head.
        noisy: whether it is told how noisy each image is, in a channel more.

    Attributes:
        widths: channels of the first convolution and of every block.
    """

    def __init__(
        self,
        image_size: int,
        image_channels: int,
        n_classes: int,
        channels: int,
        features: int,
        noisy: bool = False,
    ):
        super().__init__()
        self.noisy = noisy
        halvings = max(1, math.ceil(math.log2(image_size / _LAST_SIDE)))
        self.widths = widths = [channels * min(2**i, 8) for i in range(halvings + 1)]
        self.body = nn.Sequential(
            nn.Conv2d(image_channels + noisy, channels, 3, 1, 1),
            *(ResidualBlock(a, b) for a, b in pairwise(widths)),
            group_norm(widths[-1]),
            nn.SiLU(),
            # Quadrants, not one mean: on which side something lies carries meaning.
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(4 * widths[-1], features),
            nn.SiLU(),
        )
        self.head = nn.Linear(features, n_classes)

    def forward(self, x: Tensor, signal: Tensor | None = None) -> Tensor:
        """Logits (n, n_classes).

        Args:
            x: images (n, C, H, W) in [-1, 1] or, of a noisy classifier, sqrt(a) image +
                sqrt(1 - a) noise.
            signal: a of each (n,), alpha_bar of a diffusion process; None: there is no noise.
        """
        return self.head(self.body(self._told(x, signal)))

    def _told(self, x: Tensor, signal: Tensor | None = None) -> Tensor:
        if not self.noisy:
            return x
        of_each = x.new_ones(len(x)) if signal is None else signal.to(x.dtype)
        return torch.cat([x, of_each.sqrt().view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])], dim=1)

    def look(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the network sees in images (n, C, H, W) in [-1, 1], layer by layer, and the logits.

        The last features alone know what tells classes apart and nothing else: to them noise may
        look like a class. The first layers and the image itself know texture, contrast and edges.
        Statistics over the image do not know where in it something lies; the last block's map, of
        8 x 8 places at most, does.

        Returns:
            mean and log standard deviation over the image of every channel, of the first
            convolution's and of all blocks', and the log standard deviation of the image's
            differences from pixel to pixel down and to the right, (n, 4 C + 2 sum(widths)); logits
            (n, n_classes); and the first 7 channels of the last block's map (n, 7, h, w).
        """
        seen = [_log_spread(x.diff(dim=side)) for side in (2, 3)]
        x = self._told(x)
        for module in [nn.Identity(), *self.body]:
            x = module(x)
            if isinstance(module, nn.Identity | nn.Conv2d | ResidualBlock):
                seen += [x.mean((2, 3)), _log_spread(x)]
            if isinstance(module, ResidualBlock):
                places = x[:, :MAPPED]
        return torch.cat(seen, 1), self.head(x), places
