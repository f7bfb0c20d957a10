"""Settings of denoising diffusion models."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from medsynth.models.settings import (
    FamilyExperiment,
    Inputs,
    Misfit,
    Sampling,
    Takes,
    halving_misfit,
)
from medsynth.runtime.settings import UNKNOWN, Fraction, ImageForm, Loop, Name, Settings, each_once

SEXES = ("female", "male")
OLDEST = 120  # years
SAMPLE_COLUMNS = (
    "row", "label", "number", "seed", "model_sha256", "guidance", "guide_scale", "sampler",
    "steps", "clip", "low_noise", "drawn_size", "training_images", "prompt",
)  # fmt: skip
SCHEDULE = {"timesteps", "beta_start", "beta_end", "zero_terminal_snr"}
NEED_SIGNAL = ("reverse_sde_vp", "reverse_sde_ve", "probability_flow")
MOST_SIGNAL = 0.1  # of the image's amplitude in x_T, for which sampling takes plain noise
LEAST_SIGNAL = 2.0**-24  # of it, below which single precision rounds the image in x_T away


class UNet(Settings):
    channels: int = Field(32, ge=8, le=4096, multiple_of=8, description="width at full resolution")
    multipliers: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        [1, 2, 2], min_length=1, description="width factor at each resolution"
    )
    blocks: int = Field(1, ge=1, le=16, description="ResNet blocks a resolution")
    attention: list[int] = Field([8], description="resolutions (pixels) with self-attention")
    dropout: Fraction = Field(
        0.0,
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
        steps = self.timesteps - 1
        betas = (
            self.beta_start + (self.beta_end - self.beta_start) * t / steps
            for t in range(self.timesteps)
        )
        signal = math.prod(math.sqrt(1 - beta) for beta in betas)
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
    if train.zero_terminal_snr and sample.sampler in NEED_SIGNAL:
        return (
            f"{sample.sampler} begins with the image in x_T, of which zero_terminal_snr leaves"
            " nothing; take ancestral, ddim or dpm_solver"
        )
    return None


class DiffusionExperiment(FamilyExperiment):
    """Base of the families that learn to denoise images of classes."""

    task: ClassVar = "generation"

    inputs: Inputs = Field(Inputs(), description="experiments that it rests on; this has none")
    train: Diffusion
    sample: DdpmSampling

    @field_validator("sample")
    @classmethod
    def _can_be_done(cls, sample: DdpmSampling, info: ValidationInfo) -> DdpmSampling:
        train = info.data.get("train")
        if train and (why := cannot_draw(train, sample)):
            raise ValueError(why)
        guide = getattr(info.data.get("inputs"), "guide", None)
        if "inputs" in info.data and (guide is None) != (sample.guide_scale == 0):
            raise ValueError(
                f"guide_scale {sample.guide_scale:g} with inputs.guide {guide or 'null'}: a guide"
                " has an effect with guide_scale above 0 alone, and that needs a guide; give both"
                " or neither"
            )
        return sample

    @field_validator("sample")
    @classmethod
    def _asks_for_conditions(cls, sample: DdpmSampling, info: ValidationInfo) -> DdpmSampling:
        if train := info.data.get("train"):
            if strange := sorted(set(sample.covariates) - set(train.conditions)):
                raise ValueError(
                    f"covariates: {', '.join(strange)} is none of train.conditions, which are"
                    f" {', '.join(train.conditions) or 'none'}; leave it out, or add it there"
                )
        return sample

    def misfit(self, image: ImageForm) -> Misfit | None:
        if found := super().misfit(image):
            return found
        found = self.train.unet.misfit(self.learned_size(image))
        return found and Misfit(f"train.unet.{found.key}", found.why)

    def learned_size(self, image: ImageForm) -> int:
        """Pixels a side of what the network sees of such images."""
        return image.size

    def conditions(self) -> list[str]:
        return self.train.conditions


class DdpmInputs(Inputs):
    guide: Annotated[Name | None, Takes(families=("guide",))] = Field(
        None,
        description="an experiment of family guide: its classifier guides sampling, beside or"
        " instead of sample.guidance, see sample.guide_scale",
    )


class DdpmExperiment(DiffusionExperiment):
    folder: ClassVar = "medsynth.models.ddpm"

    family: Literal["ddpm"] = Field(
        description="denoising diffusion (Ho et al. 2020), of all cohorts but ct"
    )
    inputs: DdpmInputs = Field(DdpmInputs(), description="the experiments that it rests on")
    train: DdpmTraining = Field(DdpmTraining(), description="schedule, network, training")
    sample: DdpmSampling = Field(DdpmSampling(), description="images to generate")

    def misfit(self, image: ImageForm) -> Misfit | None:
        size = self.train.image_size
        if size and self.inputs.guide:
            return Misfit(
                "inputs.guide",
                f"it knows images of {image.size} pixels, and this draws {size}; leave the guide"
                " or train.image_size out",
            )
        if size and (size >= image.size or image.size % size):
            return Misfit(
                "train.image_size",
                f"{size} pixels: take a divisor of the {image.size} pixels of the cohort's images,"
                f" such as {image.size // 2}, or leave it out",
            )
        return super().misfit(image)

    def learned_size(self, image: ImageForm) -> int:
        return self.train.image_size or image.size
