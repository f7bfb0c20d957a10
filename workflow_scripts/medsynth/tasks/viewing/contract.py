"""What the page gives to the view of a task, and what it takes from it.

The module ``tasks/<task>/view.py`` has one function ``view(cohort, experiments) -> View``; the
page calls it once for all experiments of the task on a cohort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from medsynth.imaging.scale import PixelSize
from medsynth.store.generated import Samples
from medsynth.store.shards import ImageStore
from medsynth.tasks.viewing.citations import Source
from medsynth.tasks.viewing.metric_tables import ShownMetric
from medsynth.tasks.viewing.verdicts import Verdict


@dataclass(frozen=True)
class ShownCohort:
    """The real images that experiments were trained and judged on.

    Attributes:
        labels: the classes, sorted.
        images: all used images, every split.
        pixel: the size of a pixel, if it is the same in all images and known.
    """

    name: str
    labels: Sequence[str]
    images: ImageStore
    pixel: PixelSize


@dataclass(frozen=True)
class ShownExperiment:
    """What an experiment left behind.

    Attributes:
        curves: drawing of the training curves.
        results: its metrics.json.
        generated: the images that it made, None for a task that makes none.
        table: what it made, if that is no images.
    """

    name: str
    family: str
    curves: Markup
    results: Mapping[str, Any]
    generated: Samples | None = None
    table: pd.DataFrame | None = None


@dataclass(frozen=True)
class FindingCell:
    """A main metric and, in a line each, what it has to beat."""

    metric: ShownMetric
    beside: Sequence[str]


@dataclass(frozen=True)
class Finding:
    """An experiment in a verdict, and in three main metrics at most.

    Attributes:
        judged: on what, if not on the images of the test split.
    """

    experiment: str
    family: str
    cohort: str
    n_real: int
    n_generated: int
    cells: Sequence[FindingCell]
    verdict: Verdict
    judged: str = ""


@dataclass(frozen=True)
class Term:
    """A figure of the page, what it says and who defined it."""

    title: str
    meaning: str
    better: str
    source: Source | None


@dataclass(frozen=True)
class View:
    """What the page shows of the experiments of one task on one cohort.

    Attributes:
        curves: (title, drawing) of the training curves.
        findings: of each experiment that is judged.
        pictures: HTML, images that were made beside real ones, the first thing on the page.
        note: HTML, sentences on how the metrics are to be read, at their head.
        metrics: HTML for the section of metrics.
        glossary: the figures of the task that the experiments have.
        appendix: HTML that follows the metrics of all tasks: what these rest on.
    """

    curves: Sequence[tuple[str, Markup]]
    findings: Sequence[Finding] = ()
    pictures: Markup = Markup()
    note: Markup = Markup()
    metrics: Markup = Markup()
    appendix: Markup = Markup()
    glossary: Sequence[Term] = ()
