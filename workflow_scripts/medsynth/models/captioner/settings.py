"""Settings of captioners."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from medsynth.models.settings import FamilyExperiment
from medsynth.runtime.settings import Loop, Settings

HEADS = 4


class CaptionerTraining(Loop):
    """Cross-entropy of the next token."""

    lr: float = Field(1e-3, gt=0, le=100, description="learning rate")
    channels: int = Field(
        16, ge=4, le=1024, description="width of the image encoder at full resolution"
    )
    width: int = Field(
        128, ge=8, le=4096, description=f"width of the decoder, a multiple of {HEADS}"
    )
    layers: int = Field(2, ge=1, le=48, description="layers of the decoder")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout of the decoder")

    @field_validator("width")
    @classmethod
    def _is_shared_by_heads(cls, width: int) -> int:
        if width % HEADS:
            raise ValueError(f"must be a multiple of {HEADS}, the heads of attention")
        return width


class CaptionerSampling(Settings):
    batch: int = Field(
        64, ge=1, le=65_536, description="images described at once; more need more memory"
    )
    no_repeat: int = Field(
        0,
        ge=0,
        le=100,
        description="tokens of a run that no text has twice (Paulus et al. 2018, sec. 2.5), for"
        " models that go round in circles; 0: runs may be repeated, as there is no … there is no",
    )

    @field_validator("no_repeat")
    @classmethod
    def _lets_words_recur(cls, tokens: int) -> int:
        if tokens == 1:
            raise ValueError(
                "1 lets no token stand twice in a text, neither a full stop nor there, is and no;"
                " take 3 as Paulus et al. 2018, or 0"
            )
        return tokens


class CaptionerExperiment(FamilyExperiment):
    task: ClassVar = "reporting"
    folder: ClassVar = "medsynth.models.captioner"
    needs: ClassVar = ("texts",)

    family: Literal["captioner"] = Field(
        description="reports from images: a transformer (Vaswani et al. 2017) that reads the image"
        " as Xu et al. 2015 do, of cohorts with texts"
    )
    train: CaptionerTraining = Field(CaptionerTraining(), description="networks, training")
    sample: CaptionerSampling = Field(
        CaptionerSampling(),
        description="reports of the held-out images, word by word the likeliest one",
    )
