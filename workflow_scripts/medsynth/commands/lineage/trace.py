"""`medsynth trace`: what made an artifact, up to the raw files; or what was made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from medsynth.lineage.wording import SHORT, job_name, when

if TYPE_CHECKING:
    from medsynth.lineage.queries.trace import Artifact, Job, Trace

SAME_SHOWN = 5  # other paths of the same bytes

HELP = "what made an artifact, up to the raw files; --down: what was made from it"
EXAMPLE = "medsynth trace results/experiments/cxr_ddpm/samples.png --html graph.html"


def answer(
    results: Path,
    path: Annotated[
        str,
        Argument(
            metavar="PATH",
            help="a file or folder a job made or read, a copy of one, an image made by a model of"
            " this results folder, or the beginning of a digest or of a job's id",
        ),
    ],
    down: Annotated[bool, Option("--down", help="descendants instead of ancestors")] = False,
    html: Annotated[
        Path | None, Option(metavar="FILE", help="also write a page to look at")
    ] = None,
) -> Mapping[str, Any]:
    from medsynth.lineage.queries.trace import trace

    found = trace(results, path, down=down)
    if html:
        from medsynth.lineage.queries.drawing import write_page  # jinja2

        write_page(found, html)
    return found


def wrong(answer: Trace) -> bool:
    """Something on the way is not as any job made it."""
    own = answer["artifact"]  # read anew; what jobs say of it may come from the digest cache
    files = [f for job in answer["jobs"].values() for f in [*job["inputs"], *job["outputs"]]]
    others = [file for file in files if file["path"] != own["path"]]
    return any(
        file["on_disk"] == "altered" or file["foreign"] or file.get("changed") == "bytes"
        for file in [own, *others]
    )


def show(answer: Trace) -> Iterator[str]:
    artifact, jobs = answer["artifact"], answer["jobs"]
    if others := artifact["same_bytes"]:
        more = f" and {len(others) - SAME_SHOWN} more" if len(others) > SAME_SHOWN else ""
        yield f"the same bytes: {', '.join(others[:SAME_SHOWN])}{more}; shown is one of them"
    if embedded := answer["artifact"]["embedded"]:
        text = ", ".join(f"{k} {v[:SHORT]}" for k, v in sorted(embedded.items()))
        yield f"not a recorded file; it says of itself: {text}. So it comes from:"
    yield from (_down if answer["down"] else _up)(artifact, jobs, "", set())


def _artifact_line(artifact: Artifact) -> str:
    digest = artifact["sha256"][:SHORT] if artifact["sha256"] else "not hashed"
    notes = [digest]
    if artifact["on_disk"] in ("altered", "missing"):
        notes.append(artifact["on_disk"].upper() + " since it was recorded")
    if artifact["foreign"]:
        notes.append("ALTERED before it was read: no job made these bytes here")
    if artifact.get("changed"):
        what = "CHANGED" if artifact["changed"] == "bytes" else "touched, its bytes the same"
        notes.append(f"{what} while the job ran")
    if artifact["on_disk"] == "remade":
        notes.append("since then made anew")
    if not artifact["producer"]:
        inside = "as a whole, but some of what is in it" if artifact["makers"] else "it"
        notes.append(f"raw: no job made {inside}")
    return f"{artifact['path']}  [{'; '.join(notes)}]"


def _job_lines(job: Job) -> Iterator[str]:
    status = "" if job["status"] == "COMPLETE" else f"  {job['status']}"
    reused = "  reused: copied from what the same job made before" if job.get("reused") else ""
    yield f"{job_name(job)}  job {job['job'][:SHORT]}{status}{reused}"
    yield (
        f"  {when(job['time'])}, {job['seconds']} s, {job['host']}, device {job['device'] or '-'}"
    )
    yield f"  MLflow run {job['run_id'] or 'not there yet'}, seed {job['seed']}"
    git = job.get("git") or {"head": None, "dirty": None}
    dirty = f" + {git['dirty'][:SHORT]}.diff" if git["dirty"] else ""
    yield f"  code {(job['code'] or '-')[:SHORT]}, git {(git['head'] or '-')[:SHORT]}{dirty}"
    if "config_sha256" in job:
        packages = (job["packages_sha256"] or "-")[:SHORT]
        yield f"  config {job['config_sha256'][:SHORT]}, packages {packages}"


def _up(artifact: Artifact, jobs: dict[str, Job], indent: str, shown: set[str]) -> Iterator[str]:
    yield indent + _artifact_line(artifact)
    inner = indent + "    "
    for job in artifact["makers"]:
        for folder in jobs[job]["outputs"]:
            if folder["on_disk"] == "altered" and artifact["path"].startswith(f"{folder['path']}/"):
                yield f"{inner}of {_artifact_line(folder)}"
        if job in shown:
            yield f"{inner}by job {job[:SHORT]}, shown above"
            continue
        shown.add(job)
        yield from (inner + line for line in _job_lines(jobs[job]))
        for file in jobs[job]["inputs"]:
            yield from _up(file, jobs, inner, shown)


def _down(artifact: Artifact, jobs: dict[str, Job], indent: str, shown: set[str]) -> Iterator[str]:
    yield indent + _artifact_line(artifact)
    inner = indent + "    "
    for reader in artifact["readers"]:
        if reader in shown:
            yield f"{inner}read by job {reader[:SHORT]}, shown above"
            continue
        shown.add(reader)
        yield from (f"{inner}{line}" for line in _job_lines(jobs[reader]))
        for file in jobs[reader]["outputs"]:
            yield from _down(file, jobs, inner, shown)
