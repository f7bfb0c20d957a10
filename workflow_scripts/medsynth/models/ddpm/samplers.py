"""Ways from noise to an image along the noise levels of a trained DDPM.

A sampler walks down a chain: the levels of the training's schedule or, with fewer steps, some of
them (:func:`medsynth.models.ddpm.schedule.respaced`). Level i is a timestep of the training, level
0 the image. The variance-exploding samplers see the same model in other units, y = x / sqrt(a) with
noise of standard deviation s = sqrt((1 - a) / a), a = alpha_bar (Song et al. 2021, appendix C;
Karras et al. 2022, table 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from torch import Tensor

from medsynth.models.ddpm.prediction import Denoised
from medsynth.models.ddpm.schedule import Schedule, even_in_log_snr, even_in_time

Denoise = Callable[[Tensor, int], Denoised]  # of images at level i of the chain
Draw = Callable[[], Tensor]  # standard normal noise, each time new
Sampler = Callable[[Tensor, Denoise, Draw, Schedule], Iterator[Tensor]]


def ancestral_step(x: Tensor, denoised: Denoised, i: int, z: Tensor, chain: Schedule) -> Tensor:
    """Line 4 of Algorithm 2 (Ho et al. 2020) with the posterior's variance, eq. 7.

    The paper's other choice, sigma^2 = beta_i, is as good with 1000 steps; with 50 it leaves more
    noise at each level than belongs there, which the image ends with as grain.

    Args:
        x: images at level i.
        denoised: what the network says of them.
        i: 1..steps.
        z: standard normal, shape of `x`; the last step (i = 1) does not use it.
        chain: the levels.
    """
    beta, signal = chain.betas[i].item(), chain.alphas_bar[i].item()
    below = chain.alphas_bar[i - 1].item()
    if signal > 0:
        mean = (x - beta / math.sqrt(1 - signal) * denoised.noise) / math.sqrt(1 - beta)
    else:  # eq. 7, where x holds nothing of the image
        mean = math.sqrt(below) * denoised.image
    return mean + math.sqrt(beta * (1 - below) / (1 - signal)) * z


def ddim_step(denoised: Denoised, i: int, chain: Schedule) -> Tensor:
    """From level i to i - 1 without new noise (Song, Meng & Ermon 2021, eq. 12 with eta = 0)."""
    below = chain.alphas_bar[i - 1].item()
    return math.sqrt(below) * denoised.image + math.sqrt(1 - below) * denoised.noise


def dpm_solver_step(
    x: Tensor, image: Tensor, before: Tensor | None, i: int, chain: Schedule
) -> Tensor:
    """DPM-Solver++(2M), a step of its Algorithm 2 (Lu et al. 2022b).

    With lambda = log sqrt(a / (1 - a)) the image is carried on in a straight line through the last
    two predictions; the first step has one, and the last, where lambda is infinite, ends in it.

    Args:
        x: images at level i.
        image: predicted there.
        before: predicted at level i + 1, None in the first step.
        i: 1..steps.
        chain: the levels.
    """
    signal, below = chain.alphas_bar[i].item(), chain.alphas_bar[i - 1].item()
    h = _log_ratio(below) - _log_ratio(signal)
    if before is not None and i > 1:
        r = (_log_ratio(signal) - _log_ratio(chain.alphas_bar[i + 1].item())) / h
        image = image + (image - before) / (2 * r)
    shrunk = math.sqrt((1 - below) / (1 - signal))
    return shrunk * x - math.sqrt(below) * math.expm1(-h) * image


def _log_ratio(signal: float) -> float:
    """lambda of Lu et al. 2022, half the logarithm of the signal-to-noise ratio."""
    if signal in (0, 1):
        return math.inf if signal else -math.inf
    return 0.5 * (math.log(signal) - math.log1p(-signal))


def reverse_vp_step(x: Tensor, noise: Tensor, i: int, z: Tensor, chain: Schedule) -> Tensor:
    """Reverse diffusion of the variance-preserving SDE (Song et al. 2021, appendix E).

    Its score is -noise / sqrt(1 - a). The last step adds no noise.
    """
    beta, signal = chain.betas[i].item(), chain.alphas_bar[i].item()
    mean = (2 - math.sqrt(1 - beta)) * x - beta / math.sqrt(1 - signal) * noise
    return mean if i == 1 else mean + math.sqrt(beta) * z


def reverse_ve_step(x: Tensor, noise: Tensor, i: int, z: Tensor, chain: Schedule) -> Tensor:
    """Reverse diffusion of the variance-exploding SDE (Song et al. 2021, appendix E).

    In its units y' = y - (s_i^2 - s_(i-1)^2) noise / s_i + sqrt(s_i^2 - s_(i-1)^2) z; the last step
    adds no noise.
    """
    s, below = _deviation(i, chain), _deviation(i - 1, chain)
    removed = s**2 - below**2
    y = x / math.sqrt(chain.alphas_bar[i].item()) - removed / s * noise
    if i > 1:
        y = y + math.sqrt(removed) * z
    return math.sqrt(chain.alphas_bar[i - 1].item()) * y


def flow_step(x: Tensor, slope: Tensor, i: int, chain: Schedule) -> Tensor:
    """Euler's step of the probability flow dy/ds = noise (Karras et al. 2022, eq. 1)."""
    y = x / math.sqrt(chain.alphas_bar[i].item())
    y = y + (_deviation(i - 1, chain) - _deviation(i, chain)) * slope
    return math.sqrt(chain.alphas_bar[i - 1].item()) * y


