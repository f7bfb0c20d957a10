"""Puts the artifacts of a study together as one self-contained HTML page.

The page depends on its inputs only: no time of building, no network, no external file. It shows
counts, classes and pixels; patient, study and item identifiers stay in the Parquet files.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from medsynth.imaging.scale import PIXELS, PixelSize
from medsynth.report import cohort_counts as facts
from medsynth.report import figures, metric_tables, tables
from medsynth.report.artifacts import artifact_rows
from medsynth.report.pictures import class_strips, translation_pictures
from medsynth.store.atomic import replacing
from medsynth.store.digests import DigestCache
from medsynth.store.generated import Samples
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table

MLFLOW = "http://127.0.0.1:5000"


@dataclass(frozen=True)
class CohortFiles:
    """Where a cohort's artifacts lie.

    ``shards`` are ``{k}.h5`` in one folder; ``facts`` are JSON files of counts, a table each;
    ``pixel`` is the size of a pixel, if it is the same in all images and known.
    """

    summary: Path
    manifest: Path
    shards: list[Path]
    leakage: Path
    facts: list[Path] = field(default_factory=list)
    classifier_history: Path | None = None
    classifier_metrics: Path | None = None
    pixel: PixelSize = PIXELS


@dataclass(frozen=True)
class ExperimentFiles:
    """Where an experiment's artifacts lie; images are samples or, for CT, translations."""

    history: Path
    model: Path
    images: Path
    table: Path
    metrics: Path


@dataclass(frozen=True)
class _Cohort:
    files: CohortFiles
    summary: dict[str, Any]
    manifest: pd.DataFrame

    @property
    def name(self) -> str:
        return self.summary["cohort"]


@dataclass(frozen=True)
class _Experiment:
    files: ExperimentFiles
    results: dict[str, Any]

    @property
    def name(self) -> str:
        return self.results["experiment"]

    @property
    def family(self) -> str:
        return self.results["family"]


def build_report(
    cohorts: Sequence[CohortFiles],
    experiments: Sequence[ExperimentFiles],
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
        experiments: artifacts of every experiment; its cohort is named in its metrics.json.
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
    """
    gathered = [_Cohort(f, _json(f.summary), read_table(f.manifest)) for f in cohorts]
    by_cohort: dict[str, list[_Experiment]] = {c.name: [] for c in gathered}
    for files in experiments:
        experiment = _Experiment(files, _json(files.metrics))
        by_cohort[experiment.results["cohort"]].append(experiment)

    tracking_uri = tables.without_credentials(tracking_hint)
    tracking_url = tracking_uri if tracking_uri.startswith("http") else MLFLOW
    config_text = yaml.safe_dump(dict(config_dump), sort_keys=False, allow_unicode=True)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": tables.number,
        "patients": tables.patients,
        "beside": metric_tables.beside,
        "quote": shlex.quote,
    }
    html = environment.get_template("template.html").render(
        title=title,
        config=config_dump,
        config_text=tables.without_credentials(config_text),
        findings=[
            metric_tables.finding(e.results, [o.results for o in es])
            for es in by_cohort.values()
            for e in es
        ],
        cohorts=[_cohort_view(c, by_cohort[c.name]) for c in gathered],
        artifacts=artifact_rows([*cohorts, *experiments], shown, cache),
        tracking_uri=tracking_uri,
        tracking_url=tracking_url,
    )
    with replacing(output) as temporary:
        temporary.write_text(html, encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def _cohort_view(cohort: _Cohort, experiments: list[_Experiment]) -> dict[str, Any]:
    """Everything the template shows of one cohort and its experiments."""
    summary, files = cohort.summary, cohort.files
    splits = tables.split_rows(summary, cohort.manifest)
    kind = summary["kind"]
    left_out = tables.left_out(kind, cohort.manifest)
    nodes, links = tables.flow_of(kind, cohort.manifest, splits, left_out)
    said = "; ".join(f"{n.name}: {n.count:,}" for n in nodes)
    curves = [(f"{e.name} ({e.family})", e.files.history) for e in experiments]
    if files.classifier_history:
        curves.insert(0, ("classifier", files.classifier_history))
    store = ImageStore(cohort.manifest, files.shards[0].parent)
    made = [(e.name, Samples(e.files.images, e.files.table)) for e in experiments]
    return {
        "name": cohort.name,
        "summary": summary,
        "counts": tables.cohort_counts(kind, cohort.manifest),
        "nouns": tables.KINDS[kind],
        "unit": tables.unit_of(kind, cohort.manifest),
        "labels": tables.labels_of(summary),
        "splits": splits,
        "flow": figures.flow(nodes, links, f"Data flow of cohort {cohort.name}. {said}."),
        "reasons": left_out,
        "apart": tables.files_apart(kind, cohort.manifest, left_out),
        "facts": _facts(cohort),
        "leakage": _json(files.leakage),
        "curves": [(name, figures.curves(pd.read_csv(path))) for name, path in curves],
        "classifier": _classifier(_json(files.classifier_metrics))
        if files.classifier_metrics
        else None,
        "classes": []
        if kind == "ct"
        else class_strips(store, tables.labels_of(summary), made, files.pixel),
        "translations": [
            picture
            for name, samples in made
            for picture in translation_pictures(store, name, samples)
        ]
        if kind == "ct"
        else [],
        "results": [
            {
                "name": e.name,
                "family": e.family,
                "json": e.results,
                "metrics": metric_tables.metrics_in_order(e.results["metrics"]),
                "by_class": metric_tables.by_class(e.results),
                "warnings": metric_tables.warnings_of(e.results),
            }
            for e in experiments
        ],
        "side_by_side": metric_tables.side_by_side([e.results for e in experiments]),
        "agreement": _agreement(experiments),
    }


def _facts(cohort: _Cohort) -> list[tuple[str, list[tuple[str, str, Any, str]]]]:
    """(about, rows) of every table of counts."""
    found = [(facts.FACTS[path.stem], facts.fact_rows(_json(path))) for path in cohort.files.facts]
    if rows := facts.label_rows(cohort.manifest):
        found.insert(0, ("Where the labels of the used items come from", rows))
    return found


def _classifier(results: dict[str, Any]) -> dict[str, Any]:
    """Metrics and confusion (rows: truth, columns: answer) of the classifier."""
    return {
        "metrics": metric_tables.metrics_in_order(results["metrics"]),
        "recalls": {
            name: metric_tables.metric_of("recall", entries["recall"])
            for name, entries in results["per_class"].items()
        },
        "confusion": dict(zip(results["per_class"], results["confusion"], strict=True)),
    }


def _agreement(experiments: list[_Experiment]) -> dict[str, str] | None:
    """The per-class label agreement of a cohort's experiments beside chance."""
    values = {
        e.name: {c: m["label_agreement"] for c, m in e.results["per_class"].items()}
        for e in experiments
        if e.family != "cyclegan"
    }
    if not values:
        return None
    said = [
        f"{name}, {label}: {metric_tables.metric_of('label_agreement', entry).text}"
        for name, entries in values.items()
        for label, entry in entries.items()
    ]
    return {"uri": figures.bars(values), "text": "; ".join(said)}
