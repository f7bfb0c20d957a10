"""Settings of the fusion of modalities."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from medsynth.models.settings import FamilyExperiment
from medsynth.runtime.settings import Loop


class FusionTraining(Loop):
    """One network a modality, and a weighted sum of what they say; all of it for every fold."""

    target: Literal["label", "survival"] = Field(
        "label", description="what is told: the cohort's class, or the risk of the event in time"
    )
    batch: int = Field(32, ge=2, le=65_536, description="patients a step")
    channels: int = Field(8, ge=4, le=4096, description="width of the image network's first block")
    features: int = Field(16, ge=2, le=4096, description="length of a modality's vector")
    images: int = Field(
        16, ge=1, le=10_000, description="images of a patient that are used, evenly spread"
    )
    drawn: int = Field(
        2,
        ge=1,
        le=1000,
        description="of these, drawn anew in every step; their features' mean counts",
    )
    weight_decay: float = Field(
        0.01, ge=0, le=100, description="decoupled weight decay of AdamW (Loshchilov & Hutter 2019)"
    )
    accept: list[str] = Field(
        [],
        description="columns, as genes:IDH2_mut, that are used although they tell the target: only"
        " what is known before the diagnosis, and is meant",
    )


class FusionExperiment(FamilyExperiment):
    task: ClassVar = "diagnosis"
    folder: ClassVar = "medsynth.models.fusion"
    needs: ClassVar = ("patients",)

    family: Literal["fusion"] = Field(description="late fusion of images and patients' tables")
    train: FusionTraining = Field(FusionTraining(), description="target, networks, training")
