"""Puts the artifacts of a study together as one self-contained HTML page.

The page depends on its inputs only: no time of building, no network, no external file. It shows
counts, classes and pixels; patient, study and item identifiers stay in the Parquet files. What an
experiment shows is up to its task: the page calls ``medsynth.tasks.<task>.view``.
"""

from __future__ import annotations

import importlib
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from medsynth.cohorts.settings import Words
from medsynth.imaging.scale import PIXELS, PixelSize
from medsynth.report import tables
from medsynth.report.artifacts import artifact_rows
from medsynth.report.cohort_counts import caption_of, count_rows, label_rows
from medsynth.report.downloads import downloads
from medsynth.report.flow import flow
from medsynth.store.atomic import replacing
from medsynth.store.digests import DigestCache
from medsynth.store.generated import Samples
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.viewing.contract import ShownCohort, ShownExperiment, Term, View
from medsynth.tasks.viewing.figures import curves
from medsynth.tasks.viewing.numbers import patients
from medsynth.tasks.viewing.strips import class_strips
from medsynth.tasks.viewing.templates import render

MLFLOW = "http://127.0.0.1:5000"


@dataclass(frozen=True)
class CohortArtifacts:
    """Where a cohort's artifacts lie.

    Attributes:
        shards: ``{k}.h5`` in one folder.
        counts: JSON files of counts, a table each.
        words: what its files and images are called.
        pixel: the size of a pixel, if it is the same in all images and known.
    """

    summary: Path
    manifest: Path
    shards: list[Path]
    leakage: Path
    counts: list[Path]
    words: Words
    pixel: PixelSize = PIXELS


@dataclass(frozen=True)
class ExperimentArtifacts:
    """An experiment and where its artifacts lie; images and their table, if it makes any."""

    name: str
    cohort: str
    family: str
    task: str
    history: Path
    model: Path
    images: Path | None
    table: Path | None
    people: Path
    metrics: Path


@dataclass(frozen=True)
class _Cohort:
    files: CohortArtifacts
    summary: dict[str, Any]
    manifest: pd.DataFrame

    @property
    def name(self) -> str:
        return str(self.summary["cohort"])


