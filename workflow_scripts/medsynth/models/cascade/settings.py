"""Settings of cascaded diffusion models."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.models.ddpm.sampling_settings import DdpmSampling, cannot_draw
from medsynth.models.ddpm.settings import DdpmExperiment, DiffusionExperiment
from medsynth.models.ddpm.training_settings import MOST_SIGNAL, Diffusion
from medsynth.models.settings import FamilyExperiment, Inputs, Takes
from medsynth.runtime.settings import Fraction, Name


class CascadeTraining(Diffusion):
    low_noise: Fraction = Field(
        0.5,
        description="conditioning augmentation (Ho et al. 2022, sec. 4): the most noise on the"
        " low-resolution images in training, as a share of the noise levels. Of each image the"
        " level is drawn between 0 and this, and told to the network; 0: none",
    )


class CascadeSampling(DdpmSampling):
    low_noise: Fraction = Field(
        0.05,
        description="noise on the low-resolution image that is enlarged, as a share of the noise"
        " levels, at most train.low_noise; more hides more of its mistakes, and of its content."
        " Sampler, steps, clip and guidance hold for both resolutions",
    )

    def provenance(self) -> dict[str, float | str]:
        return super().provenance() | {"low_noise": self.low_noise}


def unusable_level(train: CascadeTraining, sample: CascadeSampling) -> str | None:
    """Why models of such a training cannot enlarge what has so much noise on it; None if so."""
    if sample.low_noise > train.low_noise:
        return (
            f"low_noise {sample.low_noise:g} exceeds train.low_noise {train.low_noise:g}, above"
            " which nothing was learned; lower it, or raise that one"
        )
    left = train.signal_at(level_of(sample.low_noise, train.timesteps))
    if left < MOST_SIGNAL:
        return (
            f"low_noise {sample.low_noise:g} leaves {left:.1%} of the low-resolution image, so that"
            " noise would be enlarged; lower it to about 0.05"
        )
    return None


def level_of(share: float, timesteps: int) -> int:
    """The noise level, 0..T, that is this share of all."""
    return round(share * timesteps)


class CascadeInputs(Inputs):
    low: Annotated[Name, Takes(families=("ddpm",))] = Field(
        description="experiment of family ddpm with train.image_size, on the same cohort: it draws"
        " the images that are enlarged"
    )


class CascadeExperiment(DiffusionExperiment):
    folder: ClassVar = "medsynth.models.cascade"
    restores: ClassVar = True

    family: Literal["cascade"] = Field(
        description="cascaded diffusion (Ho et al. 2022): enlarges what a ddpm of lower resolution"
        " draws"
    )
    inputs: CascadeInputs = Field(description="the experiment that it rests on")
    train: CascadeTraining = Field(CascadeTraining(), description="schedule, network, training")
    sample: CascadeSampling = Field(CascadeSampling(), description="images to generate")

    @field_validator("sample")
    @classmethod
    def _knows_the_level(cls, sample: CascadeSampling, info: ValidationInfo) -> CascadeSampling:
        train = info.data.get("train")
        if train and (why := unusable_level(train, sample)):
            raise ValueError(why)
        return sample

    def unsuited(self, role: str, other: FamilyExperiment) -> str | None:
        assert isinstance(other, DdpmExperiment)  # of which family it may be is said above
        if other.train.image_size is None:
            return (
                "draws images of the cohort's own size; set its train.image_size to the size that"
                " is to be enlarged"
            )
        if set(other.conditions()) != set(self.conditions()):
            return (
                f"is conditioned on {', '.join(other.conditions()) or 'no covariate'}, and this on"
                f" {', '.join(self.conditions()) or 'none'}; set train.conditions of both alike"
            )
        why = cannot_draw(other.train, self.sample)
        return why and f"cannot draw as this experiment's sample says: {why}"
