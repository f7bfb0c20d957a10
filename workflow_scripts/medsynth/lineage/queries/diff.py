"""Why two artifacts differ.

Compared are the people and raw files behind each (from lineage/people, which outlives a file that
was made anew), the raw inputs, the parameters of each step, the configuration, the code, the
packages and the metrics. Nothing printed names a patient.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, TypedDict

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.queries.provenance import Provenance, Side
from medsynth.lineage.recording import spool

Changes = dict[str, list[Any]]  # {name: [in a, in b]}


class Count(TypedDict):
    """How many are only in b, only in a, in both."""

    added: int
    removed: int
    kept: int


class Unknown(TypedDict):
    """Of at least one side nobody wrote down whose data it holds."""

    known: Literal[False]


class People(TypedDict):
    """Raw files and patients that came and went."""

    known: Literal[True]
    files: Count
    patients: Count


class Packages(TypedDict):
    added: list[str]
    removed: list[str]


class Diff(TypedDict):
    """What differs between two artifacts, and between what is behind them.

    data: by table that both have, and "all". raw: digests by path. code: digests by step. metrics:
    of the jobs made from each side under the same wildcards; None where MLflow is not there.
    """

    a: Side
    b: Side
    same_bytes: bool
    data: dict[str, People | Unknown]
    raw: Changes
    config: Changes
    params: Changes
    code: Changes
    environment: Changes
    packages: Packages
    metrics: Changes | None


def diff(results: Path, first: str, second: str) -> Diff:
    """What differs between two artifacts and what is behind them.

    Args:
        first, second: as :func:`medsynth.lineage.ledger.locating.find` takes them.
    """
    with existing_ledger(results) as ledger:
        sides = [Provenance(name, results, ledger) for name in (first, second)]
    a, b = sides
    return {
        "a": a.artifact,
        "b": b.artifact,
        "same_bytes": a.artifact["sha256"] == b.artifact["sha256"],
        "data": _data(a.tables, b.tables, results),
        "raw": _changes(a.raw, b.raw),
        "config": _changes(a.config, b.config),
        "params": _changes(a.params, b.params),
        "code": _changes(a.code, b.code),
        "environment": _changes(a.environment, b.environment),
        "packages": {
            "added": sorted(b.packages - a.packages),
            "removed": sorted(a.packages - b.packages),
        },
        "metrics": _metrics(results, a.runs, b.runs),
    }


def _changes(a: dict[str, Any], b: dict[str, Any]) -> Changes:
    """{name: [in a, in b]} of what is not equal; what a side lacks is None there."""
    names = sorted(a.keys() | b.keys())
    return {name: [a.get(name), b.get(name)] for name in names if a.get(name) != b.get(name)}


def _data(
    a: dict[str, str | None], b: dict[str, str | None], results: Path
) -> dict[str, People | Unknown]:
    """Raw files and patients that came and went: in all, and by table that both sides have."""
    changed = _changes(a, b)
    if not changed:
        return {}
    both = [path for path in changed if path in a and path in b]
    pairs: dict[str, tuple[Iterable[str | None], Iterable[str | None]]]
    pairs = {"all": (a.values(), b.values())}
    pairs |= {path: ([a[path]], [b[path]]) for path in both}
    found: dict[str, People | Unknown] = {}
    for name, (before, after) in pairs.items():
        first, second = _people(before, results), _people(after, results)
        if first is None or second is None:
            found[name] = {"known": False}
        else:
            found[name] = {
                "known": True,
                "files": _count(first["files"], second["files"]),
                "patients": _count(first["patients"], second["patients"]),
            }
    return found


def _count(a: set[str], b: set[str]) -> Count:
    return {"added": len(b - a), "removed": len(a - b), "kept": len(a & b)}


def _people(tables: Iterable[str | None], results: Path) -> dict[str, set[str]] | None:
    """Raw files and patient keys behind tables, given by digest; None if nobody wrote them down."""
    import pandas as pd

    folder = spool.lineage_dir(results) / "people"
    paths = [path for sha256 in tables if (path := folder / f"{sha256}.parquet").exists()]
    if not paths:
        return None
    rows = pd.concat(pd.read_parquet(path) for path in paths)
    return {
        "files": set(rows["source_sha256"].dropna()),
        "patients": set(rows["patient_key"].dropna()),
    }


def _metrics(results: Path, a: list[str], b: list[str]) -> Changes | None:
    from medsynth.lineage.mlflow.records import recorded_runs

    try:
        with recorded_runs(results) as store:
            values: list[dict[str, float]] = []
            for runs in (a, b):
                values.append({})
                for run in runs:
                    values[-1] |= store.metrics(run)
    except UnknownArtifact:
        return None
    return _changes(*values)
