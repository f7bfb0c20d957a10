"""Samplers: each step against its paper's formula in NumPy at every level, and what whole chains
must give where the answer is known."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from medsynth.models.ddpm.prediction import Denoised, denoised, noise_of_velocity, velocity
from medsynth.models.ddpm.samplers import (
    SAMPLERS,
    ancestral_step,
    ddim_step,
    dpm_solver_step,
    flow_step,
    reverse_ve_step,
    reverse_vp_step,
)
from medsynth.models.ddpm.schedule import (
    Schedule,
    even_in_log_snr,
    even_in_time,
    linear_schedule,
    respaced,
    without_signal_at_the_end,
)
from medsynth.models.ddpm.settings import DdpmExperiment, DdpmTraining
from medsynth.runtime.seeding import generator

T = 1000
BETA = np.concatenate([[0.0], 1e-4 + (0.02 - 1e-4) * np.arange(T) / (T - 1)])
SIGNAL = np.cumprod(1 - BETA)
STOCHASTIC = ("ancestral", "reverse_sde_vp", "reverse_sde_ve")


def _ancestral(x, e, before, z, i):
    mean = (x - BETA[i] / np.sqrt(1 - SIGNAL[i]) * e) / np.sqrt(1 - BETA[i])
    return mean + (i > 1) * np.sqrt(BETA[i]) * z


def _ddim(x, e, before, z, i):
    image = (x - np.sqrt(1 - SIGNAL[i]) * e) / np.sqrt(SIGNAL[i])
    return np.sqrt(SIGNAL[i - 1]) * image + np.sqrt(1 - SIGNAL[i - 1]) * e


def _dpm_solver(x, e, before, z, i):
    alpha, sigma = np.sqrt(SIGNAL), np.sqrt(1 - SIGNAL)
    data = (x - sigma[i] * e) / alpha[i]
    if i == 1:
        return data  # lambda is infinite at the image
    lam = np.log(alpha[1:] / sigma[1:])  # lam[i - 1] is of level i
    h = lam[i - 2] - lam[i - 1]
    if i < T:
        r = (lam[i - 1] - lam[i]) / h
        data = (1 + 1 / (2 * r)) * data - 1 / (2 * r) * before
    return sigma[i - 1] / sigma[i] * x - alpha[i - 1] * (np.exp(-h) - 1) * data


def _reverse_vp(x, e, before, z, i):
    score = -e / np.sqrt(1 - SIGNAL[i])
    return (2 - np.sqrt(1 - BETA[i])) * x + BETA[i] * score + (i > 1) * np.sqrt(BETA[i]) * z


def _reverse_ve(x, e, before, z, i):
    variance = (1 - SIGNAL) / SIGNAL
    removed = variance[i] - variance[i - 1]
    score = -e / np.sqrt(variance[i])
    y = x / np.sqrt(SIGNAL[i]) + removed * score + (i > 1) * np.sqrt(removed) * z
    return y * np.sqrt(SIGNAL[i - 1])


ORACLES = {
    "ancestral": (_ancestral, lambda x, d, b, i, z, c: ancestral_step(x, d, i, z, c)),
    "ddim": (_ddim, lambda x, d, b, i, z, c: ddim_step(d, i, c)),
    "dpm_solver": (
        _dpm_solver,
        lambda x, d, b, i, z, c: dpm_solver_step(x, d.image, b if i < T else None, i, c),
    ),
    "reverse_sde_vp": (_reverse_vp, lambda x, d, b, i, z, c: reverse_vp_step(x, d.noise, i, z, c)),
    "reverse_sde_ve": (_reverse_ve, lambda x, d, b, i, z, c: reverse_ve_step(x, d.noise, i, z, c)),
    # Euler's step of the flow is DDIM's (Song, Meng & Ermon 2021, eq. 14).
    "probability_flow": (_ddim, lambda x, d, b, i, z, c: flow_step(x, d.noise, i, c)),
}


@pytest.mark.parametrize("name", ORACLES)
def test_step_equals_the_formula_at_every_level(name):
    chain = linear_schedule(T, 1e-4, 0.02)
    oracle, step = ORACLES[name]
    for i in range(1, T + 1):
        x, e, before, z = torch.randn(4, 1, 1, 4, 4, generator=generator(i), dtype=torch.float64)
        wanted = oracle(x.numpy(), e.numpy(), before.numpy(), z.numpy(), i)
        scale = np.abs(wanted).max()

        def taken(dtype: torch.dtype, i=i, x=x, e=e, before=before, z=z) -> np.ndarray:
            x, e, before, z = (one.to(dtype) for one in (x, e, before, z))
            seen = denoised(x, e, chain.alphas_bar[i].item(), "noise", clip=False)
            return step(x, seen, before, i, z, chain).double().numpy()

        assert np.abs(taken(torch.float64) - wanted).max() <= 1e-10 * scale
        # Near x_T the image is a difference divided by 0.006.
        assert np.abs(taken(torch.float32) - wanted).max() <= 1e-6 * scale / SIGNAL[i] ** 0.5


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


@pytest.mark.parametrize("name", STOCHASTIC)
def test_stochastic_samplers_recover_the_distribution(name):
    oracle, pixels = _Gaussian(linear_schedule(T, 1e-4, 0.02)), 20_000
    _, x = oracle.drawn(name, pixels)
    assert x.mean().item() == pytest.approx(oracle.mean, abs=5 * oracle.std / pixels**0.5)
    assert x.std().item() == pytest.approx(oracle.std, rel=0.03)


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


def test_last_level_without_signal_is_left_by_the_predicted_image():
    chain = Schedule(torch.tensor([0, 0.5, 1.0]), torch.tensor([1, 0.5, 0.0]))
    x, image, z = torch.randn(3, 1, 1, 4, 4, generator=generator(0))
    step = ancestral_step(x, Denoised(image, x), 2, z, chain)
    torch.testing.assert_close(step, 0.5**0.5 * image + z)


def test_a_schedule_that_keeps_the_image_is_refused_with_the_figure():
    with pytest.raises(ValidationError, match="leave 78% of the image in x_T"):
        DdpmTraining(timesteps=50)
    left = math.prod(math.sqrt(1 - b) for b in np.linspace(0.002, 0.2, 50))
    assert left < 0.1 and DdpmTraining(timesteps=50, beta_start=0.002, beta_end=0.2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train": {"label_drop": 0}}, "guidance 1 needs a model that knows images without"),
        ({"sample": {"steps": 1001}}, "steps 1001 exceeds train.timesteps 1000"),
        ({"sample": {"sampler": "euler"}}, "'dpm_solver'"),
        ({"train": {"zero_terminal_snr": True}}, "learns nothing there; set predicts: velocity"),
        ({"train": {"predicts": "velocity", "p2_gamma": 1}}, "set p2_gamma: 0"),
        (
            {
                "train": {"predicts": "velocity", "zero_terminal_snr": True},
                "sample": {"sampler": "probability_flow"},
            },
            "probability_flow begins with the image in x_T",
        ),
    ],
)
def test_samplings_that_cannot_work_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        DdpmExperiment(name="one", cohort="cxr", family="ddpm", **settings)
