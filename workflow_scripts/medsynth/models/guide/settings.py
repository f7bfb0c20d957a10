"""Settings of classifiers that guide diffusion models."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.settings import FamilyExperiment


class GuideExperiment(FamilyExperiment):
    task: ClassVar = "classification"
    folder: ClassVar = "medsynth.models.guide"
    inference: ClassVar = "guidance"

    family: Literal["guide"] = Field(
        description="a classifier that knows images at every level of noise, for inputs.guide of a"
        " ddpm (Dhariwal & Nichol 2021); of all cohorts but ct"
    )
    train: ClassifierTraining = Field(ClassifierTraining(), description="network, training")
