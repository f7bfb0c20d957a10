"""Settings of diffusion models that are conditioned on a text."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.settings import DiffusionExperiment
from medsynth.models.ddpm.training_settings import Diffusion
from medsynth.runtime.settings import Name, Settings


class TextEncoder(Settings):
    width: int = Field(128, ge=8, le=4096, multiple_of=8, description="numbers of a token")
    layers: int = Field(2, ge=1, le=48, description="transformer layers")
    heads: int = Field(4, ge=1, le=64, description="attention heads, a divisor of width")

    @field_validator("heads")
    @classmethod
    def _divide_the_width(cls, heads: int, info: ValidationInfo) -> int:
        if (width := info.data.get("width", 0)) % heads:
            raise ValueError(f"{heads} heads do not divide the width {width}; take a divisor")
        return heads


class TextDdpmTraining(Diffusion):
    """As the label-conditioned one; what it says of labels holds for texts."""

    text: TextEncoder = Field(
        TextEncoder(), description="the encoder of the text, which is trained with the network"
    )

    @field_validator("conditions")
    @classmethod
    def _are_in_the_text(cls, names: list[Name]) -> list[Name]:
        if names:
            raise ValueError(
                f"{names[0]} beside a text: say it in the text (the cohort's text.template), and"
                " leave conditions out"
            )
        return names


class TextDdpmSampling(DdpmSampling):
    """As of the label-conditioned one; guidance strengthens the text."""

    @field_validator("guide_scale")
    @classmethod
    def _has_no_guide(cls, scale: float) -> float:
        if scale:
            raise ValueError(
                "a guide knows labels, and these images are asked for with a text; leave"
                " guide_scale out, and take guidance"
            )
        return scale


class TextDdpmExperiment(DiffusionExperiment):
    folder: ClassVar = "medsynth.models.text_ddpm"
    needs: ClassVar = ("texts",)

    family: Literal["text_ddpm"] = Field(
        description="denoising diffusion conditioned on a text, of cohorts that have texts; drawn"
        " are the texts of held-out patients"
    )
    train: TextDdpmTraining = Field(
        TextDdpmTraining(), description="schedule, network, encoder, training"
    )
    sample: TextDdpmSampling = Field(TextDdpmSampling(), description="images to generate")
