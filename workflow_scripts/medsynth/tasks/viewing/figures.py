"""Training curves as inline SVG in the colours of the page."""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import LogLocator, MaxNLocator

from medsynth.tasks.viewing.choice import choice
from medsynth.tasks.viewing.numbers import number
from medsynth.tasks.viewing.templates import render

# Properties of the page's style, which has a light and a dark form of each.
INK = "var(--ink)"
COLORS = tuple(f"var(--series-{k})" for k in range(6))
LOG_RATIO = 30  # curves that span more than this are drawn on a log scale
MOST_POINTS = 400  # of a curve that are drawn, each the mean of as many recorded ones
WIDTH, HEIGHT = 420, 230  # of a panel, in units of its view box
LEFT, RIGHT, TOP, BOTTOM = 50, 396, 10, 196  # of its axes
BOX = {  # both, as templates take them
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "right": RIGHT,
    "top": TOP,
    "bottom": BOTTOM,
}
ROUND = (1, 2, 2.5, 5, 10)  # first digits of the numbers beside an axis
_PHASES = ("train", "validate")


def data_uri(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def thinned(history: pd.DataFrame) -> pd.DataFrame:
    """Curves of at most 400 points: means over stretches of equally many recorded ones.

    Args:
        history: columns step, name, value; values that are no finite numbers are left out.

    Returns:
        the same columns, curves in the order in which they begin, each sorted by step.
    """
    finite = history[np.isfinite(history["value"])]
    parts = []
    for name in dict.fromkeys(finite["name"]):
        curve = finite[finite["name"] == name].sort_values("step", kind="stable")
        each = -(-len(curve) // MOST_POINTS)
        means = curve[["step", "value"]].groupby(np.arange(len(curve)) // each).mean()
        parts.append(means.assign(name=name)[["step", "name", "value"]])
    return pd.concat(parts, ignore_index=True) if parts else finite


def curves(history: pd.DataFrame, chosen: Mapping[str, Any] | None = None) -> Markup:
    """Training curves, one panel for each quantity.

    Args:
        history: columns step, name, value.
        chosen: what the model's card says of the step that was kept, which is marked.
    """
    kept = chosen["step"] if chosen else None
    drawn = thinned(history)
    panels = _panels(list(dict.fromkeys(drawn["name"])))
    return render(
        "tasks/viewing/curves.html",
        panels=[_panel(title, series, drawn, kept) for title, series in panels.items()],
        left_out=len(history) - int(np.isfinite(history["value"]).sum()),
        choice=choice(chosen),
        box=BOX,
    )


def _panels(names: Sequence[str]) -> dict[str, dict[str, str]]:
    """Series by panel: loss, train_loss and validate_loss share one, to be compared."""
    parts = {name: name.replace("/", "_").partition("_") for name in names}
    phases = Counter(rest for phase, _, rest in parts.values() if phase in _PHASES)
    panels: dict[str, dict[str, str]] = defaultdict(dict)
    for name, (phase, _, rest) in parts.items():
        # Alone, a series keeps its whole name.
        shared = phase in _PHASES and (phases[rest] > 1 or rest in parts)
        panels[rest if shared else name][name] = phase if shared else name
    return dict(panels)


def _panel(
    title: str, series: dict[str, str], drawn: pd.DataFrame, kept: int | None
) -> dict[str, Any]:
    """What the template draws of one quantity."""
    points = drawn[drawn["name"].isin(series)]
    low, high = points["value"].min(), points["value"].max()
    log = low > 0 and high / low > LOG_RATIO
    marks = ticks(low, high, log)
    first, last = points["step"].min(), points["step"].max()
    to_y = scale(min(low, marks[0]), max(high, marks[-1]), BOTTOM, TOP, log)
    to_x = scale(first, last, LEFT, RIGHT)
    steps = [
        s
        for s in MaxNLocator(5, steps=ROUND, integer=True).tick_values(first, last)
        if first <= s <= last
    ]
    lines = []
    for color, (name, legend) in zip(COLORS, series.items(), strict=False):
        curve = points[points["name"] == name]
        places = list(zip(to_x(curve["step"]), to_y(curve["value"]), strict=True))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = places if len(places) < 3 else []
        said = f"{legend.replace('_', ' ')} {number(float(curve['value'].iloc[-1]))}"
        lines.append({"color": color, "path": path, "dots": dots, "said": said})
    return {
        "title": title.replace("_", " ") + (" (log scale)" if log else ""),
        "lines": lines,
        "x": [(float(to_x(s)), f"{s:,.0f}") for s in steps],
        "y": [(float(to_y(v)), f"{v:g}") for v in marks],
        "last": f"{last:,.0f}",
        "kept": float(to_x(kept)) if kept is not None and first <= kept <= last else None,
    }


def ticks(low: float, high: float, log: bool) -> np.ndarray:
    """Round values from the last below `low` to the first above `high`; on a log scale within."""
    if not log:
        return np.asarray(MaxNLocator(4, steps=ROUND).tick_values(low, high))
    # Within two decades there may be one power of ten, which is no scale.
    subs = (1, 2, 5) if high < 100 * low else (1,)
    marks = np.asarray(LogLocator(subs=subs).tick_values(low, high))
    return marks[(marks >= low) & (marks <= high)]


def scale(low: float, high: float, start: float, end: float, log: bool = False) -> Any:
    """A function from values between `low` and `high` to places between `start` and `end`."""
    to = np.log if log else np.asarray
    span = to(high) - to(low) or 1.0
    return lambda values: start + (to(values) - to(low)) / span * (end - start)
