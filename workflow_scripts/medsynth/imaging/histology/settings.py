"""Settings of how slides become tiles."""

from __future__ import annotations

from pydantic import Field

from medsynth.runtime.settings import Fraction, Settings


class SlideTiles(Settings):
    image_size: int = Field(32, ge=8, le=4096, description="tile side in pixels")
    mpp: float = Field(1.0, gt=0, le=100, description="microns per pixel of the tiles")
    assume_mpp: float | None = Field(
        None,
        ge=0.05,
        le=10,
        description="microns per pixel of slides that state none, or a display's (72, 96, 300 dots"
        " an inch), and no objective power; never in place of a resolution that they state;"
        " null quarantines them",
    )
    min_tissue: Fraction = Field(0.5, description="least share of tissue in a tile")
    max_pen: Fraction = Field(0.1, description="largest share of pen marks in a tile")
    min_sharpness: float | None = Field(
        None,
        gt=0,
        le=1e9,
        description="least variance of the Laplacian of a tile's grey levels; at 0.5 um a pixel"
        " sharp tissue lies above 200, tissue 1 um out of focus below 60; null keeps blurred tiles",
    )
    max_tiles: int = Field(
        64, ge=1, le=1_000_000, description="tiles taken from one slide, evenly spread"
    )
    timeout_s: float = Field(
        600,
        gt=0,
        le=86_400,
        description="seconds within which a slide must show where its tissue is, and then each next"
        " 16 tiles; a slide that does not is quarantined",
    )
    memory_gb: float = Field(
        8,
        gt=0,
        le=4096,
        description="memory in GB that reading a slide may take; else it is quarantined",
    )
