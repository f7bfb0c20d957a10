"""Noise schedule of the forward process, and what follows from it in closed form.

Every table has T + 1 entries, so that index t is the paper's t: 1..T are noise levels and index 0
is the data itself (beta_0 = 0, alpha_bar_0 = 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from medsynth.models.ddpm.training_settings import Diffusion


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


def even_in_time(schedule: Schedule, steps: int) -> list[int]:
    """The timesteps that a chain of `steps` (1..T) visits: 0, T and, evenly between, the others."""
    top = schedule.timesteps
    return [(2 * i * top + steps) // (2 * steps) for i in range(steps + 1)]


def even_in_log_snr(schedule: Schedule, steps: int) -> list[int]:
    """As :func:`even_in_time`, but evenly in lambda, half the logarithm of the signal-to-noise
    ratio (Lu et al. 2022a, sec. 3.4), from T to 1; then follows 0, where it is infinite.

    Two may not fall on one timestep: next to the image, where few timesteps are far apart, they are
    moved on.
    """
    top, signal = schedule.timesteps, schedule.alphas_bar[1:]
    ratio = 0.5 * (signal.log() - torch.log1p(-signal))
    ratio = ratio.clamp(min=ratio[ratio > -torch.inf].min())  # the last has none without signal
    wanted = torch.linspace(float(ratio[0]), float(ratio[-1]), steps, dtype=torch.float64)
    visited = [0]
    for i, t in enumerate((ratio - wanted[:, None]).abs().argmin(dim=1).tolist(), start=1):
        visited.append(min(max(t + 1, visited[-1] + 1), top - steps + i))
    return [*visited[:-1], top]


def respaced(schedule: Schedule, visited: Sequence[int]) -> Schedule:
    """The forward process that jumps from one of the visited timesteps to the next.

    Its signal at each of them is the whole schedule's, so its variances are
    1 - alpha_bar_t / alpha_bar_s (Nichol & Dhariwal 2021, eq. 19).
    """
    if len(visited) == len(schedule.betas):
        return schedule
    signal = schedule.alphas_bar[list(visited)]
    return Schedule(torch.cat([signal.new_zeros(1), 1 - signal[1:] / signal[:-1]]), signal)


def without_signal_at_the_end(schedule: Schedule) -> Schedule:
    """The schedule moved and stretched so that x_T is noise alone (Lin et al. 2024, Algorithm 1).

    sqrt(alpha_bar) loses what it has at T and is scaled to what it had at 1.
    """
    root = schedule.alphas_bar[1:].sqrt()
    root = (root - root[-1]) * (root[0] / (root[0] - root[-1]))
    signal = torch.cat([schedule.alphas_bar[:1], root.square()])
    return respaced(Schedule(schedule.betas[:1], signal), range(len(signal)))


def schedule_of(settings: Diffusion) -> Schedule:
    """The forward process of a training, on the CPU."""
    schedule = linear_schedule(settings.timesteps, settings.beta_start, settings.beta_end)
    return without_signal_at_the_end(schedule) if settings.zero_terminal_snr else schedule


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
