"""Settings of CycleGANs."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from medsynth.models.settings import FamilyExperiment, Misfit, halving_misfit
from medsynth.runtime.settings import ImageForm, Loop


class CycleganTraining(Loop):
    """Residual U-Net generators, D_A and D_B on images, D_C on pairs; least-squares loss."""

    channels: int = Field(16, ge=4, le=4096, description="width at full resolution, all networks")
    depth: int = Field(2, ge=1, le=10, description="down-samplings of the generators")
    cycle_weight: float = Field(
        10.0,
        ge=0,
        le=1e6,
        description="weight of the loss between an image and itself translated there and back (Zhu"
        " et al. 2017: 10); D_A's and D_B's weigh 1",
    )
    identity_weight: float = Field(
        5.0,
        ge=0,
        le=1e6,
        description="weight of what a generator changes in images that are of its target already"
        " (Zhu et al. 2017: half of cycle_weight)",
    )
    pair_weight: float = Field(
        1.0, ge=0, le=1e6, description="weight of D_C for the generators; 0 trains without it"
    )
    pool: int = Field(
        50,
        ge=0,
        le=1_000_000,
        description="generated images kept for each discriminator (Zhu et al. 2017: 50); 0: none",
    )
    hu_range: tuple[int, int] = Field(
        (-1000, 1000), description="HU mapped to [-1, 1]; 8-bit images are whole"
    )

    @field_validator("hu_range")
    @classmethod
    def _rises(cls, between: tuple[int, int]) -> tuple[int, int]:
        if between[0] >= between[1]:
            raise ValueError("hu_range must rise")
        return between


class CycleganExperiment(FamilyExperiment):
    task: ClassVar = "translation"
    folder: ClassVar = "medsynth.models.cyclegan"
    needs: ClassVar = ("pairs",)
    channels: ClassVar = (1,)

    family: Literal["cyclegan"] = Field(
        description="CycleGAN (Zhu et al. 2017) with a discriminator of pairs, of ct cohorts and"
        " of images with domains"
    )
    train: CycleganTraining = Field(CycleganTraining(), description="networks, losses, training")

    def misfit(self, image: ImageForm) -> Misfit | None:
        return super().misfit(image) or depth_misfit("train.depth", image.size, self.train.depth)


def depth_misfit(key: str, image_size: int, depth: int) -> Misfit | None:
    """Whether a side in pixels cannot be halved so often, or becomes a single pixel."""
    if misfit := halving_misfit(key, image_size, depth):
        return misfit
    if image_size >> depth > 1:
        return None
    why = f"{image_size} pixels halved {depth} times are one, which has no border to reflect"
    return Misfit(key, f"{why}; lower it")
