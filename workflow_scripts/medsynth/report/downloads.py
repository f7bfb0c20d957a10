"""The figures of the page as files that stand in it, to be saved from there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from medsynth.tasks.viewing.figures import data_uri, thinned


class Download(NamedTuple):
    """A file in the page."""

    name: str
    what: str
    uri: str
    kilobytes: float


def downloads(
    results: Mapping[str, Mapping[str, Any]],
    histories: Mapping[str, pd.DataFrame],
    artifacts: Sequence[Mapping[str, str]],
    configuration: str,
) -> list[Download]:
    """Every table of figures, as CSV, and what they rest on.

    Args:
        results: experiment -> its metrics.json.
        histories: experiment -> its training curves (step, name, value).
        artifacts: path and sha256 of every file behind the page.
        configuration: YAML without credentials.
    """
    curves = [
        {"experiment": name} | point
        for name, history in histories.items()
        for point in thinned(history).to_dict("records")
    ]
    files = [
        csv_of("artifacts.csv", "every file behind this page, with its sha256", artifacts),
        file_of("configuration.yaml", "the whole configuration", configuration, "text/yaml"),
    ]
    if results:
        whole = json.dumps(results, indent=2, ensure_ascii=False)
        files = [
            csv_of("metrics.csv", "every metric and its baselines", metric_rows(results)),
            file_of("metrics.json", "all that was measured", whole, "application/json"),
            csv_of("curves.csv", "training curves, as drawn", curves),
            *files,
        ]
    if subgroups := subgroup_rows(results):
        said = "the metrics of every subgroup, and the largest gaps"
        files.insert(1, csv_of("subgroups.csv", said, subgroups))
    return files


def csv_of(name: str, what: str, rows: Sequence[Mapping[str, Any]]) -> Download:
    """Rows as a file of the page."""
    return file_of(name, what, pd.DataFrame(rows).to_csv(index=False), "text/csv")


def file_of(name: str, what: str, text: str, media_type: str) -> Download:
    """A text as a file of the page."""
    data = text.encode()
    return Download(name, what, data_uri(data, media_type), len(data) / 1000)


def metric_rows(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each metric of each experiment, of all images (class empty) and by class."""
    return [
        {"experiment": name, "class": label, "metric": metric} | dict(_columns(entry))
        for name, found in results.items()
        for label, metrics in {"": found["metrics"], **found["per_class"]}.items()
        for metric, entry in metrics.items()
    ]


def subgroup_rows(results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row for each metric of each subgroup and its classes, or one for one of too few patients.

    The largest gap of a metric has a row of its own, with the worse and the better subgroup.
    """
    rows = []
    for name, found in results.items():
        for covariate, groups in found.get("subgroups", {}).items():
            of_it = {"experiment": name, "covariate": covariate}
            for group, subgroup in groups.items():
                counts = {key: subgroup[key] for key in ("n_images", "n_patients")}
                head = of_it | {"subgroup": group} | counts
                rows += [
                    head | {"metric": metric} | dict(_columns(entry))
                    for metric, entry in subgroup["metrics"].items()
                ] or [head | {"reason": subgroup["reason"]}]
                rows += [
                    head | {"class": name_of, "metric": metric} | dict(_columns(entry))
                    for name_of, metrics in subgroup.get("per_class", {}).items()
                    for metric, entry in metrics.items()
                ]
            of_classes = found.get("subgroup_gaps_per_class", {}).get(covariate, {})
            rows += _gap_rows(of_it, found["subgroup_gaps"][covariate])
            for name_of, gaps in of_classes.items():
                rows += _gap_rows(of_it | {"class": name_of}, gaps)
    return rows


def _gap_rows(
    head: Mapping[str, Any], gaps: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    for metric, gap in gaps.items():
        pair = " to ".join(gap[key] for key in ("worst", "best") if key in gap)
        of_it = {"subgroup": f"largest gap: {pair}" if pair else "largest gap", "metric": metric}
        yield {**head, **of_it, **dict(_columns(gap))}


def _columns(entry: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    low, high = entry["interval"] or (None, None)
    yield from [("value", entry["value"]), ("low", low), ("high", high)]
    yield from [("better", entry["better"]), ("real_images", entry.get("floor"))]
    yield from entry.get("null", {}).items()
    yield from [("chance", entry.get("chance")), ("reason", entry["reason"])]
