"""Label agreement by class and experiment as bars, each with its interval and its chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from medsynth.tasks.viewing.figures import COLORS, INK, MUTED, STYLE, svg_uri


def agreement_bars(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
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
