"""Label agreement by class and experiment as bars, each with its interval and its chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from medsynth.tasks.viewing.figures import COLORS
from medsynth.tasks.viewing.templates import render


def agreement_bars(values: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Markup:
    """Label agreement in [0, 1] as bars by class and experiment.

    Args:
        values: experiment -> class -> metric with value, interval and chance; the line is the
            interval, the tick is chance.
    """
    colors = dict(zip(values, COLORS * len(values), strict=False))
    classes = dict.fromkeys(name for entries in values.values() for name in entries)
    rows = [
        (label, [(e, entries.get(label), colors[e]) for e, entries in values.items()])
        for label in classes
    ]
    return render("tasks/generation/agreement.html", rows=rows)
