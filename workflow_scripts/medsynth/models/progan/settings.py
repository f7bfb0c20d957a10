"""Settings of progressive GANs."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from medsynth.models.settings import FamilyExperiment, Misfit, Sampling
from medsynth.runtime.settings import ImageForm, Loop

SMALLEST = 8  # pixels, the first doubling of 4x4
LAST = 2  # steps at full resolution: one that fades in, one that does not


class ProganTraining(Loop):
    """Karras et al. 2018: grows from 4x4, a phase for each resolution."""

    steps: int = Field(20_000, ge=1, le=100_000_000, description="optimizer steps of all phases")
    batch: int = Field(
        32, ge=2, le=65_536, description="images a step; the critic looks at how they differ"
    )
    phase_images: list[Annotated[int, Field(ge=1, le=100_000_000)]] = Field(
        [32_000],
        min_length=1,
        description="real images of each resolution below that of the cohort, from 4x4 on; the last"
        " number holds for all further ones. The cohort's own takes the steps that are left. Half"
        " of them fade the resolution in. At 4x4 the samples of a small network are all alike until"
        " some 36,000 (Karras et al. 2018: 800,000 at 4x4, then 1,600,000)",
    )
    latent: int = Field(
        64, ge=4, le=4096, description="length of the noise vector (Karras et al. 2018: 512)"
    )
    channels: int = Field(
        64,
        ge=8,
        le=4096,
        description="largest width; at a side of 4 * 2^p"
        " pixels it is min(8192 / 2^(p + 1), channels) (Karras et al. 2018: 512)",
    )
    gradient_penalty: float = Field(
        10.0,
        gt=0,
        le=1e6,
        description="weight lambda of the penalty (Gulrajani et al. 2017: 10); higher holds the"
        " critic's slope closer to 1",
    )
    ema_decay: float = Field(
        0.99,
        ge=0,
        lt=1,
        description="decay of the averaged weights that sampling uses, warmed up; higher averages"
        " more steps, 0 keeps the last (Karras et al. 2018: 0.999)",
    )

    def lower_phases(self, image_size: int) -> list[int]:
        """Steps of each resolution below a side in pixels."""
        n = image_size.bit_length() - 3
        images = [*self.phase_images, *self.phase_images[-1:] * n][:n]
        return [-(-of_it // self.batch) for of_it in images]

    def misfit(self, image_size: int) -> Misfit | None:
        """Whether the networks do not grow to a side in pixels, or not in these steps."""
        if misfit := doubling_misfit(image_size):
            return misfit
        before = self.lower_phases(image_size)
        if len(self.phase_images) > len(before):
            return Misfit(
                "train.phase_images",
                f"{len(self.phase_images)} numbers, and below {image_size} pixels there are"
                f" {len(before)} resolutions; leave out the last"
                f" {len(self.phase_images) - len(before)}: {image_size} pixels take the steps that"
                " are left",
            )
        if self.steps >= sum(before) + LAST:
            return None
        return Misfit(
            "train.steps",
            f"{self.steps:,} steps end before the networks reach {image_size} pixels: the lower"
            f" resolutions take {' + '.join(f'{n:,}' for n in before)} (train.phase_images over"
            f" train.batch); set it far above {sum(before):,}, or lower train.phase_images",
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
        return super().misfit(image) or self.train.misfit(image.size)


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
