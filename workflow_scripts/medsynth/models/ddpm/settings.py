"""Settings of denoising diffusion experiments: that training and sampling fit together."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.models.ddpm.sampling_settings import DdpmSampling, cannot_draw
from medsynth.models.ddpm.training_settings import DdpmTraining, Diffusion
from medsynth.models.settings import FamilyExperiment, Inputs, Misfit, Takes
from medsynth.runtime.settings import ImageForm, Name


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
