"""The network of :mod:`medsynth.models.ddpm.unet` that reads a text where that sees a label.

The text's mean is added to the time embedding, as that sees a label: not zero at first, since texts
share most of their words. Where pixels attend to each other they attend to its tokens, too (Rombach
et al. 2022, sec. 3.3), which is zero at first.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medsynth.models.ddpm.training_settings import UNet
from medsynth.models.ddpm.unet import (
    GROUPS,
    ConditionalUNet,
    SelfAttention,
    Stage,
    timestep_embedding,
    zeroed,
)
from medsynth.models.norms import group_norm
from medsynth.models.text_ddpm.encoder import Encoded, TextTransformer
from medsynth.models.text_ddpm.settings import TextEncoder
from medsynth.text.tokenizer import Tokenizer


class CrossAttention(nn.Module):
    """Single-head attention of all pixels to the tokens of a text, beside a skip connection."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.norm = group_norm(channels, GROUPS)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key_value = nn.Linear(width, 2 * channels)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor, text: Encoded) -> Tensor:
        n, c, height, width = x.shape
        q = self.query(self.norm(x)).flatten(2).transpose(1, 2)[:, None]  # (N, 1, HW, C)
        k, v = self.key_value(text.tokens)[:, None].chunk(2, dim=-1)  # (N, 1, L, C)
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=text.shown[:, None, None])
        return x + self.out(h[:, 0].transpose(1, 2).reshape(n, c, height, width))


class TextUNet(ConditionalUNet):
    """Predicts the noise in x_t of images that a text describes.

    Arguments as of its base, whose classes it does not know, and those of the encoder.

    Attributes:
        null_label: how many columns of a row must be padding to say "no text": all.
    """

    def __init__(
        self,
        image_channels: int,
        image_size: int,
        n_classes: int,
        settings: UNet,
        covariates: int = 0,
        *,
        encoder: TextEncoder,
        vocabulary: int,
        longest: int,
    ):
        super().__init__(image_channels, image_size, 0, settings, covariates)
        self.null_label = longest
        # Made last: the other weights are drawn as without a text.
        self.text = TextTransformer(vocabulary, longest, encoder)
        self.pooled = nn.Linear(encoder.width, self.label.embedding_dim, bias=False)
        for stage in self.modules():
            if isinstance(stage, Stage) and isinstance(stage.attention, SelfAttention):
                channels = stage.attention.out.out_channels
                stage.reading = CrossAttention(channels, encoder.width)

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Predict the noise.

        Args:
            x: (N, C, H, W) noisy images.
            t: (N,) timesteps, 1..T.
            labels: (N, longest) texts as numbers; padding alone is "no text".

        Returns:
            (N, C, H, W) predicted noise; zero before the first training step.
        """
        text = self.text(labels)
        nothing = torch.zeros(len(labels), dtype=torch.int64, device=labels.device)
        embedding = self.time(timestep_embedding(t, self.channels)) + self.label(nothing)
        return self.denoise(x, embedding + self.pooled(text.pooled), text)


def reading(tokenizer: Tokenizer, encoder: TextEncoder) -> Callable[..., TextUNet]:
    """What :func:`.ddpm.unet.build_unet` makes a network of that reads such texts."""
    return partial(TextUNet, encoder=encoder, vocabulary=tokenizer.size, longest=tokenizer.longest)
