"""The U-Net that sees a low-resolution image beside the noisy one, and how noisy that is."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from medsynth.models.ddpm.prediction import noise_of_velocity, velocity
from medsynth.models.ddpm.schedule import Schedule
from medsynth.models.ddpm.training_settings import UNet
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

    It learns what the image has beyond the enlarged one (Li et al. 2022, sec. 3.2, who diffuse that
    residual): what these say is added, the velocity of an image that is the enlarged one, with the
    noise not known. An untrained network so enlarges as interpolation does.

    Args:
        network: predicts noise or velocity, less what is added.
        low: (N, C, H, W) of the size of what is asked about; with guidance each is asked about
            twice, all with labels and then all without.
        level: (N,) noise levels of these, 0..T.
        forward: the schedule, on their device.
        predicts: "noise" or "velocity".
    """

    def __init__(
        self,
        network: SuperResolutionUNet,
        low: Tensor,
        level: Tensor,
        forward: Schedule,
        predicts: str,
    ):
        self.null_label = network.null_label
        self._network, self._low = network, low
        self._code = timestep_embedding(level, network.channels)
        self._forward, self._predicts = forward, predicts

    def __call__(self, x: Tensor, t: Tensor, labels: Tensor, /) -> Tensor:
        if labels.ndim == 1:  # "no label" is no finding
            labels = F.one_hot(labels, self.null_label + 1)[:, : self.null_label].float()
        times = len(x) // len(self._low)
        rows = torch.cat([labels, self._code.repeat(times, 1)], dim=1)
        low = self._low.repeat(times, 1, 1, 1)
        signal = self._forward.alphas_bar[t].view(-1, 1, 1, 1).to(x.dtype)
        known = velocity(low, torch.zeros_like(low), signal)
        if self._predicts == "noise":
            known = noise_of_velocity(known, x, signal)
        learned: Tensor = self._network(torch.cat([x, low], dim=1), t, rows)
        return known + learned
