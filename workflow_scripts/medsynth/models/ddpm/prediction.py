"""What a network predicts of a noisy image, and what that says of the image and of its noise."""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor


class Denoised(NamedTuple):
    """Parts of noisy images x at one level: x = sqrt(a) image + sqrt(1 - a) noise, a alpha_bar."""

    image: Tensor
    noise: Tensor


def velocity(image: Tensor, noise: Tensor, signal: Tensor) -> Tensor:
    """v = sqrt(a) noise - sqrt(1 - a) image (Salimans & Ho 2022, sec. 4).

    Args:
        signal: a of each image, shaped to be multiplied with them.
    """
    return signal.sqrt() * noise - (1 - signal).sqrt() * image


def noise_of_velocity(v: Tensor, x: Tensor, signal: Tensor) -> Tensor:
    """The noise in x of that velocity; arguments as of :func:`velocity`."""
    return signal.sqrt() * v + (1 - signal).sqrt() * x


def denoised(
    x: Tensor,
    predicted: Tensor,
    signal: float,
    predicts: str,
    clip: bool,
    slope: Tensor | None = None,
) -> Denoised:
    """The image and the noise that a prediction finds in x.

    Args:
        x: noisy images.
        predicted: what the network says of them.
        signal: alpha_bar of their level; above 0, if the noise is predicted.
        predicts: "noise" or "velocity".
        clip: keep the image within [-1, 1], and let the noise follow.
        slope: gradient at x of what shall be likelier, added to the score -noise / sqrt(1 - a)
            (Dhariwal & Nichol 2021, Algorithm 2; Song et al. 2021, eq. 14); signal is above 0.
    """
    up, down = math.sqrt(signal), math.sqrt(1 - signal)
    if predicts == "velocity":
        image, noise = up * x - down * predicted, down * x + up * predicted
    else:
        image, noise = (x - down * predicted) / up, predicted
    if slope is not None:
        image, noise = image + down**2 / up * slope, noise - down * slope
    if clip:
        image = image.clamp(-1, 1)
        noise = (x - up * image) / down
    return Denoised(image, noise)