def _deviation(i: int, chain: Schedule) -> float:
    signal = chain.alphas_bar[i].item()
    return math.sqrt((1 - signal) / signal)


def ancestral(x: Tensor, denoise: Denoise, draw: Draw, chain: Schedule) -> Iterator[Tensor]:
    """Algorithm 2 of Ho et al. 2020."""
    for i in range(chain.timesteps, 0, -1):
        x = ancestral_step(x, denoise(x, i), i, draw(), chain)
        yield x


def ddim(x: Tensor, denoise: Denoise, draw: Draw, chain: Schedule) -> Iterator[Tensor]:
    """Denoising diffusion implicit model: the noise at the start decides the image."""
    for i in range(chain.timesteps, 0, -1):
        x = ddim_step(denoise(x, i), i, chain)
        yield x


def dpm_solver(x: Tensor, denoise: Denoise, draw: Draw, chain: Schedule) -> Iterator[Tensor]:
    """DPM-Solver++ of second order, multistep: good images in about 20 steps."""
    before = None
    for i in range(chain.timesteps, 0, -1):
        image = denoise(x, i).image
        x = dpm_solver_step(x, image, before, i, chain)
        before = image
        yield x


def reverse_sde_vp(x: Tensor, denoise: Denoise, draw: Draw, chain: Schedule) -> Iterator[Tensor]:
    """The reverse-time SDE, variance-preserving."""
    for i in range(chain.timesteps, 0, -1):
        x = reverse_vp_step(x, denoise(x, i).noise, i, draw(), chain)
        yield x


def reverse_sde_ve(x: Tensor, denoise: Denoise, draw: Draw, chain: Schedule) -> Iterator[Tensor]:
    """The reverse-time SDE, variance-exploding."""
    for i in range(chain.timesteps, 0, -1):
        x = reverse_ve_step(x, denoise(x, i).noise, i, draw(), chain)
        yield x


def probability_flow(x: Tensor, denoise: Denoise, draw: Draw, chain: Schedule) -> Iterator[Tensor]:
    """The probability-flow ODE by Heun's method (Karras et al. 2022, Algorithm 1).

    The network is asked twice a step, but once in the last.
    """
    for i in range(chain.timesteps, 0, -1):
        slope = denoise(x, i).noise
        if i > 1:
            ahead = denoise(flow_step(x, slope, i, chain), i - 1).noise
            slope = (slope + ahead) / 2
        x = flow_step(x, slope, i, chain)
        yield x


# With the levels that each visits when it may not visit all. Errors of the deterministic ones come
# from curvature in lambda, of the others from too much noise taken away at once.
SAMPLERS: dict[str, tuple[Sampler, Callable[[Schedule, int], list[int]]]] = {
    "ancestral": (ancestral, even_in_time),
    "ddim": (ddim, even_in_log_snr),
    "dpm_solver": (dpm_solver, even_in_log_snr),
    "reverse_sde_vp": (reverse_sde_vp, even_in_time),
    "reverse_sde_ve": (reverse_sde_ve, even_in_time),
    "probability_flow": (probability_flow, even_in_log_snr),
}
