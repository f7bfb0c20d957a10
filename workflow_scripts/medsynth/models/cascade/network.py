"""The U-Net that sees a low-resolution image beside the noisy one, and how noisy that is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medsynth.models.ddpm.settings import UNet
from medsynth.models.ddpm.unet import ConditionalUNet, timestep_embedding


class SuperResolutionUNet(ConditionalUNet):
    """As its base, of twice the channels: noisy images, then enlarged low-resolution ones.

    The code of these images' noise level follows the covariates in the rows of labels.
    """

    def __init__(
        self,
        image_channels: int,
        image_size: int,
        n_classes: int,
        settings: UNet,
        covariates: int = 0,
    ):
        super().__init__(
            image_channels, image_size, n_classes, settings, covariates + settings.channels
        )
        self.stem = nn.Conv2d(2 * image_channels, settings.channels, 3, padding=1)


class Enlarging:
    """The network as losses and samplers ask it, once it has been shown low-resolution images.

    Args:
        network: predicts noise or velocity.
        low: (N, C, H, W) of the size of what is asked about; with guidance each is asked about
            twice, all with labels and then all without.
        level: (N,) noise levels of these, 0..T.
    """

    def __init__(self, network: SuperResolutionUNet, low: Tensor, level: Tensor):
        self.null_label = network.null_label
        self._network, self._low = network, low
        self._code = timestep_embedding(level, network.channels)

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor, /) -> Tensor:
        if labels.ndim == 1:  # "no label" is no finding
            labels = F.one_hot(labels, self.null_label + 1)[:, : self.null_label].float()
        times = len(x) // len(self._low)
        rows = torch.cat([labels, self._code.repeat(times, 1)], dim=1)
        both = torch.cat([x, self._low.repeat(times, 1, 1, 1)], dim=1)
        predicted: Tensor = self._network(both, t, rows)
        return predicted
