"""The noise predictor: a U-Net with ResNet blocks, self-attention, time and class embedding.

Architecture of Ho et al. 2020, appendix B, with class embeddings added to the time embedding. The
embedding of an image with several findings is the sum of theirs; to it a linear map of covariates
is added, which is zero at first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medsynth.models.ddpm.dropout import Dropout
from medsynth.models.ddpm.training_settings import UNet
from medsynth.models.norms import group_norm

GROUPS = 32  # at most, as in the paper


def timestep_embedding(t: Tensor, dim: int) -> Tensor:
    """Sinusoidal position code (Vaswani et al. 2017, sec. 3.5).

    Args:
        t: (N,) timesteps.
        dim: length of the code, even.

    Returns:
        (N, dim) float32: sin(t f_i) for all i, then cos(t f_i), f_i = 10000^(-2i/dim).
    """
    half = dim // 2
    frequencies = 10000 ** (-torch.arange(half, dtype=torch.float64, device=t.device) / half)
    angles = t[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer at zero: as the end of a residual branch it makes a block the identity at first."""
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class ResidualBlock(nn.Module):
    """Two normalised convolutions around an added embedding, beside a skip connection."""

    def __init__(self, inputs: int, outputs: int, embedding: int, dropout: float):
        super().__init__()
        self.first = nn.Sequential(
            group_norm(inputs, GROUPS), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.project = nn.Linear(embedding, outputs)
        self.second = nn.Sequential(
            group_norm(outputs, GROUPS),
            nn.SiLU(),
            Dropout(dropout),
            zeroed(nn.Conv2d(outputs, outputs, 3, padding=1)),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.first(x) + self.project(F.silu(embedding))[:, :, None, None]
        return self.skip(x) + self.second(h)


class SelfAttention(nn.Module):
    """Single-head self-attention over all pixels, beside a skip connection."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = group_norm(channels, GROUPS)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        n, c, height, width = x.shape
        pixels = self.qkv(self.norm(x)).flatten(2).transpose(1, 2)  # (N, HW, 3C)
        q, k, v = pixels[:, None].chunk(3, dim=-1)
        h = F.scaled_dot_product_attention(q, k, v)[:, 0]
        return x + self.out(h.transpose(1, 2).reshape(n, c, height, width))


class Stage(nn.Module):
    """A residual block and, where the resolution asks for it, attention.

    Attributes:
        reading: what looks at a text after that, in networks that are given one.
    """

    def __init__(self, inputs: int, outputs: int, embedding: int, dropout: float, attend: bool):
        super().__init__()
        self.block = ResidualBlock(inputs, outputs, embedding, dropout)
        self.attention = SelfAttention(outputs) if attend else nn.Identity()
        self.reading: nn.Module | None = None

    def forward(self, x: Tensor, embedding: Tensor, text: Any = None) -> Tensor:
        h = self.attention(self.block(x, embedding))
        return h if self.reading is None else self.reading(h, text)


class ConditionalUNet(nn.Module):
    """Predicts the noise in x_t; `null_label` (= n_classes) stands for "no label".

    Attributes:
        null_label: index of the learned embedding of the unconditional case.
    """

    def __init__(
        self,
        image_channels: int,
        image_size: int,
        n_classes: int,
        settings: UNet,
        covariates: int = 0,
    ):
        super().__init__()
        self.null_label = n_classes
        self.channels = settings.channels
        width = 4 * settings.channels
        self.time = nn.Sequential(
            nn.Linear(settings.channels, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.label = nn.Embedding(n_classes + 1, width)
        self.stem = nn.Conv2d(image_channels, settings.channels, 3, padding=1)

        widths = [settings.channels * m for m in settings.multipliers]
        sizes = [image_size >> level for level in range(len(widths))]

        def stage(inputs: int, level: int) -> Stage:
            attend = sizes[level] in settings.attention
            return Stage(inputs, widths[level], width, settings.dropout, attend)

        self.down = nn.ModuleList()
        skips, current = [settings.channels], settings.channels
        for level, outputs in enumerate(widths):
            for _ in range(settings.blocks):
                self.down.append(stage(current, level))
                current = outputs
                skips.append(current)
            if level < len(widths) - 1:
                self.down.append(nn.Conv2d(current, current, 3, stride=2, padding=1))
                skips.append(current)

        self.middle = nn.ModuleList(
            [
                Stage(current, current, width, settings.dropout, attend=True),
                Stage(current, current, width, settings.dropout, attend=False),
            ]
        )

        self.up = nn.ModuleList()
        for level in reversed(range(len(widths))):
            for _ in range(settings.blocks + 1):
                self.up.append(stage(current + skips.pop(), level))
                current = widths[level]
            if level > 0:
                self.up.append(
                    nn.Sequential(
                        nn.Upsample(scale_factor=2), nn.Conv2d(current, current, 3, padding=1)
                    )
                )
        self.out = nn.Sequential(
            group_norm(current, GROUPS),
            nn.SiLU(),
            zeroed(nn.Conv2d(current, image_channels, 3, padding=1)),
        )
        if covariates:  # made last: the other weights are drawn as without
            self.covariates = nn.Linear(covariates, width, bias=False)
            nn.init.zeros_(self.covariates.weight)

    def embed(self, labels: Tensor) -> Tensor:
        """Embeddings (N, width) of labels as :meth:`forward` takes them."""
        if labels.ndim == 1:
            return self.label(labels)
        findings, covariates = labels[:, : self.null_label], labels[:, self.null_label :]
        null = (findings == 0).all(dim=1, keepdim=True).to(labels.dtype)
        embedding = torch.cat([findings, null], dim=1) @ self.label.weight
        return embedding + self.covariates(covariates) if covariates.shape[1] else embedding

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Predict the noise.

        Args:
            x: (N, C, H, W) noisy images.
            t: (N,) timesteps, 1..T.
            labels: (N,) class indices, or `null_label`; or (N, n_classes + covariates) float, 1
                for every finding of an image, of which only zeros mean "no label", and its
                covariates.

        Returns:
            (N, C, H, W) predicted noise; zero before the first training step.
        """
        code = timestep_embedding(t, self.channels)
        return self.denoise(x, self.time(code) + self.embed(labels))

    def denoise(self, x: Tensor, embedding: Tensor, text: Any = None) -> Tensor:
        """Predict the noise in images, given the embedding (N, width) of time and label.

        Args:
            text: handed to every stage.
        """
        h = self.stem(x)
        skips = [h]
        for layer in self.down:
            h = layer(h, embedding, text) if isinstance(layer, Stage) else layer(h)
            skips.append(h)
        for layer in self.middle:
            h = layer(h, embedding, text)
        for layer in self.up:
            if isinstance(layer, Stage):
                h = layer(torch.cat([h, skips.pop()], dim=1), embedding, text)
            else:
                h = layer(h)
        return self.out(h)


Network = TypeVar("Network", bound=ConditionalUNet)


def build_unet(
    image_channels: int,
    image_size: int,
    n_classes: int,
    settings: UNet,
    covariates: int = 0,
    kind: Callable[..., Network] = ConditionalUNet,  # type: ignore[assignment]  # mypy #3737
) -> Network:
    """The network for square images, as training makes it and sampling rebuilds it.

    Args:
        kind: the class of the network.

    Raises:
        ValueError: the image cannot be halved as often as the levels ask, or attention is wanted
            at a resolution that does not occur.
    """
    if misfit := settings.misfit(image_size):
        raise ValueError(misfit.why)
    return kind(image_channels, image_size, n_classes, settings, covariates)
