"""Scale bars: how long something in a picture is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

MOST = 0.4  # of a picture's width that a bar takes
HEIGHT, THICK, BLANK = 20, 3, 6  # pixels of the line below a strip, of the bar, beside it


class PixelSize(NamedTuple):
    """How long a pixel's side is."""

    length: float
    unit: str


FONT = f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf"  # Pillow's own lacks the micro sign
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


def below(strip: np.ndarray, bar: Bar, factor: int) -> np.ndarray:
    """A strip of pictures (H,W,3) uint8, enlarged by `factor`, with a bar under its first one."""
    line = Image.new("RGB", (strip.shape[1], HEIGHT), "white")
    draw = ImageDraw.Draw(line)
    length = round(bar.pixels * factor)
    draw.rectangle((0, (HEIGHT - THICK) // 2, length - 1, (HEIGHT + THICK) // 2 - 1), fill="black")
    font = ImageFont.truetype(FONT, 12)
    draw.text((length + BLANK, HEIGHT // 2), bar.label, fill="black", font=font, anchor="lm")
    return np.concatenate([strip, np.asarray(line)])


def pixels_of_fields(fields_mm: Iterable[float | None], side: int) -> list[PixelSize]:
    """Of square pictures of `side` pixels that show so many mm; null where that is not known."""
    fields = np.array(list(fields_mm), dtype=float)
    return [PIXELS if np.isnan(mm) else PixelSize(mm / side, "mm") for mm in fields]
