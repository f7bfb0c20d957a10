"""Settings of the models and their judgement: from shards to metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, ValidationInfo, field_validator

from medsynth.runtime.config.base import Fraction, Name, Settings


class Loop(Settings):
    """What every training loop has."""

    steps: int = Field(400, ge=1, description="optimizer steps")
    batch: int = Field(32, ge=1, description="images a step")
    lr: float = Field(2e-4, gt=0, description="learning rate")
    checkpoint_every: int = Field(200, ge=1, description="steps; a kill costs at most these")
    log_every: int = Field(20, ge=1, description="steps averaged into one point of the curves")

    @field_validator("log_every")
    @classmethod
    def _checkpoints_end_whole_points(cls, every: int, info: ValidationInfo) -> int:
        # A point of the curve that a kill cut in two could not be computed again.
        if info.data.get("checkpoint_every", 0) % every:
            raise ValueError("checkpoint_every must be a multiple of log_every")
        return every


class ClassifierTraining(Loop):
    """The medical classifier whose features the generation metrics use."""

    channels: int = Field(16, ge=4, description="width of the first block")
    features: int = Field(32, ge=4, description="length of the feature vector")
    weight_decay: float = Field(1e-4, ge=0)


class UNet(Settings):
    channels: int = Field(32, ge=8, multiple_of=8, description="width at full resolution")
    multipliers: list[PositiveInt] = Field(
        [1, 2, 2], min_length=1, description="width factor at each resolution"
    )
    blocks: int = Field(1, ge=1, description="ResNet blocks a resolution")
    attention: list[int] = Field([8], description="resolutions (pixels) with self-attention")
    dropout: Fraction = 0.0


class DdpmTraining(Loop):
    """Ho et al. 2020, Algorithm 1."""

    timesteps: int = Field(1000, ge=2, description="T")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="beta_1")
    beta_end: float = Field(0.02, gt=0, lt=1, description="beta_T")
    p2_gamma: float = Field(0.0, ge=0, description="P2 weighting exponent; 0 is the plain loss")
    p2_k: float = Field(1.0, gt=0, description="P2 weighting offset")
    label_drop: Fraction = Field(0.1, description="share of labels dropped, for guidance")
    ema_decay: Fraction = 0.999
    unet: UNet = UNet()

    @field_validator("beta_end")
    @classmethod
    def _noise_grows(cls, end: float, info: ValidationInfo) -> float:
        if info.data.get("beta_start", 0) > end:
            raise ValueError("beta_start must not exceed beta_end")
        return end


class DdpmSampling(Settings):
    """Ho et al. 2020, Algorithm 2, with classifier-free guidance."""

    per_class: int = Field(64, ge=1, description="images for every class")
    batch: int = Field(64, ge=1)
    guidance: float = Field(1.0, ge=0, description="w; 0 is the conditional model alone")


class ProganTraining(Loop):
    """Karras et al. 2018: grows from 4x4; `steps` are divided evenly over the resolutions."""

    latent: int = Field(64, ge=4)
    channels: int = Field(64, ge=8, description="width at 4x4")
    gradient_penalty: float = Field(10.0, ge=0)
    ema_decay: Fraction = 0.99


class ProganSampling(Settings):
    per_class: int = Field(64, ge=1, description="images for every class")
    batch: int = Field(64, ge=1)


class CycleganTraining(Loop):
    """Residual U-Net generators, D_A and D_B on images, D_C on pairs; least-squares loss."""

    channels: int = Field(16, ge=4, description="width at full resolution, all networks")
    depth: int = Field(2, ge=1, description="down-samplings of the generators")
    cycle_weight: float = Field(10.0, ge=0)
    identity_weight: float = Field(5.0, ge=0)
    pair_weight: float = Field(1.0, ge=0, description="weight of D_C")
    pool: int = Field(50, ge=0, description="generated images kept for the discriminators")
    hu_range: tuple[int, int] = Field((-1000, 1000), description="HU mapped to [-1, 1]")

    @field_validator("hu_range")
    @classmethod
    def _rises(cls, between: tuple[int, int]) -> tuple[int, int]:
        if between[0] >= between[1]:
            raise ValueError("hu_range must rise")
        return between


class Evaluation(Settings):
    kid_subsets: int = Field(50, ge=2, description="random subsets behind KID's interval")
    kid_subset_size: int = Field(
        50, ge=2, description="images of a subset on each side, half of all at most"
    )
    bootstrap: int = Field(200, ge=0, description="resamples behind the intervals")


class DdpmExperiment(Settings):
    name: Name
    family: Literal["ddpm"]
    cohort: Name
    train: DdpmTraining = DdpmTraining()
    sample: DdpmSampling = DdpmSampling()


class ProganExperiment(Settings):
    name: Name
    family: Literal["progan"]
    cohort: Name
    train: ProganTraining = ProganTraining()
    sample: ProganSampling = ProganSampling()


class CycleganExperiment(Settings):
    name: Name
    family: Literal["cyclegan"]
    cohort: Name
    train: CycleganTraining = CycleganTraining()


Experiment = Annotated[
    DdpmExperiment | ProganExperiment | CycleganExperiment, Field(discriminator="family")
]
