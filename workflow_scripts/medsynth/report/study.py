"""A study for its readers: what the artifacts of cohorts and experiments say, gathered once.

It holds counts, classes and pixels; patient, study and item identifiers stay in the Parquet files.
What an experiment shows is up to its task: this calls ``medsynth.tasks.<task>.view``.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from medsynth.cohorts.wording import Words
from medsynth.imaging.scale import PIXELS, PixelSize
from medsynth.report import tables
from medsynth.report.cohort_counts import caption_of, count_rows, label_rows
from medsynth.report.flow import flow
from medsynth.report.spectrum import spectrum_section
from medsynth.report.substitution import substitution_section
from medsynth.store.generated import Samples
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.viewing.choice import choice
from medsynth.tasks.viewing.contract import Finding, ShownCohort, ShownExperiment, Term, View
from medsynth.tasks.viewing.figures import curves
from medsynth.tasks.viewing.strips import class_strips


@dataclass(frozen=True)
class CohortArtifacts:
    """Where a cohort's artifacts lie.

    Attributes:
        shards: ``{k}.h5`` in one folder.
        counts: JSON files of counts, a table each.
        words: what its files and images are called.
        pixel: the size of a pixel, if it is the same in all images and known.
        spectrum, strips: of a cohort with diffusion models, see the rule `measure_spectrum`.
    """

    summary: Path
    manifest: Path
    shards: list[Path]
    leakage: Path
    counts: list[Path]
    words: Words
    pixel: PixelSize = PIXELS
    spectrum: Path | None = None
    strips: Path | None = None


@dataclass(frozen=True)
class ExperimentArtifacts:
    """An experiment and where its artifacts lie; of what it makes the table, and the images.

    Attributes:
        judged: what classifiers learn of its images, see the rule `train_on_synthetic`.
    """

    name: str
    cohort: str
    family: str
    task: str
    history: Path
    model: Path
    images: Path | None
    table: Path | None
    card: Path
    people: Path
    metrics: Path
    judged: Path | None = None


@dataclass(frozen=True)
class _Cohort:
    files: CohortArtifacts
    summary: dict[str, Any]
    manifest: pd.DataFrame

    @property
    def name(self) -> str:
        return str(self.summary["cohort"])


@dataclass(frozen=True)
class Study:
    """What a page and a paper say of a study.

    Attributes:
        sections: what templates show of each cohort and of the experiments on it.
        results: the metrics.json of each experiment.
        trained_on: how many patients each experiment was trained on.
        choices: which step of each was kept, in a sentence.
    """

    cohorts: Sequence[CohortArtifacts]
    experiments: Sequence[ExperimentArtifacts]
    sections: Sequence[Mapping[str, Any]]
    results: Mapping[str, Mapping[str, Any]]
    trained_on: Mapping[str, int]
    choices: Mapping[str, str]

    @property
    def findings(self) -> list[Finding]:
        """Of every experiment that is judged."""
        return [finding for section in self.sections for finding in section["findings"]]

    @property
    def glossary(self) -> list[Term]:
        """The figures of all cohorts, each once."""
        terms = {term.title: term for section in self.sections for term in section["glossary"]}
        return list(terms.values())


def gather(cohorts: Sequence[CohortArtifacts], experiments: Sequence[ExperimentArtifacts]) -> Study:
    """Read the artifacts of a study.

    Args:
        experiments: those that others rest on first.

    Raises:
        OSError: an artifact is missing.
        KeyError: a JSON artifact lacks a field, or an experiment's cohort is not in `cohorts`.
        ModuleNotFoundError: there is no such task.
    """
    gathered = [_Cohort(f, _json(f.summary), read_table(f.manifest)) for f in cohorts]
    of_cohort: dict[str, list[ExperimentArtifacts]] = {c.name: [] for c in gathered}
    for files in experiments:
        of_cohort[files.cohort].append(files)
    return Study(
        cohorts,
        experiments,
        [_cohort_section(c, of_cohort[c.name]) for c in gathered],
        {e.name: _json(e.metrics) for e in experiments},
        {e.name: tables.trained_on(e.people) for e in experiments},
        {e.name: choice(_chosen(e)) for e in experiments},
    )


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _chosen(experiment: ExperimentArtifacts) -> dict[str, Any] | None:
    """What the card says of the step that was kept."""
    return _json(experiment.card).get("validation")


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
        "spectrum": _spectrum(cohort.files),
        "leakage": _json(cohort.files.leakage),
        "curves": [curve for view in views for curve in view.curves],
        "pictures": [view.pictures for view in views if view.pictures] or [class_strips(shown, [])],
        "findings": [finding for view in views for finding in view.findings],
        "glossary": [term for view in views for term in view.glossary],
        "notes": [view.note for view in views if view.note],
        "metrics": [
            *(view.metrics for view in views if view.metrics),
            *(view.appendix for view in views if view.appendix),
            *(substitution_section(e.judged) for e in experiments if e.judged),
        ],
    }


def _views(cohort: ShownCohort, experiments: list[ExperimentArtifacts]) -> list[View]:
    """What each task shows of its experiments on a cohort, in the order of their first ones."""
    of_task: dict[str, list[ShownExperiment]] = {}
    for e in experiments:
        generated = Samples(e.images, e.table) if e.images and e.table else None
        table = read_table(e.table) if e.table and not e.images else None
        shown = ShownExperiment(
            e.name,
            e.family,
            curves(pd.read_csv(e.history), _chosen(e)),
            _json(e.metrics),
            generated,
            table,
        )
        of_task.setdefault(e.task, []).append(shown)
    return [
        importlib.import_module(f"medsynth.tasks.{task}.view").view(cohort, of_this_task)
        for task, of_this_task in of_task.items()
    ]


def _spectrum(files: CohortArtifacts) -> Markup | None:
    if files.spectrum and files.strips:
        return spectrum_section(files.spectrum, files.strips, files.pixel)
    return None


def _counted(cohort: _Cohort) -> list[tuple[str, list[tuple[str, str, Any, str]]]]:
    """(caption, rows) of every table of counts."""
    found = [(caption_of(path.stem), count_rows(_json(path))) for path in cohort.files.counts]
    if rows := label_rows(cohort.manifest):
        found.insert(0, ("Where the labels of the used items come from", rows))
    if rows := tables.finding_rows(cohort.summary):
        found.insert(0, ("Findings of the used items, which count once for each", rows))
    return found
