"""Settings of drawing from a diffusion model: its sampler, guidance and covariates."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, field_validator

from medsynth.models.ddpm.training_settings import Diffusion
from medsynth.models.settings import Sampling
from medsynth.runtime.settings import UNKNOWN, Name

SEXES = ("female", "male")
OLDEST = 120  # years
NEED_SIGNAL = ("reverse_sde_vp", "reverse_sde_ve", "probability_flow")
BY_LOG_SNR = ("ddim", "dpm_solver", "probability_flow")  # which visit t = T and t = 1 first
COARSE = 20  # steps of an SDE, with more of which it is right within a fifth
SPREAD = 0.5  # standard deviation of pixels by which they are judged; images span -1 to 1
MOST_SPREAD = 1.5  # times as much may be drawn


class DdpmSampling(Sampling):
    """How a trained model draws, with classifier-free guidance."""

    sampler: Literal[
        "ancestral", "ddim", "dpm_solver", "reverse_sde_vp", "reverse_sde_ve", "probability_flow"
    ] = Field(
        "ancestral",
        description="ancestral: Algorithm 2 of Ho et al. 2020; ddim: Song, Meng & Ermon 2021,"
        " without new noise; dpm_solver: DPM-Solver++ 2M (Lu et al. 2022), for few steps;"
        " reverse_sde_vp, reverse_sde_ve: the reverse-time SDE (Song et al. 2021),"
        " probability_flow: its ODE by Heun's method, which asks the network twice a step",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="noise levels to visit; null: all train.timesteps. ancestral and SDEs need most"
        " of them, ddim about 50, dpm_solver about 20",
    )
    clip: bool = Field(
        False,
        description="keep the image that is predicted at each step within the range of the data;"
        " Algorithm 2 as printed does not",
    )
    guidance: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="w (Ho & Salimans 2022, eq. 6): higher shows the class more clearly, in less"
        " variety; 0 is the conditional model alone",
    )
    guide_scale: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="s (Dhariwal & Nichol 2021): how strongly the classifier inputs.guide, which"
        " must be given, draws towards the label; 1 is by Bayes' rule. Its gradient costs a pass"
        " forth and back at each step. 0: no guide",
    )
    covariates: dict[Name, StrictBool | StrictInt | StrictFloat | str] = Field(
        {},
        description="values of covariates for all images, as {sex: female, age: 60}, or unknown;"
        " others are drawn: each image has those of a training image of its label",
    )

    @field_validator("covariates")
    @classmethod
    def _can_be_of_a_person(cls, asked: dict[str, Any]) -> dict[str, Any]:
        """Ages and sexes, which the workflow understands and other covariates are not."""
        plain = {name: str(value).casefold() for name, value in asked.items()}
        if plain.get("sex", UNKNOWN) not in (*SEXES, UNKNOWN):
            raise ValueError(f"sex is {', '.join(SEXES)} or {UNKNOWN}, not {asked['sex']!r}")
        if (age := plain.get("age", UNKNOWN)) != UNKNOWN:
            with suppress(ValueError):
                if 0 <= float(age) <= OLDEST:  # no number is not within, nor is true
                    return asked
            raise ValueError(f"age is 0 to {OLDEST} years or {UNKNOWN}, not {asked['age']!r}")
        return asked

    def provenance(self) -> dict[str, float | str]:
        """Settings that every image states with seed and model; steps 0: all."""
        return {
            "guidance": self.guidance,
            "guide_scale": self.guide_scale,
            "sampler": self.sampler,
            "steps": self.steps or 0,
            "clip": str(self.clip).lower(),
        }


def cannot_draw(train: Diffusion, sample: DdpmSampling) -> str | None:
    """Why models of such a training cannot draw so; None if they can."""
    if sample.guidance > 0 and train.label_drop == 0:
        return (
            f"guidance {sample.guidance:g} needs a model that knows images without a label, and"
            " train.label_drop 0 hides none; set guidance: 0, or label_drop: 0.1"
        )
    if (sample.steps or 0) > train.timesteps:
        return (
            f"steps {sample.steps} exceeds train.timesteps {train.timesteps}; take fewer, or"
            " leave it out for all"
        )
    if why := _too_few(train, sample):
        return why
    if train.zero_terminal_snr and sample.sampler in NEED_SIGNAL:
        return (
            f"{sample.sampler} begins with the image in x_T, of which zero_terminal_snr leaves"
            " nothing; take ancestral, ddim or dpm_solver"
        )
    return None


def _too_few(train: Diffusion, sample: DdpmSampling) -> str | None:
    """Why so few steps draw no images, however good the network is."""
    steps, sampler = sample.steps, sample.sampler
    if steps is None or steps == train.timesteps:
        return None
    least = min(3 if sampler in BY_LOG_SNR else 2, train.timesteps)
    if steps < least:
        return (
            f"steps {steps}: {sampler} then visits no noise level between noise alone and the"
            f" image, and draws the mean of all images that it was asked for; take {least} or more"
            " (docs/guides/running.md has how many are good)"
        )
    if not sampler.startswith("reverse_sde") or train.zero_terminal_snr or steps >= COARSE:
        return None
    if (drawn := _spread(train, sampler, steps)) <= MOST_SPREAD * SPREAD:
        return None
    most = min(COARSE, train.timesteps)
    more = range(steps + 1, most)
    enough = next((n for n in more if _spread(train, sampler, n) <= MOST_SPREAD * SPREAD), most)
    return (
        f"steps {steps}: {sampler} takes so much noise away at once that it draws pixels of"
        f" standard deviation {SPREAD} with {drawn:.2f}, even by a network without"
        f" error; take {enough} or more, nearly all of {train.timesteps} are good"
    )


def _spread(train: Diffusion, sampler: str, steps: int) -> float:
    """Standard deviation that is drawn of normal pixels which have SPREAD, by the true network.

    Of these it is linear, so that every step scales the variance and adds the step's noise.
    """
    top, variance = train.timesteps, 1.0
    levels = [(2 * i * top + steps) // (2 * steps) for i in range(steps + 1)]
    signals = [train.signal_at(level) ** 2 for level in levels]
    for i in range(steps, 0, -1):
        signal, below = signals[i], signals[i - 1]
        if sampler == "reverse_sde_vp":
            added = 1 - signal / below
            kept = 2 - math.sqrt(1 - added) - added / (signal * SPREAD**2 + 1 - signal)
            scale = 1.0
        else:  # in units of the image
            added = (1 - signal) / signal - (1 - below) / below
            kept = 1 - added / (SPREAD**2 + (1 - signal) / signal)
            variance, scale = variance / signal, below
        variance = scale * (kept**2 * variance + (added if i > 1 else 0))
    return math.sqrt(variance)
