"""ProGAN's networks: a generator and a critic that grow from 4x4 pixels, conditioned on a class.

Karras et al. 2018, "Progressive Growing of GANs". Phase p works at 4 * 2^p pixels; while a phase
fades in, `alpha` rises from 0 (the previous phase alone) to 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from medsynth.models.progan.layers import (
    EqualisedConv2d,
    EqualisedLinear,
    minibatch_stddev,
    pixel_norm,
)
from medsynth.models.progan.settings import doubling_misfit

FMAP_BASE = 8192  # features of all pixels at 1x1, Karras et al. 2018, table 2


def phases(image_size: int) -> int:
    """How many resolutions lie between 4x4 and the image size.

    Raises:
        ValueError: the size is no power of two or below 8.
    """
    if misfit := doubling_misfit(image_size):
        raise ValueError(misfit.why)
    return image_size.bit_length() - 2


def widths(image_size: int, channels: int) -> list[int]:
    """Features at 4, 8, ... pixels: min(8192 / 2^stage, channels), stage 1 being 4x4.

    With 512 channels that is table 2 of Karras et al. 2018: 512 up to 32 pixels, 16 at 1024.
    """
    return [min(FMAP_BASE >> stage, channels) for stage in range(1, phases(image_size) + 1)]


def _up(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0)


def shrink(x: Tensor, phase: int, alpha: float) -> Tensor:
    """Real images (N, C, H, W) as they look in a phase, blended while it fades in."""
    x = functional.adaptive_avg_pool2d(x, 4 * 2**phase)
    if alpha == 1:
        return x
    return torch.lerp(_up(functional.avg_pool2d(x, 2)), x, alpha)


def _multi_hot(labels: Tensor, n_classes: int) -> Tensor:
    return labels if labels.ndim == 2 else functional.one_hot(labels, n_classes)


class Generator(nn.Module):
    """Latent vectors and classes to images.

    Args:
        image_size: pixels at the last phase, a power of two >= 8.
        image_channels: 1 grey, 3 RGB.
        n_classes: number of classes, embedded and concatenated to the latent vector.
        latent: length of the latent vector.
        channels: the largest width, that of 4x4.
    """

    def __init__(
        self, image_size: int, image_channels: int, n_classes: int, latent: int, channels: int
    ):
        super().__init__()
        wide = widths(image_size, channels)
        self.embed = EqualisedLinear(n_classes, latent, gain=n_classes**0.5)
        # As published, the first layer's gain is a quarter of He's.
        self.dense = EqualisedLinear(2 * latent, wide[0] * 16, gain=2**0.5 / 4)
        self.first = EqualisedConv2d(wide[0], wide[0], 3)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv2d(a, b, 3), EqualisedConv2d(b, b, 3)])
            for a, b in zip(wide, wide[1:], strict=False)
        )
        self.to_image = nn.ModuleList(EqualisedConv2d(w, image_channels, 1, gain=1.0) for w in wide)

    @staticmethod
    def _activate(x: Tensor) -> Tensor:
        return pixel_norm(functional.leaky_relu(x, 0.2))

    def forward(
        self, z: Tensor, labels: Tensor, phase: int | None = None, alpha: float = 1.0
    ) -> Tensor:
        """z (N, latent) from N(0, 1) and labels to images (N, C, S, S), unbounded.

        Args:
            labels: (N,) indices, or (N, n_classes) float, 1 for every finding of an image.
            phase: S = 4 * 2^phase; the last one if left out.
        """
        phase = len(self.blocks) if phase is None else phase
        hot = _multi_hot(labels, self.embed.weight.shape[1]).to(z.dtype)
        # Both halves are normalised on their own, so neither drowns the other.
        code = torch.cat([pixel_norm(z), pixel_norm(self.embed(hot))], dim=1)
        h = self._activate(self.dense(code).unflatten(1, (-1, 4, 4)))
        h = self._activate(self.first(h))
        before = h
        for block in self.blocks[:phase]:
            before, h = h, _up(h)
            assert isinstance(block, nn.ModuleList)
            for convolution in block:
                h = self._activate(convolution(h))
        image = self.to_image[phase](h)
        if alpha == 1:
            return image
        return torch.lerp(_up(self.to_image[phase - 1](before)), image, alpha)


class Critic(nn.Module):
    """Images and classes to scores; the class enters as a projection (Miyato & Koyama 2018).

    Args: as for :class:`Generator`.
    """

    def __init__(self, image_size: int, image_channels: int, n_classes: int, channels: int):
        super().__init__()
        wide = widths(image_size, channels)
        self.from_image = nn.ModuleList(EqualisedConv2d(image_channels, w, 1) for w in wide)
        self.blocks = nn.ModuleList(
            nn.ModuleList([EqualisedConv2d(b, b, 3), EqualisedConv2d(b, a, 3)])
            for a, b in zip(wide, wide[1:], strict=False)
        )
        self.last = EqualisedConv2d(wide[0] + 1, wide[0], 3)
        self.dense = EqualisedLinear(wide[0] * 16, wide[0])
        self.score = EqualisedLinear(wide[0], 1, gain=1.0)
        self.project = EqualisedLinear(wide[0], n_classes, gain=1.0)

    def _read(self, x: Tensor, phase: int) -> Tensor:
        return functional.leaky_relu(self.from_image[phase](x), 0.2)

    def forward(
        self, x: Tensor, labels: Tensor, phase: int | None = None, alpha: float = 1.0
    ) -> Tensor:
        """Images (N, C, S, S) of a phase and labels as there to unbounded scores (N,)."""
        phase = len(self.blocks) if phase is None else phase
        h = self._read(x, phase)
        for p in reversed(range(phase)):
            block = self.blocks[p]
            assert isinstance(block, nn.ModuleList)
            for convolution in block:
                h = functional.leaky_relu(convolution(h), 0.2)
            h = functional.avg_pool2d(h, 2)
            if p == phase - 1 and alpha != 1:
                h = torch.lerp(self._read(functional.avg_pool2d(x, 2), p), h, alpha)
        h = functional.leaky_relu(self.last(minibatch_stddev(h)), 0.2)
        h = functional.leaky_relu(self.dense(h.flatten(1)), 0.2)
        scores = self.project(h)
        if labels.ndim == 1:
            of_class = scores.gather(1, labels[:, None])
        else:
            of_class = (scores * labels).sum(dim=1, keepdim=True)
        return (self.score(h) + of_class).squeeze(1)
