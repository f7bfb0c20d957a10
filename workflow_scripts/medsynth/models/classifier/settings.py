"""Settings of the classifier."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from medsynth.models.settings import FamilyExperiment
from medsynth.runtime.settings import Loop


class ClassifierTraining(Loop):
    """The medical classifier whose features the generation metrics use."""

    channels: int = Field(16, ge=4, le=4096, description="width of the first block")
    features: int = Field(32, ge=4, le=4096, description="length of the feature vector")
    weight_decay: float = Field(
        1e-4,
        ge=0,
        le=1,
        description="decoupled weight decay of AdamW (Loshchilov & Hutter 2019); higher keeps the"
        " weights smaller; 0: none",
    )


def reserved_names(cohort: str) -> dict[str, str]:
    """Names that no experiment may have, and what they are kept for."""
    return {classifier_name(cohort): "classifier", f"{cohort}_features": "features"}


def classifier_name(cohort: str) -> str:
    """The name, which no other experiment may have, of the experiment that judges a cohort."""
    return f"{cohort}_classifier"


class ClassifierExperiment(FamilyExperiment):
    task: ClassVar = "classification"
    folder: ClassVar = "medsynth.models.classifier"
    inference: ClassVar = "extraction"

    family: Literal["classifier"] = Field("classifier", description="residual network")
    train: ClassifierTraining = Field(ClassifierTraining(), description="network, training")
