"""The `medsynth` command: asks the lineage of a results folder."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from medsynth.lineage.questions import UnknownArtifact, status, trace

OK, WRONG, UNKNOWN = 0, 1, 2

EXAMPLES = """examples:
  medsynth status                                    is everything recorded and in MLflow?
  medsynth trace results/experiments/e/metrics.json  what made this, up to the raw files?
  medsynth trace results/report/index.html --json    the same for a program

exit status: 0 all is well; 1 something is wrong (altered file, broken ledger, records waiting);
2 the artifact is unknown
"""


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "seconds")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n} {status}" for status, n in counts.items()) or "nothing to do"


def _status_lines(answer: dict[str, Any]) -> Iterator[str]:
    yield f"jobs: {_counts(answer['jobs'])}"
    for i in answer["invocations"]:
        arguments = " ".join(i["arguments"])
        yield f"  {_when(i['time'])}  {i['status']:8}  {_counts(i['jobs'])}  snakemake {arguments}"
    broken = answer["broken_links"]
    altered = f"BROKEN at events {', '.join(map(str, broken[:10]))}" if broken else "intact"
    yield f"ledger: {altered}"
    yield f"waiting: {answer['spooled']} for the ledger, {answer['undelivered']} for MLflow"
    if answer["unreadable"]:
        yield f"UNREADABLE: {answer['unreadable']} records in lineage/spool/*.unreadable"
    yield from (f"  MLflow said: {error}" for error in answer["errors"])


def _artifact_line(artifact: dict[str, Any]) -> str:
    digest = artifact["sha256"][:12] if artifact["sha256"] else "not hashed"
    notes = [digest]
    if artifact["on_disk"] in ("altered", "missing"):
        notes.append(artifact["on_disk"].upper() + " since it was recorded")
    if not artifact["producer"]:
        notes.append("raw: no job made it")
    return f"{artifact['path']}  [{'; '.join(notes)}]"


def _job_lines(job: dict[str, Any]) -> Iterator[str]:
    wildcards = " ".join(f"{k}={v}" for k, v in job["wildcards"].items())
    yield f"{job['rule']} {wildcards}".strip() + f"  job {job['job'][:12]}"
    device = job["device"] or "-"
    yield f"  {_when(job['time'])}, {job['seconds']} s, {job['host']}, device {device}"
    yield f"  MLflow run {job['run_id'] or 'not there yet'}, seed {job['seed']}"
    git = job.get("git") or {"head": None, "dirty": None}
    dirty = f" + {git['dirty'][:12]}.diff" if git["dirty"] else ""
    yield f"  code {(job['code'] or '-')[:12]}, git {(git['head'] or '-')[:12]}{dirty}"
    if "config_sha256" in job:
        yield f"  config {job['config_sha256'][:12]}, packages {job['packages_sha256'][:12]}"


def _tree(artifact: dict[str, Any], jobs: dict, indent: str, shown: set[str]) -> Iterator[str]:
    yield indent + _artifact_line(artifact)
    producer = artifact["producer"]
    if producer is None:
        return
    inner = indent + "    "
    if producer in shown:
        yield f"{inner}by job {producer[:12]}, shown above"
        return
    shown.add(producer)
    yield from (inner + line for line in _job_lines(jobs[producer]))
    for file in jobs[producer]["inputs"]:
        yield from _tree(file, jobs, inner, shown)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--results", type=Path, default=Path("results"), help="default: results")
    common.add_argument("--json", action="store_true", help="one JSON document for programs")
    parser = argparse.ArgumentParser(
        prog="medsynth",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, summary in (
        ("status", "runs, jobs, what waits, whether the ledger is intact"),
        ("trace", "what made an artifact, up to the raw files"),
    ):
        sub = verbs.add_parser(
            verb,
            help=summary,
            description=summary,
            parents=[common],
            epilog=EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if verb == "trace":
            sub.add_argument("path", metavar="PATH", help="file or folder a job made or read")
    return parser


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "status":
            answer = status(options.results)
            wrong, lines = not answer["ok"], _status_lines(answer)
        else:
            answer = trace(options.results, options.path)
            wrong = answer["artifact"]["on_disk"] == "altered"
            lines = _tree(answer["artifact"], answer["jobs"], "", set())
    except UnknownArtifact as error:
        print(f"medsynth: {error}", file=sys.stderr)
        return UNKNOWN
    print(json.dumps(answer, indent=2) if options.json else "\n".join(lines))
    return WRONG if wrong else OK


if __name__ == "__main__":
    sys.exit(main())
