"""Samplers: each step against its paper's formula in NumPy at every level, and what whole chains
must give where the answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from medsynth.models.ddpm.prediction import Denoised, denoised, noise_of_velocity, velocity
from medsynth.models.ddpm.samplers import SAMPLERS
from medsynth.models.ddpm.schedule import (
    Schedule,
    even_in_log_snr,
    even_in_time,
    linear_schedule,
    respaced,
    without_signal_at_the_end,
)
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.runtime.seeding import generator

T = 1000
BETA = np.concatenate([[0.0], 1e-4 + (0.02 - 1e-4) * np.arange(T) / (T - 1)])
SIGNAL = np.cumprod(1 - BETA)
Said = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]  # image and noise in x at a level


def _ancestral(x, said, z, before, i, signal):
    """Eq. 7 of Ho et al. 2020 as it stands, in terms of the image."""
    kept = signal[i] / signal[i - 1]
    on_image = np.sqrt(signal[i - 1]) * (1 - kept) / (1 - signal[i])
    on_x = np.sqrt(kept) * (1 - signal[i - 1]) / (1 - signal[i])
    variance = (1 - signal[i - 1]) / (1 - signal[i]) * (1 - kept)
    return on_image * said(x, i)[0] + on_x * x + np.sqrt(variance) * z


def _ddim(x, said, z, before, i, signal):
    image, noise = said(x, i)
    return np.sqrt(signal[i - 1]) * image + np.sqrt(1 - signal[i - 1]) * noise


def _dpm_solver(x, said, z, before, i, signal):
    data = said(x, i)[0]
    if i == 1:
        return data  # lambda is infinite at the image
    alpha, sigma = np.sqrt(signal), np.sqrt(1 - signal)
    with np.errstate(divide="ignore"):  # without signal lambda is minus infinity
        lam = np.log(alpha[1:] / sigma[1:])  # lam[i - 1] is of level i
    h = lam[i - 2] - lam[i - 1]
    if i < len(signal) - 1:
        r = (lam[i - 1] - lam[i]) / h
        data = (1 + 1 / (2 * r)) * data - 1 / (2 * r) * before
    return sigma[i - 1] / sigma[i] * x - alpha[i - 1] * (np.exp(-h) - 1) * data


def _reverse_vp(x, said, z, before, i, signal):
    beta = 1 - signal[i] / signal[i - 1]
    score = -said(x, i)[1] / np.sqrt(1 - signal[i])
    return (2 - np.sqrt(1 - beta)) * x + beta * score + (i > 1) * np.sqrt(beta) * z


def _reverse_ve(x, said, z, before, i, signal):
    variance = (1 - signal) / signal
    removed = variance[i] - variance[i - 1]
    score = -said(x, i)[1] / np.sqrt(variance[i])
    y = x / np.sqrt(signal[i]) + removed * score + (i > 1) * np.sqrt(removed) * z
    return y * np.sqrt(signal[i - 1])


def _heun(x, said, z, before, i, signal):
    """Algorithm 1 of Karras et al. 2022 in its units, t their noise level."""
    t = np.sqrt((1 - signal) / signal)
    scale = np.sqrt(signal)
    y, d = x / scale[i], said(x, i)[1]  # their d_i = (y - D(y)) / t_i is the noise
    ahead = y + (t[i - 1] - t[i]) * d
    if i > 1:
        ahead = y + (t[i - 1] - t[i]) * (d + said(ahead * scale[i - 1], i - 1)[1]) / 2
    return ahead * scale[i - 1]


ORACLES = {
    "ancestral": _ancestral,
    "ddim": _ddim,
    "dpm_solver": _dpm_solver,
    "reverse_sde_vp": _reverse_vp,
    "reverse_sde_ve": _reverse_ve,
    "probability_flow": _heun,
}


def _errors(name: str, predicts: str, chain: Schedule, dtype: torch.dtype) -> np.ndarray:
    """Of every step of a whole walk from x_T, how far it is from the formula in float64, as a share
    of the largest pixel; the network is a fixed function of x, and another one at every level."""
    signal, shape, draws = chain.alphas_bar.numpy(), (2, 1, 4, 4), generator(5)
    said = torch.randn(chain.timesteps + 1, *shape, generator=generator(6), dtype=torch.float64)
    drawn: list[Tensor] = []

    def denoise(x: Tensor, i: int) -> Denoised:
        predicted = said[i].to(dtype) + 0.1 * x
        return denoised(x, predicted, chain.alphas_bar[i].item(), predicts, clip=False)

    def in_float64(x: np.ndarray, i: int) -> tuple[np.ndarray, np.ndarray]:
        predicted, up, down = said[i].numpy() + 0.1 * x, signal[i] ** 0.5, (1 - signal[i]) ** 0.5
        if predicts == "velocity":
            return up * x - down * predicted, down * x + up * predicted
        return (x - down * predicted) / up, predicted

    def draw() -> Tensor:
        drawn.append(torch.randn(shape, generator=draws, dtype=torch.float64).to(dtype))
        return drawn[-1]

    x, before, errors = draw(), None, []
    walk = SAMPLERS[name][0](x, denoise, draw, chain)
    for i, after in zip(range(chain.timesteps, 0, -1), walk, strict=True):
        here, z = x.double().numpy(), drawn[-1].double().numpy()
        wanted = ORACLES[name](here, in_float64, z, before, i, signal)
        errors.append(np.abs(after.double().numpy() - wanted).max() / np.abs(wanted).max())
        x, before = after, in_float64(here, i)[0]
    return np.array(errors)


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
@pytest.mark.parametrize("name", ORACLES)
def test_step_equals_the_formula_at_every_level(name, predicts):
    chain = linear_schedule(T, 1e-4, 0.02)
    np.testing.assert_allclose(chain.alphas_bar, SIGNAL, rtol=1e-12)
    assert _errors(name, predicts, chain, torch.float64).max() <= 1e-10
    single = _errors(name, predicts, chain, torch.float32)
    # Near x_T the image, in units of which a step may be taken, is a difference over 0.006.
    assert (single <= 1e-6 / np.sqrt(SIGNAL[:0:-1])).all() and np.median(single) <= 1e-6


@pytest.mark.parametrize("name", ["ancestral", "ddim", "dpm_solver"])
def test_step_equals_the_formula_from_noise_without_signal(name):
    chain = without_signal_at_the_end(linear_schedule(T, 1e-4, 0.02))
    assert _errors(name, "velocity", chain, torch.float64).max() <= 1e-10
    assert _errors(name, "velocity", chain, torch.float32).max() <= 1e-4


class _Gaussian:
    """Pixels are N(mean, std^2): the noise, and where the flow takes an x_T, are known."""

    mean, std = 0.4, 0.3

    def __init__(self, chain: Schedule):
        self.chain = chain

    def denoise(self, x: Tensor, i: int) -> Denoised:
        a = self.chain.alphas_bar[i].item()
        noise = math.sqrt(1 - a) * (x - math.sqrt(a) * self.mean) / (a * self.std**2 + 1 - a)
        return denoised(x, noise, a, "noise", clip=False)

    def flowed(self, x: Tensor, i: int) -> Tensor:
        """x_T carried to level i: y - mean shrinks as sqrt(std^2 + s^2) does."""
        top, a = self.chain.alphas_bar[-1].item(), self.chain.alphas_bar[i].item()
        spread = [math.sqrt(self.std**2 + (1 - one) / one) for one in (a, top)]
        y = self.mean + (x / math.sqrt(top) - self.mean) * spread[0] / spread[1]
        return math.sqrt(a) * y

    def drawn(self, name: str, pixels: int, to: int = 0) -> tuple[Tensor, Tensor]:
        """x_T and the images at level `to` that a sampler makes of it."""
        noise = generator(3)

        def draw() -> Tensor:
            return torch.randn(1, 1, 1, pixels, generator=noise, dtype=torch.float64)

        start = draw()
        walk = SAMPLERS[name][0](start, self.denoise, draw, self.chain)
        *_, x = islice(walk, self.chain.timesteps - to)
        return start, x


@pytest.mark.parametrize(
    ("name", "order"), [("ddim", 1), ("probability_flow", 2), ("dpm_solver", 2)]
)
def test_ode_samplers_converge_to_the_flow_in_their_order(name, order):
    whole = linear_schedule(4000, 0.1 / 4000, 20 / 4000)

    def error(steps: int) -> float:
        # To a tenth of the way: the very last step is of first order in all of them.
        oracle, to = _Gaussian(respaced(whole, even_in_time(whole, steps))), steps // 10
        start, x = oracle.drawn(name, 64, to)
        return (x - oracle.flowed(start, to)).abs().max().item()

    assert error(400) / error(800) == pytest.approx(2**order, rel=0.1)


@pytest.mark.parametrize("name", ["ddim", "probability_flow", "dpm_solver"])
def test_ode_samplers_end_where_the_flow_does(name):
    oracle = _Gaussian(linear_schedule(T, 1e-4, 0.02))
    start, x = oracle.drawn(name, 64)
    assert (x - oracle.flowed(start, 0)).abs().max() < 0.01


class _Mixture:
    """Pixels are N(-0.6, 0.05^2) or N(0.5, 0.2^2), the first three times in ten."""

    weights, means, stds = (
        torch.tensor(v).double() for v in ((0.3, 0.7), (-0.6, 0.5), (0.05, 0.2))
    )

    def denoise(self, x: Tensor, i: int, chain: Schedule) -> Denoised:
        """The noise that is expected in x: of each part as of a Gaussian, weighed by how likely the
        part is."""
        a = chain.alphas_bar[i].item()
        shape = (2, *[1] * x.ndim)
        weights, means, stds = (v.view(shape) for v in (self.weights, self.means, self.stds))
        variance, off = a * stds**2 + 1 - a, x - math.sqrt(a) * means
        part = torch.softmax(weights.log() - variance.log() / 2 - off**2 / (2 * variance), dim=0)
        noise = (part * math.sqrt(1 - a) * off / variance).sum(0)
        return denoised(x, noise, a, "noise", clip=False)

    def distance(self, name: str, steps: int, pixels: int = 20_000) -> float:
        """Mean distance of what a sampler draws, sorted, from the quantiles (Wasserstein-1)."""
        whole, noise = linear_schedule(T, 1e-4, 0.02), generator(3)
        chain = respaced(whole, SAMPLERS[name][1](whole, steps))

        def draw() -> Tensor:
            return torch.randn(1, 1, 1, pixels, generator=noise, dtype=torch.float64)

        *_, x = SAMPLERS[name][0](draw(), lambda x, i: self.denoise(x, i, chain), draw, chain)
        grid = torch.linspace(-3, 3, 100_001, dtype=torch.float64)
        below = torch.special.ndtr((grid[:, None] - self.means) / self.stds) @ self.weights
        ranks = (np.arange(pixels) + 0.5) / pixels
        return np.abs(x.flatten().sort()[0].numpy() - np.interp(ranks, below, grid)).mean()


@pytest.mark.parametrize("name", SAMPLERS)
def test_all_samplers_draw_the_same_distribution(name):
    """So where one is worse on a trained network, the network is wrong, not the sampler."""
    # 20,000 draws of the mixture itself are 0.004 away, a single Gaussian of its moments 0.1.
    assert _Mixture().distance(name, T) < 0.008


@pytest.mark.parametrize("name", ["dpm_solver", "probability_flow"])
def test_twenty_steps_of_second_order_are_beat_100_ancestral_ones(name):
    mixture = _Mixture()
    found = mixture.distance(name, 20)
    assert found < 0.012 < mixture.distance("ddim", 20) and found < mixture.distance(
        "ancestral", 100
    )


@pytest.mark.parametrize("schedule", [(T, 1e-4, 0.02), (50, 0.002, 0.2)])
def test_twenty_steps_of_the_solver_are_enough(schedule):
    whole, error = linear_schedule(*schedule), {}
    for name in ("ddim", "dpm_solver"):
        oracle = _Gaussian(respaced(whole, SAMPLERS[name][1](whole, 20)))
        start, x = oracle.drawn(name, 64)
        error[name] = (x - oracle.flowed(start, 0)).abs().max().item()
    assert error["dpm_solver"] < 0.02 and error["dpm_solver"] < error["ddim"] / 5


@pytest.mark.parametrize("spacing", [even_in_time, even_in_log_snr])
@pytest.mark.parametrize("steps", [1, 7, 20, 49, 50])
def test_a_chain_of_fewer_steps_has_the_signal_of_the_whole(spacing, steps):
    whole = linear_schedule(50, 0.002, 0.2)
    visited = spacing(whole, steps)
    assert (visited[0], visited[-1]) == (0, 50) and sorted(set(visited)) == visited
    chain = respaced(whole, visited)
    assert chain.timesteps == steps and (chain is whole) == (steps == 50)
    assert torch.equal(chain.alphas_bar, whole.alphas_bar[visited])
    torch.testing.assert_close(torch.cumprod(1 - chain.betas, 0), chain.alphas_bar)


def test_a_clipped_prediction_still_explains_the_noisy_image():
    x, noise = 3 * torch.randn(2, 1, 1, 8, 8, generator=generator(0), dtype=torch.float64)
    seen = denoised(x, noise, 0.3, "noise", clip=True)
    assert seen.image.abs().max() == 1
    torch.testing.assert_close(0.3**0.5 * seen.image + 0.7**0.5 * seen.noise, x)


@pytest.mark.parametrize("signal", [0.0, 0.3, 1.0])
def test_velocity_says_what_image_and_noise_are(signal):
    image, noise = torch.randn(2, 1, 1, 8, 8, generator=generator(0), dtype=torch.float64)
    a = torch.tensor(signal, dtype=torch.float64)
    x, v = a.sqrt() * image + (1 - a).sqrt() * noise, velocity(image, noise, a)
    seen = denoised(x, v, signal, "velocity", clip=False)
    torch.testing.assert_close(seen.image, image)
    torch.testing.assert_close(seen.noise, noise)
    torch.testing.assert_close(noise_of_velocity(v, x, a), noise)


def test_a_stretched_schedule_ends_without_signal_and_begins_as_it_was():
    whole = linear_schedule(50, 0.002, 0.2)
    chain = without_signal_at_the_end(whole)
    assert chain.alphas_bar[-1] == 0 and chain.betas[-1] == 1 and chain.alphas_bar[0] == 1
    torch.testing.assert_close(chain.alphas_bar[1], whole.alphas_bar[1])
    for stretched, of in ((True, chain), (False, whole)):
        training = DdpmTraining(
            timesteps=50, beta_start=0.002, beta_end=0.2, predicts="velocity",
            zero_terminal_snr=stretched,
        )  # fmt: skip
        said = [training.signal_at(level) for level in range(51)]
        assert said == pytest.approx(of.alphas_bar.sqrt().tolist(), abs=1e-12)
    assert (chain.alphas_bar[1:-1] < whole.alphas_bar[1:-1] + 1e-12).all()
    for spacing in (even_in_time, even_in_log_snr):
        assert spacing(chain, 20)[-1] == 50


@pytest.mark.parametrize("name", ["ancestral", "ddim", "dpm_solver"])
def test_a_chain_that_begins_without_signal_recovers_the_distribution(name):
    """The exact velocity of N(mean, std^2), which at T is minus the mean."""
    chain, mean, std = without_signal_at_the_end(linear_schedule(T, 1e-4, 0.02)), 0.4, 0.3

    def denoise(x: Tensor, i: int) -> Denoised:
        a = chain.alphas_bar[i].item()
        noise = math.sqrt(1 - a) * (x - math.sqrt(a) * mean) / (a * std**2 + 1 - a)
        image = mean + math.sqrt(a) * std**2 * (x - math.sqrt(a) * mean) / (a * std**2 + 1 - a)
        v = math.sqrt(a) * noise - math.sqrt(1 - a) * image
        return denoised(x, v, a, "velocity", clip=False)

    noise, pixels = generator(3), 20_000

    def draw() -> Tensor:
        return torch.randn(1, 1, 1, pixels, generator=noise, dtype=torch.float64)

    *_, x = SAMPLERS[name][0](draw(), denoise, draw, chain)
    assert x.isfinite().all()
    assert x.mean().item() == pytest.approx(mean, abs=5 * std / pixels**0.5)
    assert x.std().item() == pytest.approx(std, rel=0.03)
