"""Settings of training a diffusion model: its network, its noise schedule, what it learns."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from medsynth.models.settings import Misfit, halving_misfit
from medsynth.runtime.settings import Fraction, Loop, Name, Settings, each_once

SAMPLE_COLUMNS = (
    "row", "label", "number", "seed", "model_sha256", "guidance", "guide_scale", "sampler",
    "steps", "clip", "low_noise", "drawn_size", "training_images", "prompt",
)  # fmt: skip
SCHEDULE = {"timesteps", "beta_start", "beta_end", "zero_terminal_snr"}
MOST_SIGNAL = 0.1  # of the image's amplitude in x_T, for which sampling takes plain noise
LEAST_SIGNAL = 2.0**-24  # of it, below which single precision rounds the image in x_T away


class UNet(Settings):
    channels: int = Field(32, ge=8, le=4096, multiple_of=8, description="width at full resolution")
    multipliers: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        [1, 2, 2], min_length=1, description="width factor at each resolution"
    )
    blocks: int = Field(1, ge=1, le=16, description="ResNet blocks a resolution")
    attention: list[int] = Field([8], description="resolutions (pixels) with self-attention")
    dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of values that every ResNet block drops in training (Ho et al. 2020: 0.1"
        " for CIFAR-10, else 0)",
    )

    def misfit(self, image_size: int) -> Misfit | None:
        """What does not fit square images of this side in pixels."""
        halvings = len(self.multipliers) - 1
        if misfit := halving_misfit("multipliers", image_size, halvings):
            return misfit
        sizes = [image_size >> level for level in range(halvings + 1)]
        if absent := sorted(set(self.attention) - set(sizes)):
            return Misfit(
                "attention",
                f"unet.attention {absent} is not among the resolutions {sizes}; take some of these,"
                " or [] for none",
            )
        return None


class Diffusion(Loop):
    """Ho et al. 2020, Algorithm 1: what all families have that learn to denoise."""

    accumulate: int = Field(
        1,
        ge=1,
        le=65_536,
        description="parts of a batch that are worked through one after the other: gradients are"
        " those of the whole batch, and the network's memory is that of a part",
    )
    lr_schedule: Literal["constant", "cosine"] = Field(
        "constant",
        description="constant: lr at every step (Ho et al. 2020); cosine: it rises to lr in a 25th"
        " of the steps and falls to 0 along half a cosine, which short trainings need, since they"
        " otherwise end with the mistakes of their last steps",
    )
    timesteps: int = Field(
        1000, ge=2, le=100_000, description="T, noise levels; sampling takes as many steps"
    )
    beta_start: float = Field(
        1e-4, ge=1e-9, lt=1, description="beta_1, variance of the first noise"
    )
    beta_end: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="beta_T, of the last; between them it rises linearly (Ho et al. 2020: 1e-4 to"
        " 0.02 for T = 1000; for fewer levels multiply both by about 1000/T)",
    )
    zero_terminal_snr: bool = Field(
        False,
        description="stretch the schedule so that x_T holds nothing of the image (Lin et al. 2024);"
        " needs predicts: velocity",
    )
    predicts: Literal["noise", "velocity"] = Field(
        "noise",
        description="what the network learns: the noise (Ho et al. 2020), or velocity, a mixture"
        " of noise and image that is useful at every noise level (Salimans & Ho 2022)",
    )
    p2_gamma: float = Field(
        0.0,
        ge=0,
        le=100,
        description="P2 weighting exponent (Choi et al. 2022); higher gives images of"
        " little noise less weight, 0 is the plain loss",
    )
    p2_k: float = Field(
        1.0,
        gt=0,
        le=1000,
        description="P2 weighting offset k; no weight exceeds k^-gamma (Choi et al. 2022: 1)",
    )
    label_drop: Fraction = Field(
        0.1,
        description="share of labels hidden in training, for guidance (Ho & Salimans 2022)",
    )
    ema_decay: Fraction = Field(
        0.999,
        description="decay of the averaged weights that sampling uses, warmed up; higher averages"
        " more steps, 0 keeps the last (Ho et al. 2020: 0.9999)",
    )
    unet: UNet = Field(UNet(), description="the network that predicts the noise")
    conditions: list[Name] = Field(
        [],
        description="covariates (of mimic_cxr: view; of images: those of columns.covariates) that"
        " the images are conditioned on beside the label, as [sex, age]; unknown is a value of its"
        " own",
    )

    def schedule(self) -> dict[str, Any]:
        """The settings that the noise levels follow from, and no other."""
        return self.model_dump(include=SCHEDULE)

    def signal_at(self, level: int) -> float:
        """Share of the image's amplitude that is left in x_t of a level t, 0..timesteps."""
        left = self._left(level)
        if not self.zero_terminal_snr or level == 0:
            return left
        first, last = self._left(1), self._left(self.timesteps)
        return (left - last) * first / (first - last)

    def _left(self, level: int) -> float:
        """The same before zero_terminal_snr stretches it."""
        rise = (self.beta_end - self.beta_start) / (self.timesteps - 1)
        return math.prod(math.sqrt(1 - self.beta_start - rise * t) for t in range(level))

    @field_validator("label_drop")
    @classmethod
    def _lets_labels_be_seen(cls, share: float) -> float:
        if share == 1:
            raise ValueError(
                "1 hides every label, or text, so that the model learns nothing of what images are"
                " asked for with; take about 0.1"
            )
        return share

    @field_validator("accumulate")
    @classmethod
    def _has_an_image_in_each_part(cls, accumulate: int, info: ValidationInfo) -> int:
        if accumulate > (batch := info.data.get("batch", accumulate)):
            raise ValueError(f"accumulate {accumulate} exceeds batch {batch}; lower it")
        return accumulate

    @field_validator("conditions")
    @classmethod
    def _can_be_columns(cls, names: list[str]) -> list[str]:
        if taken := [name for name in names if name in SAMPLE_COLUMNS]:
            raise ValueError(f"{taken[0]!r} is a column of the samples; call the covariate else")
        return each_once(names)

    @field_validator("beta_end")
    @classmethod
    def _noise_grows(cls, end: float, info: ValidationInfo) -> float:
        if info.data.get("beta_start", 0) > end:
            raise ValueError("beta_start must not exceed beta_end")
        return end

    @model_validator(mode="after")
    def _can_be_learned(self) -> Self:
        if self.predicts == "noise" and self.zero_terminal_snr:
            raise ValueError(
                "zero_terminal_snr: in x_T there is nothing but noise, and who predicts the noise"
                " learns nothing there; set predicts: velocity"
            )
        if self.predicts == "velocity" and self.p2_gamma:
            raise ValueError(
                f"p2_gamma {self.p2_gamma:g} weighs errors of predicted noise; set p2_gamma: 0, or"
                " predicts: noise"
            )
        signal = self._left(self.timesteps)
        if signal < LEAST_SIGNAL:
            share = f"{signal:.0e}" if signal > 0 else "nothing"
            raise ValueError(
                f"timesteps {self.timesteps}, beta_start {self.beta_start} and beta_end"
                f" {self.beta_end} leave {share} of the image in x_T, which single precision cannot"
                " tell from noise, so that samplers divide by what is not there; lower both betas:"
                " Ho et al. 2020 have 1e-4 to 0.02 for T = 1000; for T levels multiply these by"
                " about 1000/T"
            )
        if signal > MOST_SIGNAL and not self.zero_terminal_snr:
            raise ValueError(
                f"timesteps {self.timesteps}, beta_start {self.beta_start} and beta_end"
                f" {self.beta_end} leave {signal:.0%} of the image in x_T, but sampling starts from"
                f" noise alone; at most {MOST_SIGNAL:.0%} may be left: multiply both betas by about"
                " 1000/timesteps, or set zero_terminal_snr: true and predicts: velocity"
            )
        return self


class DdpmTraining(Diffusion):
    image_size: int | None = Field(
        None,
        ge=4,
        le=4096,
        description="pixels a side to which images are area-averaged before they are learned, a"
        " divisor of the cohort's image_size: the low resolution of a cascade. What is drawn is"
        " enlarged bicubically to the cohort's size; null: images as they are",
    )
