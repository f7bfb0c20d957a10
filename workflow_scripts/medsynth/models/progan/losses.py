"""The adversarial losses of ProGAN: Wasserstein, with penalties on slope and drift."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

DRIFT = 1e-3  # Karras et al. 2018, appendix A.1


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, share: Tensor
) -> Tensor:
    """E[(||grad D(x)||_2 - 1)^2] between real and generated images.

    Gulrajani et al. 2017, eq. 3, without lambda.

    Args:
        critic: images (N, C, H, W) to scores (N,).
        share: (N, 1, 1, 1) in [0, 1], how far each point lies towards `fake`.
    """
    between = torch.lerp(real, fake, share).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E[D(G(z))] - E[D(x)] + 0.001 E[D(x)^2]: Karras et al. 2018, without gradient penalty."""
    return fake.mean() - real.mean() + DRIFT * real.square().mean()
