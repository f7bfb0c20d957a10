"""Image grids as PNG files that say in themselves what made them (PNG text chunks)."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from medsynth.imaging.scale import Bar, PixelSize, bar_of
from medsynth.store.atomic import replacing

GAP = 2  # pixels between images
COLUMNS = 16  # images shown of each class
MIN_SIDE = 64  # smaller images are enlarged by a whole factor, so that no pixel is invented
SOFT_TISSUE = (50.0, 400.0)  # window center and width in HU
CAPTION_LETTERS = 15  # of a caption, to an inch
DIFFERENCE_HU = 200.0  # the difference map saturates here
DIFFERENCE_GREY = 100.0  # and of 8-bit images here
DIFFERENCE_COLORS = colormaps["RdBu_r"]
TARGETS = {  # what translations are compared with, by kind: its name, and what it is
    "pairs": (
        "target",
        "the target is the same patient at the same position in the other phase, and has moved",
    ),
    "registered": ("target", "the target is the same place of the same image in the other domain"),
    "truth": ("truth", "the truth is the same slice in the other phase, nothing else changed"),
}


def strip(images: np.ndarray) -> np.ndarray:
    """Images side by side on white: (N,H,W,C) uint8 -> (k*H, N*k*W + gaps, 3) uint8.

    k is the least whole factor that brings H to 64 pixels; C is 1 (grey) or 3 (RGB).
    """
    factor = -(-MIN_SIDE // images.shape[1])
    rgb = np.broadcast_to(images, (*images.shape[:3], 3))
    rgb = rgb.repeat(factor, axis=1).repeat(factor, axis=2)
    spaced = np.pad(rgb, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255)
    return np.concatenate(list(spaced), axis=1)[:, :-GAP]


def write_grid(
    images: np.ndarray,
    rows: Sequence[str],
    path: str | Path,
    provenance: dict[str, str],
    *,
    columns: int = COLUMNS,
) -> None:
    """Write one row of images per class, its name at the left.

    Args:
        images: (N,H,W,C) uint8, C = 1 or 3.
        rows: class of each image; classes appear in the order of their first image.
        path: PNG file, replaced atomically.
        provenance: text chunks of the file, e.g. model_sha256, seed; no patient data.
        columns: images shown of each class.

    Raises:
        ValueError: no images, or not one class for each.
    """
    if not len(images) or len(images) != len(rows):
        raise ValueError(
            f"{path}: {len(images)} images and {len(rows)} classes; give one class an image"
        )
    labels = np.asarray(rows, dtype=object)
    names = list(dict.fromkeys(rows))
    strips = [strip(images[labels == name][:columns]) for name in names]

    font = ImageFont.load_default(size=13)
    margin = max(int(font.getlength(name)) for name in names) + 12
    height, width = strips[0].shape[0], max(s.shape[1] for s in strips)
    canvas = Image.new("RGB", (margin + width, len(names) * (height + GAP) - GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for k, (name, row) in enumerate(zip(names, strips, strict=True)):
        top = k * (height + GAP)
        draw.text((6, top + height // 2), name, fill="black", font=font, anchor="lm")
        canvas.paste(Image.fromarray(row), (margin, top))

    text = PngInfo()
    for key, value in sorted(provenance.items()):
        text.add_text(key, value)
    with replacing(path) as temporary:
        canvas.save(temporary, format="PNG", pnginfo=text)


@dataclass(frozen=True)
class Direction:
    """Slices (N,H,W,1) in HU, or uint8 images, of one direction, a row of the picture each.

    Attributes:
        name: as in ``cect_to_ct``.
        target: what they are compared with, None where there is nothing.
        pixels: the size of a pixel of each row.
        kind: what the target is, a key of TARGETS.
    """

    name: str
    source: np.ndarray
    translated: np.ndarray
    target: np.ndarray | None
    pixels: Sequence[PixelSize]
    kind: str = "pairs"

    @property
    def shown(self) -> dict[str, np.ndarray]:
        slices = {"source": self.source, "translated": self.translated}
        return slices if self.target is None else slices | {self.reference: self.target}

    @property
    def reference(self) -> str:
        return "source" if self.target is None else TARGETS[self.kind][0]


def difference_limit(dtype: np.dtype[Any]) -> tuple[float, str]:
    """Where a difference map saturates, and the unit: HU, or grey levels of 8-bit images."""
    return (DIFFERENCE_GREY, "grey levels") if dtype == np.uint8 else (DIFFERENCE_HU, "HU")


def windowed(hu: np.ndarray) -> np.ndarray:
    """HU in the soft-tissue window as uint8: its lower end is 0, its upper 255."""
    center, width = SOFT_TISSUE
    return (np.clip((hu - center) / width + 0.5, 0, 1) * 255).round().astype(np.uint8)


def difference_colors(difference: np.ndarray, limit: float = DIFFERENCE_HU) -> np.ndarray:
    """Differences (H,W) as RGB uint8: blue below 0, white, red above; full at the limit."""
    colors = DIFFERENCE_COLORS(Normalize(-limit, limit)(difference))
    return (colors[..., :3] * 255).round().astype(np.uint8)


def caption_of(direction: Direction) -> str:
    """What the picture of a direction shows, in one sentence or two."""
    center, width = SOFT_TISSUE
    compared = (
        TARGETS[direction.kind][1]
        if direction.target is not None
        else "there is no paired slice, and the difference is what the model changed"
    )
    unknown = any(pixel.unit == "px" for pixel in direction.pixels)
    window = f" in a soft-tissue window (center {center:g} HU, width {width:g} HU)"
    return (
        f"{len(direction.source)} slices of held-out patients"
        f"{'' if direction.source.dtype == np.uint8 else window}; {compared}."
        + (" A bar in px: the size of a pixel is not known." if unknown else "")
    )


def translation_figure(*directions: Direction) -> Figure:
    """Per direction, under its name and caption: source, translated, target if any, difference.

    The difference in HU is translated - target, or translated - source where no target is given.

    Raises:
        ValueError: the shapes of a direction differ or it has no slice.
    """
    for each in directions:
        if not len(each.source) or len({a.shape for a in each.shown.values()}) > 1:
            shapes = ", ".join(f"{name} {a.shape}" for name, a in each.shown.items())
            raise ValueError(f"translation grid needs slices of one shape, got {shapes}")
    rows = [1.7 * len(each.source) + 0.95 for each in directions]
    width = 1.7 * max(len(each.shown) + 1 for each in directions) + 1.1
    figure = Figure(figsize=(width, sum(rows)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    parts = figure.subfigures(len(directions), 1, height_ratios=rows, squeeze=False)[:, 0]
    for part, each in zip(parts, directions, strict=True):
        said = f"{each.name.replace('_', ' ')}: {caption_of(each)}"
        lines = textwrap.fill(said, int(width * CAPTION_LETTERS))
        part.suptitle(lines, fontsize=8, ha="left", x=0.01)
        _draw(part, each)
    return figure


def _draw(part: SubFigure, direction: Direction) -> None:
    shown, reference = direction.shown, direction.reference
    translated = direction.translated.astype(np.float32)
    difference = translated - shown[reference].astype(np.float32)
    window = Normalize(SOFT_TISSUE[0] - SOFT_TISSUE[1] / 2, SOFT_TISSUE[0] + SOFT_TISSUE[1] / 2)
    if direction.source.dtype == np.uint8:
        window = Normalize(0, 255)
    limit, unit = difference_limit(direction.source.dtype)
    symmetric = Normalize(-limit, limit)

    count = len(direction.source)
    axes = part.subplots(count, len(shown) + 1, squeeze=False)
    for column, (name, slices) in enumerate(shown.items()):
        axes[0, column].set_title(name, fontsize=10)
        for row in range(count):
            axes[row, column].imshow(slices[row, ..., 0], cmap="gray", norm=window)
    axes[0, -1].set_title(f"translated − {reference}", fontsize=10)
    for row, pixel in enumerate(direction.pixels):
        axes[row, -1].imshow(difference[row, ..., 0], cmap=DIFFERENCE_COLORS, norm=symmetric)
        _draw_bar(axes[row, 0], bar_of(direction.source.shape[2], pixel), direction.source.shape)
    for axis in axes.flat:
        axis.set_axis_off()
    bar = part.colorbar(
        ScalarMappable(symmetric, DIFFERENCE_COLORS),
        ax=axes[:, -1],
        extend="both",
        shrink=0.9,
        aspect=12 * count,
    )
    bar.set_label(f"difference ({unit})", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _draw_bar(axis: Axes, bar: Bar, shape: tuple[int, ...]) -> None:
    """A bar with its length in the lower left corner, in pixels of the picture."""
    left, bottom = 0.04 * shape[2] - 0.5, 0.95 * shape[1] - 0.5
    axis.plot((left, left + bar.pixels), (bottom, bottom), color="white", lw=2, clip_on=False)
    axis.text(left, bottom - 0.03 * shape[1], bar.label, color="white", fontsize=7, va="bottom")


def write_translation_grid(
    directions: Sequence[Direction], path: str | Path, provenance: dict[str, str]
) -> None:
    """Write :func:`translation_figure` as PNG with ``provenance`` in its text chunks.

    Raises:
        ValueError: the shapes differ or there is no slice.
    """
    figure = translation_figure(*directions)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None, **provenance})
