"""The encoder of texts: a small transformer (Vaswani et al. 2017), normalised before each layer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from medsynth.models.text_ddpm.settings import TextEncoder
from medsynth.text.tokenizer import PAD

# Standard deviation of what a place begins as; a token has 1. Tokens as small as that would be lost
# in what attention adds to them: texts that share most words would begin as one and the same.
SPREAD = 0.02


class Encoded(NamedTuple):
    """Texts of a batch.

    Attributes:
        tokens: (N, L, width), L the longest of these texts.
        shown: (N, L), false where there is no token.
        pooled: (N, width), mean of the tokens that are shown.
    """

    tokens: Tensor
    shown: Tensor
    pooled: Tensor


class TextTransformer(nn.Module):
    """Texts as numbers, (N, longest) int64 as :mod:`medsynth.text.tokenizer` has them, to vectors.

    Padding alone is "no text", for which one learned vector stands (the null text of Ho & Salimans
    2022). Equal texts of a batch are encoded once.
    """

    def __init__(self, vocabulary: int, longest: int, settings: TextEncoder):
        super().__init__()
        self.token = nn.Embedding(vocabulary, settings.width)
        self.place = nn.Parameter(torch.empty(longest, settings.width))
        self.null = nn.Parameter(torch.empty(settings.width))
        nn.init.normal_(self.place, std=SPREAD)
        nn.init.normal_(self.null)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                settings.width,
                settings.heads,
                4 * settings.width,
                dropout=0.0,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(settings.layers)
        )
        self.norm = nn.LayerNorm(settings.width)

    def forward(self, texts: Tensor) -> Encoded:
        rows, which = torch.unique(texts, dim=0, return_inverse=True)
        length = max(1, int((rows != PAD).sum(1).max()))
        rows = rows[:, :length]
        shown = rows != PAD
        absent = ~shown.any(1, keepdim=True)
        shown = torch.cat([shown[:, :1] | absent, shown[:, 1:]], dim=1)  # the null text's place
        h = self.token(rows) + self.place[:length]
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=~shown)
        h = torch.where(absent[..., None], self.null.to(h.dtype), self.norm(h))
        weights = shown[..., None].to(h.dtype)
        pooled = (h * weights).sum(1) / weights.sum(1)
        return Encoded(h[which], shown[which], pooled[which])
