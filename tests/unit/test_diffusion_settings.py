"""Settings of diffusion models that cannot work are refused, with the figure."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from medsynth.models.ddpm.prediction import denoised
from medsynth.models.ddpm.samplers import SAMPLERS
from medsynth.models.ddpm.sampling_settings import BY_LOG_SNR, SPREAD, DdpmSampling, cannot_draw
from medsynth.models.ddpm.schedule import respaced, schedule_of
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.ddpm.training_settings import DdpmTraining


def test_a_schedule_that_keeps_the_image_is_refused_with_the_figure():
    with pytest.raises(ValidationError, match="leave 78% of the image in x_T"):
        DdpmTraining(timesteps=50)
    left = math.prod(math.sqrt(1 - b) for b in np.linspace(0.002, 0.2, 50))
    assert left < 0.1 and DdpmTraining(timesteps=50, beta_start=0.002, beta_end=0.2)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"train": {"label_drop": 0}}, "guidance 1 needs a model that knows images without"),
        ({"train": {"label_drop": 1}}, "1 hides every label, or text, so that the model learns"),
        ({"train": {"unet": {"dropout": 1}}}, "less than 1"),
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
        (  # its first step would leave twice the variance, its only one nothing but noise
            {
                "train": {"predicts": "velocity", "zero_terminal_snr": True},
                "sample": {"sampler": "reverse_sde_vp"},
            },
            "reverse_sde_vp begins with the image in x_T",
        ),
        # Samplers would divide by what a float32 does not hold, and draw NaN.
        ({"train": {"beta_start": 0.1, "beta_end": 0.3}}, "leave 9e-50 of the image in x_T"),
        ({"train": {"timesteps": 100_000}}, "leave .* of the image in x_T, which single precision"),
        (
            {
                "train": {
                    "predicts": "velocity",
                    "zero_terminal_snr": True,
                    "beta_start": 0.5,
                    "beta_end": 0.99,
                }
            },
            "single precision cannot tell",
        ),
        # Of one step, or of two in log SNR, which are t = T and t = 1, all images are the mean.
        (
            {"sample": {"steps": 1}},
            "ancestral then visits no noise level between .* take 2 or more",
        ),
        (
            {"sample": {"sampler": "dpm_solver", "steps": 1}},
            "steps 1: dpm_solver .* take 3 or more",
        ),
        ({"sample": {"sampler": "ddim", "steps": 2}}, "steps 2: ddim .* take 3 or more"),
        ({"sample": {"sampler": "probability_flow", "steps": 2}}, "take 3 or more"),
        (
            {"sample": {"sampler": "reverse_sde_vp", "steps": 3}},
            "pixels of standard deviation 0.5 with 0.82, .* take 4 or more, nearly all of 1000",
        ),
        ({"sample": {"sampler": "reverse_sde_ve", "steps": 2}}, "with 3.29, .* take 5 or more"),
        ({"train": {"beta_start": 1e-20}}, "greater than or equal to 0.000000001"),
    ],
)
def test_samplings_that_cannot_work_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        DdpmExperiment(name="one", cohort="cxr", family="ddpm", **settings)


@pytest.mark.parametrize(
    ("sampler", "steps"),
    [("ancestral", 2), ("ddim", 3), ("dpm_solver", 3), ("probability_flow", 3)]
    + [("reverse_sde_vp", 4), ("reverse_sde_ve", 5)],
)
def test_as_many_steps_as_the_refusal_names_are_taken(sampler, steps):
    sample = {"sampler": sampler, "steps": steps}
    assert DdpmExperiment(name="one", cohort="cxr", family="ddpm", sample=sample)


def test_all_levels_of_a_short_schedule_are_always_taken():
    short = DdpmTraining(timesteps=2, beta_start=0.9, beta_end=0.95)
    for steps in (None, 2):
        assert cannot_draw(short, DdpmSampling(sampler="ddim", steps=steps)) is None
    assert "take 2 or more" in cannot_draw(short, DdpmSampling(sampler="ddim", steps=1))


def test_levels_that_are_refused_as_too_few_are_those_that_samplers_visit():
    whole = schedule_of(DdpmTraining())
    for name, (_, spacing) in SAMPLERS.items():
        assert (spacing(whole, 2)[1] == 1) == (name in BY_LOG_SNR)


@pytest.mark.parametrize("name", ["reverse_sde_vp", "reverse_sde_ve"])
def test_the_spread_in_the_refusal_is_that_of_the_samplers(name):
    """Of normal pixels E[noise | x] = sqrt(1 - a) x / (a s^2 + 1 - a)."""
    sampler, spacing = SAMPLERS[name]
    whole = schedule_of(DdpmTraining())
    chain, noise = respaced(whole, spacing(whole, 3)), torch.Generator().manual_seed(0)

    def draw():
        return torch.randn(1, 1, 1, 100_000, generator=noise, dtype=torch.float64)

    def denoise(x, i):
        a = chain.alphas_bar[i].item()
        seen = math.sqrt(1 - a) * x / (a * SPREAD**2 + 1 - a)
        return denoised(x, seen, a, "noise", clip=False)

    *_, x = sampler(draw(), denoise, draw, chain)
    told = cannot_draw(DdpmTraining(), DdpmSampling(sampler=name, steps=3))
    assert told and float(told.split(" with ")[1].split(",")[0]) == pytest.approx(
        x.std().item(), 0.02
    )