def build_report(
    cohorts: Sequence[CohortArtifacts],
    experiments: Sequence[ExperimentArtifacts],
    *,
    title: str,
    config_dump: Mapping[str, Any],
    tracking_hint: str,
    output: str | Path,
    shown: Callable[[Path], str] = str,
    cache: DigestCache | None = None,
) -> None:
    """Write the report page.

    It names files by their digests, from which `medsynth trace` and MLflow tell the runs that made
    them: these stand in the record, which the page's own run changes and which is no input of it.

    Args:
        cohorts: artifacts of every cohort.
        experiments: artifacts of every experiment, those that others rest on first.
        title: heading of the page.
        config_dump: the whole configuration as JSON values (``model_dump(mode="json")``).
        tracking_hint: MLflow tracking URI. A link leads to it if it is a server; else to the
            address where ``mlflow ui`` answers by default. No other link leaves the page.
        output: HTML file, replaced atomically.
        shown: how the path of a file is written, e.g. relative to the results.
        cache: digests already known, so that large shards need not be read again.

    Raises:
        OSError: an artifact is missing.
        KeyError: a JSON artifact lacks a field, or an experiment's cohort is not in `cohorts`.
        ModuleNotFoundError: there is no such task.
    """
    gathered = [_Cohort(f, _json(f.summary), read_table(f.manifest)) for f in cohorts]
    of_cohort: dict[str, list[ExperimentArtifacts]] = {c.name: [] for c in gathered}
    for files in experiments:
        of_cohort[files.cohort].append(files)
    sections = [_cohort_section(c, of_cohort[c.name]) for c in gathered]

    tracking_uri = tables.without_credentials(tracking_hint)
    tracking_url = tracking_uri if tracking_uri.startswith("http") else MLFLOW
    config_text = tables.without_credentials(
        yaml.safe_dump(dict(config_dump), sort_keys=False, allow_unicode=True)
    )
    artifacts = artifact_rows([*cohorts, *experiments], shown, cache)
    html = render(
        "report/template.html",
        title=title,
        config=config_dump,
        config_text=config_text,
        findings=[finding for section in sections for finding in section["findings"]],
        trained={e.name: patients(tables.trained_on(e.people)) for e in experiments},
        held_out={section["name"]: section["splits"][-1]["patients"] for section in sections},
        cohorts=sections,
        glossary=glossary_of(sections),
        downloads=downloads(
            {e.name: _json(e.metrics) for e in experiments},
            {e.name: pd.read_csv(e.history) for e in experiments},
            artifacts,
            config_text,
        ),
        artifacts=artifacts,
        tracking_uri=tracking_uri,
        tracking_url=tracking_url,
        quoted_uri=shlex.quote(tracking_uri),
    )
    with replacing(output) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _cohort_section(cohort: _Cohort, experiments: list[ExperimentArtifacts]) -> dict[str, Any]:
    """Everything the template shows of one cohort and its experiments."""
    summary, words = cohort.summary, cohort.files.words
    cells = tables.cells_of(summary, cohort.manifest)
    labels = tables.labels_of(cells)
    splits = tables.split_rows(cells, cohort.manifest)
    left_out = tables.left_out(words, cohort.manifest)
    nodes, links = tables.flow_of(words, cohort.manifest, splits, left_out)
    counts = "; ".join(f"{n.name}: {n.count:,}" for n in nodes)
    shown = ShownCohort(
        cohort.name,
        [label for label in labels if label != tables.OTHERS],
        ImageStore(cohort.manifest, cohort.files.shards[0].parent),
        cohort.files.pixel,
    )
    views = _views(shown, experiments)
    return {
        "name": cohort.name,
        "summary": summary,
        "counts": tables.cohort_counts(words, cohort.manifest),
        "counts_in_words": tables.in_a_line(words, shown.labels, cohort.manifest),
        "words": words,
        "unit": tables.unit_of(words, cohort.manifest),
        "labels": labels,
        "splits": splits,
        "flow": flow(nodes, links, f"Data flow of cohort {cohort.name}. {counts}."),
        "reasons": left_out,
        "apart": tables.files_apart(words, cohort.manifest, left_out),
        "counted": _counted(cohort),
        "leakage": _json(cohort.files.leakage),
        "curves": [curve for view in views for curve in view.curves],
        "pictures": [view.pictures for view in views if view.pictures] or [class_strips(shown, [])],
        "findings": [finding for view in views for finding in view.findings],
        "glossary": [term for view in views for term in view.glossary],
        "notes": [view.note for view in views if view.note],
        "metrics": [
            *(view.metrics for view in views if view.metrics),
            *(view.appendix for view in views if view.appendix),
        ],
    }


def glossary_of(sections: Sequence[Mapping[str, Any]]) -> list[Term]:
    """The figures of all cohorts, each once."""
    terms = {term.title: term for section in sections for term in section["glossary"]}
    return list(terms.values())


def _views(cohort: ShownCohort, experiments: list[ExperimentArtifacts]) -> list[View]:
    """What each task shows of its experiments on a cohort, in the order of their first ones."""
    of_task: dict[str, list[ShownExperiment]] = {}
    for e in experiments:
        generated = Samples(e.images, e.table) if e.images and e.table else None
        shown = ShownExperiment(
            e.name, e.family, curves(pd.read_csv(e.history)), _json(e.metrics), generated
        )
        of_task.setdefault(e.task, []).append(shown)
    return [
        importlib.import_module(f"medsynth.tasks.{task}.view").view(cohort, of_this_task)
        for task, of_this_task in of_task.items()
    ]


def _counted(cohort: _Cohort) -> list[tuple[str, list[tuple[str, str, Any, str]]]]:
    """(caption, rows) of every table of counts."""
    found = [(caption_of(path.stem), count_rows(_json(path))) for path in cohort.files.counts]
    if rows := label_rows(cohort.manifest):
        found.insert(0, ("Where the labels of the used items come from", rows))
    if rows := tables.finding_rows(cohort.summary):
        found.insert(0, ("Findings of the used items, which count once for each", rows))
    return found
