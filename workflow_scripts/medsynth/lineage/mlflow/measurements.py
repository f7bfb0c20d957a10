"""What MLflow shows of a run: the leaves of settings and metrics files, and growing curves."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from medsynth.lineage.recording.records import JobEnd, JobStart, Start
from medsynth.runtime.run_info import SECONDS

# A limit of mlflow 3 (mlflow/utils/validation.py).
PARAM_LENGTH = 6000
# Of subgroups, which may be many, MLflow gets the values; the uploaded file has what is beside.
BESIDE = re.compile(r"subgroups\..+\.(metrics|per_class\..+)\.\w+\.(interval|floor|null|chance)")


class Point(NamedTuple):
    """at: milliseconds since 1970; None where only the order is known."""

    step: int
    name: str
    value: float
    at: int | None = None


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, leaf) for every leaf of nested dicts and lists; lists of leaves stay whole."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flat(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and any(isinstance(v, dict | list) for v in value):
        for position, item in enumerate(value):
            yield from flat(item, f"{prefix}.{position}")
    else:
        yield prefix, value


def mlflow_name(name: str) -> str:
    """`name` with only what MLflow allows in the name of a metric or a parameter."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def text_of(value: Any, length: int) -> str:
    """`value` as MLflow keeps it, which has room for `length` characters."""
    return (value if isinstance(value, str) else json.dumps(value))[:length]


def run_params(start: Start) -> dict[str, str]:
    """The parameters of the run of a job or invocation, from its start record."""
    settings = start["config"] if start["kind"] == "invocation" else dict(start["params"])
    settings = {key: value for key, value in settings.items() if key != "code"}  # a tag
    if start["kind"] == "job":
        settings |= {"threads": start["threads"]}
        settings |= {f"resources.{k}": v for k, v in start["resources"].items()}
    named = {mlflow_name(key)[:250]: value for key, value in flat(settings) if key}
    return {name: text_of(value, PARAM_LENGTH) for name, value in named.items()}


def numbers(metrics: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a metrics file: `{"metrics": {"fid": {"value": 3}}}` gives `fid`, 3."""
    for key, value in flat(metrics):
        if BESIDE.match(key):
            continue
        name = key.removeprefix("metrics.").removesuffix(".value")
        values = {name: value}
        if isinstance(value, list):
            values = {f"{name}.{position}": item for position, item in enumerate(value)}
        for each, number in values.items():
            if isinstance(number, int | float) and not isinstance(number, bool):
                yield mlflow_name(each), float(number)


def usage_points(start: JobStart, end: JobEnd | None) -> Iterator[Point]:
    """What the machine did during a job, under MLflow's names."""
    columns = dict(end.get("usage", {})) if end else {}
    for step, seconds in enumerate(columns.pop(SECONDS, [])):
        at = round((start["time"] + seconds) * 1000)
        yield from (
            Point(step, f"system/{name}", column[step], at) for name, column in columns.items()
        )


def read_points(path: Path, start: int = 0) -> tuple[list[Point], int]:
    """The rows of history.csv from byte `start` on, and the byte at which the next will begin.

    A row that is being written is left for the next time.
    """
    with open(path, "rb") as file:
        file.seek(start)
        text = file.read()
    whole = text[: text.rfind(b"\n") + 1]
    rows = csv.reader(whole.decode().splitlines())
    if start == 0:
        next(rows, None)  # the header: step, name, value
    return [Point(int(s), name, float(v)) for s, name, v in rows], start + len(whole)
