"""Settings of diffusion models that cannot work are refused, with the figure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pydantic import ValidationError

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
        ({"train": {"beta_start": 1e-20}}, "greater than or equal to 0.000000001"),
    ],
)
def test_samplings_that_cannot_work_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        DdpmExperiment(name="one", cohort="cxr", family="ddpm", **settings)
