"""Settings of the metrics."""

from __future__ import annotations

from pydantic import Field

from medsynth.runtime.settings import Settings


class Evaluation(Settings):
    kid_subsets: int = Field(50, ge=2, description="random subsets behind KID's interval")
    kid_subset_size: int = Field(
        50, ge=2, description="images of a subset on each side, half of all at most"
    )
    bootstrap: int = Field(
        200, ge=0, description="resamples behind a bootstrap interval; 0: no such interval"
    )
