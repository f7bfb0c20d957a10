"""What classifiers learn of synthetic images, on the page: a row a set of training images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from medsynth.metrics.intervals import Metric
from medsynth.tasks.viewing.metric_tables import ShownMetric, shown_metric
from medsynth.tasks.viewing.numbers import number
from medsynth.tasks.viewing.templates import render


def substitution_section(judged: Path) -> Markup:
    """The table of one experiment, of what the rule `train_on_synthetic` wrote."""
    found = json.loads(judged.read_text())
    rows = [
        {
            "name": name,
            "images": images,
            "classifier": _row(found["classifier"][name]),
            "moments": _row(found["moments_alone"][name]),
        }
        for name, images in found["trained_on"].items()
    ]
    return render("report/substitution.html", found=found, rows=rows)


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "accuracy": _shown(entry["balanced_accuracy"]),
        "gain": _shown(entry["gain"]) if "gain" in entry else None,
        "recall": {name: _shown(one) for name, one in entry["recall"].items()},
        "by_seed": ", ".join(map(number, entry["by_seed"])),
    }


def _shown(entry: Metric) -> ShownMetric:
    return shown_metric("", entry, {})
