"""`medsynth diff`: why two artifacts differ.

Compared are the people and raw files behind each (from lineage/people, which outlives a file that
was made anew), the raw inputs, the parameters of each step, the configuration, the code, the
packages and the metrics. Nothing printed names a patient.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage.questions import SHORT, UnknownArtifact, opened
from medsynth.lineage.recording import spool
from medsynth.lineage.replay.behind import Behind

Row = dict[str, Any]

HELP = "what is different between two artifacts: data, config, code, environment, metrics"
EXAMPLE = "medsynth diff 387ed5a297a1 results/experiments/cxr_ddpm/model.safetensors"
SHOWN = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = "a path, or the beginning of a digest or of a job's id"
    parser.add_argument("a", metavar="A", help=what)
    parser.add_argument("b", metavar="B", help=what + "; a path means its latest state")


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """What differs between A and B and what is behind them.

    Returns:
        a, b: path, sha256, job. same_bytes. data: {table, or "all": how many raw files and
        patients were added, removed, kept; or `known` false without people manifests}.
        raw: {path: [digest in a, in b]}. config, params, environment: {name: [in a, in b]}.
        code: {step: [digest in a, in b]}. packages: {added, removed}. metrics: {name: [a, b]}, of
        the jobs made from each side under the same wildcards; None where MLflow is not there.
    """
    with opened(results) as ledger:
        sides = [Behind(name, results, ledger) for name in (arguments.a, arguments.b)]
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


def _changes(a: Row, b: Row) -> dict[str, list[Any]]:
    """{name: [in a, in b]} of what is not equal; what a side lacks is None there."""
    names = sorted(a.keys() | b.keys())
    return {name: [a.get(name), b.get(name)] for name in names if a.get(name) != b.get(name)}


def _data(a: dict[str, str], b: dict[str, str], results: Path) -> dict[str, Row]:
    """Raw files and patients that came and went: in all, and by table that both sides have."""
    changed = _changes(a, b)
    if not changed:
        return {}
    both = [path for path in changed if path in a and path in b]
    pairs = {"all": (a.values(), b.values())} | {path: ([a[path]], [b[path]]) for path in both}
    found = {}
    for name, (before, after) in pairs.items():
        first, second = _people(before, results), _people(after, results)
        if first is None or second is None:
            found[name] = {"known": False}
        else:
            found[name] = {"known": True} | {
                what: {
                    "added": len(second[what] - first[what]),
                    "removed": len(first[what] - second[what]),
                    "kept": len(first[what] & second[what]),
                }
                for what in first
            }
    return found


def _people(tables: Iterable[str], results: Path) -> dict[str, set[str]] | None:
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


def _metrics(results: Path, a: list[str], b: list[str]) -> dict[str, list[Any]] | None:
    from medsynth.lineage.mlflow.records import recorded_runs

    try:
        with recorded_runs(results) as store:
            values = []
            for runs in (a, b):
                values.append({})
                for run in runs:
                    values[-1] |= store.metrics(run)
    except UnknownArtifact:
        return None
    return _changes(*values)


def wrong(answer: dict[str, Any]) -> bool:
    """That two artifacts differ is an answer, not a fault."""
    return False


def show(answer: dict[str, Any]) -> str:
    return "\n".join(_lines(answer))


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    for side in "ab":
        found = answer[side]
        job = f"job {found['job'][:SHORT]}" if found["job"] else "raw: no job made it"
        yield f"{side}: {found['path']}  [{found['sha256'][:SHORT]}; {job}]"
    yield "the bytes are the same" if answer["same_bytes"] else "the bytes differ"
    for path, row in answer["data"].items():
        if not row["known"]:
            yield f"data {path}: not known of both sides"
            continue
        counted = "; ".join(
            f"{name} +{n['added']} -{n['removed']} ={n['kept']}"
            for name, n in row.items()
            if name != "known"
        )
        yield f"data {path}: {counted}"
    for name in ("raw", "config", "params", "code", "environment", "metrics"):
        changed = answer[name]
        if changed is None:
            yield f"{name}: MLflow's store is not there"
            continue
        # What both sides have comes first.
        ordered = sorted(changed.items(), key=lambda entry: None in entry[1])
        for key, (a, b) in ordered[:SHOWN]:
            yield f"{name} {key}: {_text(a)} -> {_text(b)}"
        if len(changed) > SHOWN:
            yield f"{name}: {len(changed) - SHOWN} more; --json lists all"
    for sign, name in (("+", "added"), ("-", "removed")):
        yield from (f"package {sign}{package}" for package in answer["packages"][name])


def _text(value: Any) -> str:
    text = "-" if value is None else str(value)
    hexadecimal = len(text) == 64 and not set(text) - set("0123456789abcdef")
    return text[:SHORT] if hexadecimal else text
