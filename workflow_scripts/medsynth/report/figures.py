"""The drawings of the page: training curves, data flow, bars and image strips.

Everything is returned as text to embed: data URIs for pictures, inline SVG for the flow.
"""

from __future__ import annotations

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from PIL import Image

from medsynth.imaging.grids import strip
from medsynth.imaging.scale import PixelSize, bar_of, below

INK, MUTED, RULE = "#1d2733", "#5d6b7a", "#d5dbe1"
COLORS = ("#2b5c8a", "#c8762c", "#3c8d7e", "#7a5ca3", "#a8465a", "#6b7c31")
STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9,
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8ecf0",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "svg.fonttype": "path",  # the same drawing on a machine without these fonts
    "svg.hashsalt": "medsynth",  # ids that do not change from build to build
}
LOG_RATIO = 30  # curves that span more than this are drawn on a log scale


def data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def svg_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return data_uri(buffer.getvalue(), "image/svg+xml")


def png_uri(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return data_uri(buffer.getvalue(), "image/png")


def strip_uri(images: np.ndarray, pixel: PixelSize | None = None) -> str:
    """(N,H,W,C) uint8 side by side, as a PNG data URI; with the size of a pixel, a scale bar."""
    buffer, drawn = io.BytesIO(), strip(images)
    if pixel:
        side = images.shape[1]
        drawn = below(drawn, bar_of(side, pixel), drawn.shape[0] // side)
    Image.fromarray(drawn).save(buffer, format="PNG")
    return data_uri(buffer.getvalue(), "image/png")


# --- training curves -------------------------------------------------------------------------


_PHASES = ("train", "validate")


def _panels(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Series by panel: train_loss and validate_loss share one, so that they can be compared."""
    parts = {name: name.replace("/", "_").partition("_") for name in names}
    phases = Counter(rest for phase, _, rest in parts.values() if phase in _PHASES)
    panels: dict[str, dict[str, str]] = defaultdict(dict)
    for name, (phase, _, rest) in parts.items():
        shared = phases[rest] > 1 and phase in _PHASES  # alone, a series keeps its whole name
        panels[rest if shared else name][name] = phase if shared else name
    return dict(panels)


def curves(history: pd.DataFrame) -> str:
    """Training curves, one panel for each quantity, as an SVG data URI.

    Args:
        history: columns step, name, value.
    """
    panels = _panels(list(dict.fromkeys(history["name"])))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    with mpl.rc_context(STYLE):
        size = (3.45 * columns if columns > 1 else 6.0, 2.15 * rows + 0.15)
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(rows, columns, squeeze=False).flatten()
        for axis, (title, series) in zip(axes, panels.items(), strict=False):
            drawn = history[history["name"].isin(series)]
            for color, (name, legend) in zip(COLORS, series.items(), strict=False):
                points = drawn[drawn["name"] == name].sort_values("step")
                marker = "o" if len(points) < 3 else None
                axis.plot(
                    points["step"],
                    points["value"],
                    color=color,
                    lw=1.5,
                    marker=marker,
                    label=legend,
                )
            low, high = drawn["value"].min(), drawn["value"].max()
            if low > 0 and high / low > LOG_RATIO:
                axis.set_yscale("log", subs=range(2, 10))
                # Within two decades there may be one power of ten, which is no scale.
                axis.yaxis.set_major_locator(
                    LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,))
                )
                axis.yaxis.set_major_formatter("{x:g}")
                axis.yaxis.set_minor_formatter(NullFormatter())
                title += " (log scale)"
            axis.set_title(title.replace("_", " "))
            axis.set_xlabel("step", fontsize=8)
            if len(series) > 1:
                axis.legend(fontsize=8)
        for axis in axes[len(panels) :]:
            axis.remove()
        return svg_uri(figure)


# --- per-class bars --------------------------------------------------------------------------


def bars(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Label agreement in [0, 1] as bars by class and experiment, as an SVG data URI.

    Args:
        values: experiment -> class -> metric with value, interval and chance; the whisker is the
            interval, the dark tick is chance.
    """
    classes = list(dict.fromkeys(name for entries in values.values() for name in entries))
    thickness = 0.75 / len(values)
    with mpl.rc_context(STYLE):
        height = 0.25 * len(classes) * (len(values) + 0.6) + 0.9
        figure = Figure(figsize=(8.4, height), layout="constrained")
        FigureCanvasSVG(figure)
        axis = figure.subplots()
        for k, (experiment, entries) in enumerate(values.items()):
            for row, name in enumerate(classes):
                y = row + (k - (len(values) - 1) / 2) * thickness
                entry, label = entries.get(name), experiment if row == 0 else None
                if entry is None or entry["value"] is None:
                    axis.text(0.01, y, "no value", va="center", fontsize=8, color=MUTED)
                    continue
                color = COLORS[k % len(COLORS)]
                axis.barh(y, entry["value"], thickness * 0.85, color=color, alpha=0.5, label=label)
                if entry["interval"]:
                    axis.plot(entry["interval"], (y, y), color=color, lw=2, solid_capstyle="butt")
                legend = "chance" if k == 0 and row == 0 else None
                half = thickness * 0.42
                axis.plot(
                    [entry["chance"]] * 2, (y - half, y + half), color=INK, lw=2, label=legend
                )
                axis.text(1.02, y, f"{entry['value']:.2f}", va="center", fontsize=8, color=INK)
        axis.set_yticks(range(len(classes)), classes, color=INK)
        axis.set_xlim(0, 1)
        axis.invert_yaxis()
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("share that the classifier assigns to the class asked for", fontsize=8)
        figure.legend(fontsize=8, loc="outside right upper")
        return svg_uri(figure)


# --- data flow -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A bar of the flow diagram: ``count`` items in ``column`` (0-based from the left)."""

    name: str
    column: int
    count: int
    color: str
    note: str = ""


WIDTH, SCALE, BAR, SLOT, GAP = (
    1040,
    190,
    12,
    32,
    8,
)  # pixels; SCALE is the height of the largest bar
COLUMN_X = (0, 215, 470, 790)
LETTERS = 32  # of a name, what fits beside the last column


def flow(nodes: Sequence[Node], links: Sequence[tuple[int, int, int]], summary: str) -> Markup:
    """A Sankey diagram as inline SVG: bar heights and band widths are proportional to counts.

    Args:
        nodes: bars, stacked within their column in the given order.
        links: (index of the node left, index of the node right, items).
        summary: the text that stands for the drawing where it cannot be seen.
    """
    pixels = SCALE / max(1, *(node.count for node in nodes))
    tall = [max(node.count * pixels, 1.5) for node in nodes]
    top, below = [], defaultdict(float)
    for node, height in zip(nodes, tall, strict=True):
        top.append(below[node.column])
        below[node.column] += max(height, SLOT) + GAP

    parts = []
    leaving, entering = list(top), list(top)
    for left, right, count in links:
        x0, x1 = COLUMN_X[nodes[left].column] + BAR, COLUMN_X[nodes[right].column]
        y0, y1, width, middle = leaving[left], entering[right], count * pixels, (x0 + x1) / 2
        end0, end1 = y0 + width, y1 + width
        leaving[left] += width
        entering[right] += width
        parts.append(
            f'<path d="M{x0},{y0:.1f} C{middle},{y0:.1f} {middle},{y1:.1f} {x1},{y1:.1f}'
            f" v{width:.1f} C{middle},{end1:.1f} {middle},{end0:.1f} {x0},{end0:.1f}"
            f' z" fill="{nodes[right].color}" fill-opacity="0.22"/>'
        )
    for node, y, height in zip(nodes, top, tall, strict=True):
        x = COLUMN_X[node.column]
        text = x + BAR + 7
        middle = y + max(height, SLOT - 6) / 2
        name = escape(node.name if len(node.name) <= LETTERS else f"{node.name[: LETTERS - 1]}…")
        note = f" · {escape(node.note)}" if node.note else ""
        parts.append(
            f'<rect x="{x}" y="{y:.1f}" width="{BAR}" height="{height:.1f}" fill="{node.color}"/>'
            f'<text x="{text}" y="{middle - 2:.1f}" class="name">{name}</text>'
            f'<text x="{text}" y="{middle + 12:.1f}" class="count">{node.count:,}{note}</text>'
        )
    height = max(below.values())
    return Markup(
        f'<svg class="flow" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
        f' aria-label="{escape(summary)}">{"".join(parts)}</svg>'
    )
