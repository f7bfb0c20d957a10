"""Dropout that hangs on an image's place in its batch, and not on how the batch is divided."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Dropout(nn.Dropout):
    """As torch's (Srivastava et al. 2014); a part of a batch loses what it loses in the whole.

    Attributes:
        images: of the whole batch; 0 where whole batches come in.
        part: of these, which come in.
    """

    images = 0
    part = slice(None)

    def forward(self, x: Tensor) -> Tensor:
        """Drop of (n, C, H, W); torch's global generator decides what."""
        if not self.images or not self.training:
            return super().forward(x)
        of_all = x.new_ones((self.images, *x.shape[1:]))
        if x.is_contiguous(memory_format=torch.channels_last):  # what is drawn follows the memory
            of_all = of_all.contiguous(memory_format=torch.channels_last)
        return x * F.dropout(of_all, self.p)[self.part]


def drop_as_in_whole(network: nn.Module, images: int, part: slice) -> None:
    """Tell all dropouts which part of how many images comes next."""
    whole = part.stop - part.start == images
    for module in network.modules():
        if isinstance(module, Dropout):
            module.images, module.part = (0 if whole else images), part
