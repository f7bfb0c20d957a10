"""Scale bars: how long something in a picture is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

MOST = 0.4  # of a picture's width that a bar takes


class PixelSize(NamedTuple):
    """How long a pixel's side is."""

    length: float
    unit: str


# Where nothing tells the size: a bar of so many pixels.
PIXELS = PixelSize(1.0, "px")


class Bar(NamedTuple):
    pixels: float
    label: str


def bar_of(side: int, pixel: PixelSize) -> Bar:
    """The longest bar of 1, 2 or 5 times a power of ten that fits a picture of `side` pixels."""
    most = MOST * side * pixel.length
    power = 10.0 ** np.floor(np.log10(most))
    length = max(step * power for step in (1, 2, 5) if step * power <= most)
    if pixel.unit == "px":
        length = max(1.0, length)
    return Bar(length / pixel.length, f"{length:g} {pixel.unit}")


def pixels_of_fields(fields_mm: Iterable[float | None], side: int) -> list[PixelSize]:
    """Of square pictures of `side` pixels that show so many mm; null where that is not known."""
    fields = np.array(list(fields_mm), dtype=float)
    return [PIXELS if np.isnan(mm) else PixelSize(mm / side, "mm") for mm in fields]
