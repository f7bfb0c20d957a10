"""The network of a captioner: what the image shows as tokens, and the text that attends to them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from medsynth.models.captioner.settings import HEADS
from medsynth.models.norms import group_norm

_LAST_SIDE = 8  # pixels at which halving stops


class ImageEncoder(nn.Module):
    """Halves the image to 8 pixels or less, doubling the channels up to eightfold.

    Args:
        image_size: side in pixels.
        image_channels: 1 grey, 3 RGB.
        channels: at full resolution.
        width: of the tokens.
    """

    def __init__(self, image_size: int, image_channels: int, channels: int, width: int):
        super().__init__()
        halvings = max(0, math.ceil(math.log2(image_size / _LAST_SIDE)))
        widths = [channels * min(2**i, 8) for i in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(image_channels, channels, 3, 1, 1)]
        side = image_size
        for inside, outside in zip(widths, widths[1:], strict=False):
            layers += [group_norm(inside), nn.SiLU(), nn.Conv2d(inside, outside, 3, 2, 1)]
            side = (side + 1) // 2
        layers += [group_norm(widths[-1]), nn.SiLU(), nn.Conv2d(widths[-1], width, 1)]
        self.body = nn.Sequential(*layers)
        self.places = nn.Parameter(torch.randn(side**2, width) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (n, side^2, width) of images (n, C, H, W) in [-1, 1]."""
        return self.body(x).flatten(2).transpose(1, 2) + self.places


class Captioner(nn.Module):
    """Says which token comes next, from those before it and the image.

    Args:
        image_size, image_channels: of the images.
        tokens: size of the vocabulary.
        longest: tokens of a text.
        channels, width, layers, dropout: see the settings.
    """

    def __init__(
        self,
        image_size: int,
        image_channels: int,
        tokens: int,
        longest: int,
        *,
        channels: int,
        width: int,
        layers: int,
        dropout: float,
    ):
        super().__init__()
        self.encoder = ImageEncoder(image_size, image_channels, channels, width)
        self.words = nn.Embedding(tokens, width)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        self.places = nn.Parameter(torch.randn(longest, width) * 0.02)
        layer = nn.TransformerDecoderLayer(
            width, HEADS, 4 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))

    def next_tokens(self, seen: Tensor, tokens: Tensor) -> Tensor:
        """Logits (n, m, vocabulary) of the token after each of `tokens` (n, m).

        Args:
            seen: what the encoder made of the images.
        """
        m = tokens.shape[1]
        x = self.words(tokens) * math.sqrt(self.places.shape[1]) + self.places[:m]
        future = torch.ones(m, m, dtype=torch.bool, device=tokens.device).triu(1)
        x = self.decoder(x, seen, tgt_mask=future, tgt_is_causal=True)
        return x @ self.words.weight.T  # the same vectors in and out (Press and Wolf 2017)

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Logits of the token after each of `tokens` (n, m), for images (n, C, H, W) in [-1, 1]."""
        return self.next_tokens(self.encoder(images), tokens)


def build(card: Mapping[str, Any], tokens: int, longest: int) -> Captioner:
    """The network that a card describes."""
    shape = {key: card["settings"][key] for key in ("channels", "width", "layers", "dropout")}
    return Captioner(card["image_size"], card["image_channels"], tokens, longest, **shape)
