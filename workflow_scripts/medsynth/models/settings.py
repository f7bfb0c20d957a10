"""Settings of the models and their judgement: from shards to metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt, ValidationInfo, field_validator

from medsynth.runtime.settings import Fraction, Name, Settings

Together = Annotated[
    int,
    Field(
        ge=1,
        description="images generated at once; more need more memory, the noise of each is its own",
    ),
]
ExperimentName = Annotated[
    Name, Field(description="different for each; its results lie in experiments/ under this name")
]
CohortName = Annotated[Name, Field(description="the cohort that it is trained and judged on")]


class Loop(Settings):
    """What every training loop has."""

    steps: int = Field(400, ge=1, description="optimizer steps")
    batch: int = Field(32, ge=1, description="images a step")
    lr: float = Field(
        2e-4, gt=0, description="learning rate; the classifier's and the CycleGAN's fall to 0"
    )
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
    weight_decay: float = Field(
        1e-4,
        ge=0,
        description="decoupled weight decay of AdamW (Loshchilov & Hutter 2019); higher keeps the"
        " weights smaller; 0: none",
    )


class UNet(Settings):
    channels: int = Field(32, ge=8, multiple_of=8, description="width at full resolution")
    multipliers: list[PositiveInt] = Field(
        [1, 2, 2], min_length=1, description="width factor at each resolution"
    )
    blocks: int = Field(1, ge=1, description="ResNet blocks a resolution")
    attention: list[int] = Field([8], description="resolutions (pixels) with self-attention")
    dropout: Fraction = Field(
        0.0,
        description="share of values that every ResNet block drops in training (Ho et al. 2020: 0.1"
        " for CIFAR-10, else 0)",
    )


class DdpmTraining(Loop):
    """Ho et al. 2020, Algorithm 1."""

    timesteps: int = Field(1000, ge=2, description="T, noise levels; sampling takes as many steps")
    beta_start: float = Field(1e-4, gt=0, lt=1, description="beta_1, variance of the first noise")
    beta_end: float = Field(
        0.02,
        gt=0,
        lt=1,
        description="beta_T, of the last; between them it rises linearly (Ho et al. 2020: 1e-4 to"
        " 0.02 for T = 1000; for fewer levels multiply both by about 1000/T)",
    )
    p2_gamma: float = Field(
        0.0,
        ge=0,
        description="P2 weighting exponent (Choi et al. 2022); higher gives images of"
        " little noise less weight, 0 is the plain loss",
    )
    p2_k: float = Field(
        1.0,
        gt=0,
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

    @field_validator("beta_end")
    @classmethod
    def _noise_grows(cls, end: float, info: ValidationInfo) -> float:
        if info.data.get("beta_start", 0) > end:
            raise ValueError("beta_start must not exceed beta_end")
        return end


class DdpmSampling(Settings):
    """Ho et al. 2020, Algorithm 2, with classifier-free guidance."""

    per_class: int = Field(64, ge=1, description="images for every class")
    batch: Together = 64
    guidance: float = Field(
        1.0,
        ge=0,
        description="w (Ho & Salimans 2022, eq. 6): higher shows the class more clearly, in less"
        " variety; 0 is the conditional model alone",
    )


class ProganTraining(Loop):
    """Karras et al. 2018: grows from 4x4; `steps` are divided evenly over the resolutions."""

    latent: int = Field(
        64, ge=4, description="length of the noise vector (Karras et al. 2018: 512)"
    )
    channels: int = Field(64, ge=8, description="width at 4x4")
    gradient_penalty: float = Field(
        10.0,
        ge=0,
        description="weight lambda of the penalty (Gulrajani et al. 2017: 10); higher holds the"
        " critic's slope closer to 1",
    )
    ema_decay: Fraction = Field(
        0.99,
        description="decay of the averaged weights that sampling uses, warmed up; higher averages"
        " more steps, 0 keeps the last (Karras et al. 2018: 0.999)",
    )


class ProganSampling(Settings):
    per_class: int = Field(64, ge=1, description="images for every class")
    batch: Together = 64


class CycleganTraining(Loop):
    """Residual U-Net generators, D_A and D_B on images, D_C on pairs; least-squares loss."""

    channels: int = Field(16, ge=4, description="width at full resolution, all networks")
    depth: int = Field(2, ge=1, description="down-samplings of the generators")
    cycle_weight: float = Field(
        10.0,
        ge=0,
        description="weight of the loss between an image and itself translated there and back (Zhu"
        " et al. 2017: 10); D_A's and D_B's weigh 1",
    )
    identity_weight: float = Field(
        5.0,
        ge=0,
        description="weight of what a generator changes in images that are of its target already"
        " (Zhu et al. 2017: half of cycle_weight)",
    )
    pair_weight: float = Field(
        1.0, ge=0, description="weight of D_C for the generators; 0 trains without it"
    )
    pool: int = Field(
        50,
        ge=0,
        description="generated images kept for each discriminator (Zhu et al. 2017: 50); 0: none",
    )
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
    bootstrap: int = Field(
        200, ge=0, description="resamples behind a bootstrap interval; 0: no such interval"
    )


class DdpmExperiment(Settings):
    name: ExperimentName
    family: Literal["ddpm"] = Field(
        description="denoising diffusion (Ho et al. 2020), of cohorts mimic_cxr and slides"
    )
    cohort: CohortName
    train: DdpmTraining = Field(DdpmTraining(), description="schedule, network, training")
    sample: DdpmSampling = Field(DdpmSampling(), description="images to generate")


class ProganExperiment(Settings):
    name: ExperimentName
    family: Literal["progan"] = Field(
        description="progressive GAN (Karras et al. 2018), of cohorts mimic_cxr and slides"
    )
    cohort: CohortName
    train: ProganTraining = Field(ProganTraining(), description="networks, training")
    sample: ProganSampling = Field(ProganSampling(), description="images to generate")


class CycleganExperiment(Settings):
    name: ExperimentName
    family: Literal["cyclegan"] = Field(
        description="CycleGAN (Zhu et al. 2017) with a judge of pairs, of ct cohorts"
    )
    cohort: CohortName
    train: CycleganTraining = Field(CycleganTraining(), description="networks, losses, training")


Experiment = Annotated[
    DdpmExperiment | ProganExperiment | CycleganExperiment, Field(discriminator="family")
]
