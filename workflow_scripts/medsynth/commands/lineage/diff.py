"""`medsynth diff`: why two artifacts differ.

Compared are the people and raw files behind each (from lineage/people, which outlives a file that
was made anew), the raw inputs, the parameters of each step, the configuration, the code, the
packages and the metrics. Nothing printed names a patient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument

from medsynth.lineage.wording import SHORT

if TYPE_CHECKING:
    from medsynth.lineage.queries.diff import Diff

HELP = "what is different between two artifacts: data, config, code, environment, metrics"
EXAMPLE = "medsynth diff 387ed5a297a1 results/experiments/cxr_ddpm/model.safetensors"
SHOWN = 30


WHAT = "a path, or the beginning of a digest or of a job's id"


def answer(
    results: Path,
    a: Annotated[str, Argument(metavar="A", help=WHAT)],
    b: Annotated[str, Argument(metavar="B", help=f"{WHAT}; a path means its latest state")],
) -> Mapping[str, Any]:
    from medsynth.lineage.queries.diff import diff

    return diff(results, a, b)


def wrong(answer: Diff) -> bool:
    """That two artifacts differ is an answer, not a fault."""
    return False


def show(answer: Diff) -> Iterator[str]:
    for side, found in (("a", answer["a"]), ("b", answer["b"])):
        job = f"job {found['job'][:SHORT]}" if found["job"] else "raw: no job made it"
        yield f"{side}: {found['path']}  [{found['sha256'][:SHORT]}; {job}]"
    yield "the bytes are the same" if answer["same_bytes"] else "the bytes differ"
    for path, row in answer["data"].items():
        if not row["known"]:
            yield f"data {path}: not known of both sides"
            continue
        counted = "; ".join(
            f"{name} +{n['added']} -{n['removed']} ={n['kept']}"
            for name, n in (("files", row["files"]), ("patients", row["patients"]))
        )
        yield f"data {path}: {counted}"
    changes = {
        "raw": answer["raw"],
        "config": answer["config"],
        "params": answer["params"],
        "code": answer["code"],
        "environment": answer["environment"],
        "metrics": answer["metrics"],
    }
    for name, changed in changes.items():
        if changed is None:
            yield f"{name}: MLflow's store is not there"
            continue
        # What both sides have comes first.
        ordered = sorted(changed.items(), key=lambda entry: None in entry[1])
        for key, (a, b) in ordered[:SHOWN]:
            yield f"{name} {key}: {_text(a)} -> {_text(b)}"
        if len(changed) > SHOWN:
            yield f"{name}: {len(changed) - SHOWN} more; --json lists all"
    yield from (f"package +{package}" for package in answer["packages"]["added"])
    yield from (f"package -{package}" for package in answer["packages"]["removed"])


def _text(value: Any) -> str:
    text = "-" if value is None else str(value)
    hexadecimal = len(text) == 64 and not set(text) - set("0123456789abcdef")
    return text[:SHORT] if hexadecimal else text
