"""Drawings as data URIs in the style of the page; training curves among them."""

from __future__ import annotations

import base64
import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pandas as pd
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

INK, MUTED, RULE = "#1d2733", "#5d6b7a", "#d5dbe1"
COLORS = ("#2b5c8a", "#c8762c", "#3c8d7e", "#7a5ca3", "#a8465a", "#6b7c31")
STYLE: dict[RcKeyType, Any] = {
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
