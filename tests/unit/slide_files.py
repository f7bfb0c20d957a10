"""Slides that the tests make themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import tifffile

from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.settings import GenotypeLabel, SlideIndex
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.resize import resize_area

GENOTYPE = SlideIndex(label=GenotypeLabel(kind="genotype"), shards=1)
SLIDE = "TCGA-AB-1234-01Z-00-DX1"
PINK, GLASS = (200, 90, 160), (244, 243, 245)


def picture(side: int = 256) -> np.ndarray:
    """Glass on the left, tissue on the right, each pixel's red rising to the bottom."""
    image = np.empty((side, side, 3), np.uint8)
    image[:, : side // 2], image[:, side // 2 :] = GLASS, PINK
    image[:, side // 2 :, 0] = 150 + np.arange(side)[:, None] * 100 // side
    return image


def write_pyramid(path: Path, image: np.ndarray, mpp: float) -> None:
    """A tiled TIFF of two levels that OpenSlide opens and whose mpp it finds."""
    options = {"tile": (64, 64), "photometric": "rgb", "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(image, resolution=(1e4 / mpp, 1e4 / mpp), **options)
        half = resize_area(image, image.shape[0] // 2, image.shape[1] // 2)
        tiff.write(half, resolution=(5e3 / mpp, 5e3 / mpp), subfiletype=1, **options)


def write_svs(path: Path, levels: list[np.ndarray], about: str = "|AppMag = 40") -> None:
    """An Aperio file of these levels, uncompressed, with its properties as `about` says."""
    head = f"Aperio Image Library v12.0.15\r\n{levels[0].shape[1]}x{levels[0].shape[0]}{about}"
    with tifffile.TiffWriter(path) as tiff:
        for k, image in enumerate(levels):
            tiff.write(
                image,
                tile=(64, 64),
                photometric="rgb",
                description=head,
                metadata=None,
                subfiletype=int(k > 0),
            )


def tiles_of(root: Path, **settings) -> pd.DataFrame:
    index = index_slides(root, GENOTYPE)
    wanted = SlideTiles(**({"image_size": 16} | settings))
    return tile_slides(index, root, wanted, root / "shards" / "0.h5", {})


def smooth(side: int) -> np.ndarray:
    """Tissue everywhere, whose colour changes slowly."""
    y, x = np.mgrid[: 2 * np.pi : side * 1j, : 2 * np.pi : side * 1j]
    waves = np.stack([np.sin(2 * x), np.cos(2 * y), np.sin(x + y)], axis=2)
    return np.rint(np.array(PINK) + 30 * waves).astype(np.uint8)
