"""Image grids as PNG files that say in themselves what made them (PNG text chunks)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from medsynth.store.atomic import replacing

GAP = 2  # pixels between images
COLUMNS = 16  # images shown of each class
MIN_SIDE = 64  # smaller images are enlarged by a whole factor, so that no pixel is invented
SOFT_TISSUE = (50.0, 400.0)  # window center and width in HU
DIFFERENCE_HU = 200.0  # the difference map saturates here


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


def translation_figure(
    source: np.ndarray, translated: np.ndarray, target: np.ndarray | None
) -> Figure:
    """CT slices in rows: source, translated, target (if there is one), difference in HU.

    The slices are (N,H,W,1) in HU and shown in a soft-tissue window (center 50, width 400).
    The difference is translated - target, or translated - source where no target is given.

    Raises:
        ValueError: the shapes differ or there is no slice.
    """
    shown = {"source": source, "translated": translated}
    if target is not None:
        shown["target"] = target
    if not len(source) or len({a.shape for a in shown.values()}) > 1:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in shown.items())
        raise ValueError(f"translation grid needs slices of one shape, got {shapes}")

    reference = "source" if target is None else "target"
    difference = translated.astype(np.float32) - shown[reference].astype(np.float32)
    low, high = SOFT_TISSUE[0] - SOFT_TISSUE[1] / 2, SOFT_TISSUE[0] + SOFT_TISSUE[1] / 2
    window, symmetric = Normalize(low, high), Normalize(-DIFFERENCE_HU, DIFFERENCE_HU)

    count, width = len(source), len(shown) + 1
    figure = Figure(figsize=(1.7 * width + 1.1, 1.7 * count + 0.35), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(count, width, squeeze=False)
    for column, (name, slices) in enumerate(shown.items()):
        axes[0, column].set_title(name, fontsize=10)
        for row in range(count):
            axes[row, column].imshow(slices[row, ..., 0], cmap="gray", norm=window)
    axes[0, -1].set_title(f"translated − {reference}", fontsize=10)
    for row in range(count):
        axes[row, -1].imshow(difference[row, ..., 0], cmap="RdBu_r", norm=symmetric)
    for axis in axes.flat:
        axis.set_axis_off()
    bar = figure.colorbar(
        ScalarMappable(symmetric, "RdBu_r"),
        ax=axes[:, -1],
        extend="both",
        shrink=0.9,
        aspect=12 * count,
    )
    bar.set_label("difference (HU)", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def write_translation_grid(
    source: np.ndarray,
    translated: np.ndarray,
    target: np.ndarray | None,
    path: str | Path,
    provenance: dict[str, str],
) -> None:
    """Write :func:`translation_figure` as PNG with ``provenance`` in its text chunks.

    Raises:
        ValueError: the shapes differ or there is no slice.
    """
    figure = translation_figure(source, translated, target)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None, **provenance})
