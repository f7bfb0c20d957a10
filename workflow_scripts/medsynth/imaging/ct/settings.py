"""Settings of registration."""

from __future__ import annotations

from pydantic import Field

from medsynth.runtime.settings import Settings


class CtRegister(Settings):
    """Rigid registration by mutual information, from coarse to fine."""

    finest_mm: float = Field(3.0, gt=0, le=100, description="voxels of the last, finest level")
    samples: int = Field(
        50_000, ge=1000, le=100_000_000, description="voxels the similarity is measured on"
    )
    iterations: int = Field(
        100, ge=1, le=100_000, description="largest number of steps at each level"
    )
