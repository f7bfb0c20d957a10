"""The adversarial losses of CycleGAN: least squares (Mao et al. 2017)."""

from __future__ import annotations

from torch import Tensor


def least_squares_generator(fake: Tensor) -> Tensor:
    """E[(D(G(x)) - 1)^2]: Mao et al. 2017, eq. 9 with c = 1, in Zhu et al.'s scaling."""
    return (fake - 1).square().mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """(E[(D(x) - 1)^2] + E[D(G(x))^2]) / 2: Mao et al. 2017, eq. 9 with a = 0, b = 1."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2
