"""Noise schedule of the forward process, and what follows from it in closed form.

Every table has T + 1 entries, so that index t is the paper's t: 1..T are noise levels and index 0
is the data itself (beta_0 = 0, alpha_bar_0 = 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """Tables of the forward process (Ho et al. 2020, sec. 2), each (T + 1,) float64."""

    betas: Tensor
    alphas_bar: Tensor

    @property
    def timesteps(self) -> int:
        """T, the number of noise levels."""
        return len(self.betas) - 1

    def to(self, device: torch.device | str) -> Schedule:
        """The same tables on another device."""
        return Schedule(self.betas.to(device), self.alphas_bar.to(device))


def linear_schedule(timesteps: int, beta_start: float, beta_end: float) -> Schedule:
    """Variances that rise linearly from beta_1 to beta_T (Ho et al. 2020, sec. 4).

    The paper's range, 1e-4 to 0.02, is for T = 1000; a shorter chain needs it multiplied by about
    1000/T, or x_T still shows the image and sampling from pure noise starts in the wrong place.

    Raises:
        ValueError: the variances do not satisfy 0 < beta_1 <= beta_T < 1.
    """
    if not 0 < beta_start <= beta_end < 1:
        raise ValueError(
            f"beta_start {beta_start} and beta_end {beta_end} must satisfy"
            " 0 < beta_start <= beta_end < 1"
        )
    rising = torch.linspace(beta_start, beta_end, timesteps, dtype=torch.float64)
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), rising])
    return Schedule(betas, torch.cumprod(1 - betas, dim=0))


def p2_weights(schedule: Schedule, gamma: float, k: float) -> Tensor:
    """Weight of each timestep's noise error under P2 weighting (Choi et al. 2022).

    The paper's lambda'_t = lambda_t / (k + SNR(t))^gamma weights the variational terms, where
    lambda_t already turns them into Ho's plain noise error. On that error the weight is therefore
    (k + SNR(t))^-gamma with SNR(t) = alpha_bar_t / (1 - alpha_bar_t).

    Returns:
        (T + 1,) float64; exactly 1 everywhere for gamma = 0.
    """
    signal = schedule.alphas_bar
    noise = 1 - signal
    # (k + signal/noise)^-1, written so that t = 0 (no noise) divides nothing by zero
    return (noise / (k * noise + signal)) ** gamma
