"""Settings of progressive GANs."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from medsynth.models.settings import FamilyExperiment, Misfit, Sampling
from medsynth.runtime.settings import Fraction, ImageForm, Loop

SMALLEST = 8  # pixels, the first doubling of 4x4


class ProganTraining(Loop):
    """Karras et al. 2018: grows from 4x4; `steps` are divided evenly over the resolutions."""

    latent: int = Field(
        64, ge=4, le=4096, description="length of the noise vector (Karras et al. 2018: 512)"
    )
    channels: int = Field(64, ge=8, le=4096, description="width at 4x4")
    gradient_penalty: float = Field(
        10.0,
        ge=0,
        le=1e6,
        description="weight lambda of the penalty (Gulrajani et al. 2017: 10); higher holds the"
        " critic's slope closer to 1",
    )
    ema_decay: Fraction = Field(
        0.99,
        description="decay of the averaged weights that sampling uses, warmed up; higher averages"
        " more steps, 0 keeps the last (Karras et al. 2018: 0.999)",
    )


class ProganSampling(Sampling):
    pass


class ProganExperiment(FamilyExperiment):
    task: ClassVar = "generation"
    folder: ClassVar = "medsynth.models.progan"

    family: Literal["progan"] = Field(
        description="progressive GAN (Karras et al. 2018), of all cohorts but ct"
    )
    train: ProganTraining = Field(ProganTraining(), description="networks, training")
    sample: ProganSampling = Field(ProganSampling(), description="images to generate")

    def misfit(self, image: ImageForm) -> Misfit | None:
        return super().misfit(image) or doubling_misfit(image.size)


def doubling_misfit(image_size: int) -> Misfit | None:
    """Whether a side in pixels is not reached by doubling 4 pixels at least once."""
    if image_size >= SMALLEST and image_size.bit_count() == 1:
        return None
    above = 1 << image_size.bit_length()
    below, above = max(SMALLEST, above // 2), max(SMALLEST, above)
    return Misfit(
        "cohort",
        f"progan needs a power of two, not {image_size} pixels; set the cohort's image_size to"
        f" {below} or {above}",
    )
