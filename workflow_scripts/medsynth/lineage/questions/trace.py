"""`medsynth trace`: what made an artifact, up to the raw files; or what was made from it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage.erasure.embedded import MODEL, embedded_provenance, made_with
from medsynth.lineage.ledger.graph import ancestors, descendants, is_foreign, job_facts
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.reads import maker, makers, readers
from medsynth.lineage.questions import (
    SHORT,
    UnknownArtifact,
    digest_cache,
    find,
    job_name,
    opened,
    when,
)
from medsynth.lineage.recording.places import Places, places
from medsynth.store.digests import DigestCache, digest_path

Row = dict[str, Any]
SAME_SHOWN = 5  # other paths of the same bytes

HELP = "what made an artifact, up to the raw files; --down: what was made from it"
EXAMPLE = "medsynth trace results/experiments/cxr_ddpm/samples.png --html graph.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path",
        metavar="PATH",
        help="a file or folder a job made or read, a copy of one, an image made by a model of"
        " this results folder, or the beginning of a digest or of a job's id",
    )
    parser.add_argument("--down", action="store_true", help="descendants instead of ancestors")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also write a page to look at")


def answer(results: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    found = trace(results, arguments.path, down=arguments.down)
    if arguments.html:
        from medsynth.lineage.questions.drawing import write_page  # jinja2

        write_page(found, arguments.html)
    return found


def trace(results: str | Path, path: str | Path, *, down: bool = False) -> dict[str, Any]:
    """Where an artifact comes from, or with `down` what it went into.

    Returns:
        artifact: name, path, sha256, bytes, `on_disk` (same, missing, remade or altered, by its
        bytes), `producer` (a key of jobs, or None for a file no job made), `makers` (the producer,
        and of a folder the jobs that made something in it), `foreign` (no job made these bytes at
        this path, where jobs had made others: it was altered), `same_bytes` (other recorded
        paths, if `path` is none and stands for the bytes), `readers` if `down`, and
        `embedded`: what the file says of itself where its bytes are not in the ledger.
        jobs: {job id: how it ran, `inputs` and `outputs`, each like `artifact`; an input is also
        `changed` ("bytes", "touched" or None) while the job ran}; every ancestor (descendant)
        once. Inputs no job made are not compared with the disk: that is for verify.

    Raises:
        UnknownArtifact: no record of this path or these bytes.
    """
    with opened(results) as ledger:
        artifact = _artifact(path, results, ledger)
        base = places(results, ledger)
        producer = artifact["producer"]
        if down:
            artifact["readers"] = readers(artifact, producer, ledger)
            items = descendants(artifact["readers"], ledger)
        else:
            items = ancestors(artifact["makers"], ledger)
        cache = digest_cache(results)
        jobs = {item["id"]: _job(item, base, cache, ledger) for item in items}
        cache.close()
    return {"artifact": artifact, "down": down, "jobs": jobs}


def _artifact(path: str | Path, results: str | Path, ledger: Ledger) -> Row:
    said = None
    try:
        found = find(path, results, ledger)
    except UnknownArtifact:
        said = embedded_provenance(path) if Path(path).is_file() else None
        found = made_with(said, ledger) if said else None
        if said and not found:
            raise UnknownArtifact(
                f"{path} says that model {said[MODEL][:SHORT]} made it, which is not recorded"
                " here; ask the results folder that this model is from"
            ) from None
        if not found:
            raise
    artifact = {k: found[k] for k in ("name", "path", "sha256", "bytes")}
    artifact["on_disk"] = on_disk(artifact, places(results, ledger), None, ledger)
    artifact["same_bytes"] = _same_bytes(path, artifact, places(results, ledger), ledger)
    made = found["role"] == "outputs"
    artifact["producer"] = found["job"] if made else maker(found, ledger)
    artifact["makers"] = [found["job"]] if made else makers(found, ledger)
    artifact["foreign"] = not made and is_foreign(found, ledger)
    return artifact | {"embedded": said}


def on_disk(artifact: Row, base: Places, cache: DigestCache | None, ledger: Ledger) -> str:
    """same, missing, remade (a later job's bytes are there) or altered (nobody's are).

    Without a cache the bytes are read in any case.
    """
    path = base / artifact["path"]
    if not path.exists():
        return "missing"
    sha256 = digest_path(path, cache)[0]
    if sha256 == artifact["sha256"]:
        return "same"
    made = ledger.query(
        "SELECT 1 FROM artifacts WHERE role='outputs' AND path=? AND sha256=? LIMIT 1",
        artifact["path"],
        sha256,
    )
    return "remade" if made else "altered"


def _job(item: Row, base: Places, cache: DigestCache, ledger: Ledger) -> Row:
    end = item["end"] or {}
    later = {file["path"]: file["sha256"] for file in end.get("changed", [])}
    inputs = []
    for file in item["start"]["inputs"]:
        state = _state(file, base, cache, ledger) if file["producer"] else None
        changed = None
        if file["path"] in later:
            changed = "touched" if later[file["path"]] == file["sha256"] else "bytes"
        inputs.append(file | {"on_disk": state, "changed": changed})
    outputs = [
        file
        | {
            "producer": item["id"],
            "makers": [item["id"]],
            "foreign": False,
            "on_disk": _state(file, base, cache, ledger),
        }
        for file in end.get("outputs", [])
    ]
    return job_facts(item, ledger) | {"inputs": inputs, "outputs": outputs}


def _state(file: Row, base: Places, cache: DigestCache, ledger: Ledger) -> str | None:
    return on_disk(file, base, cache, ledger) if file["sha256"] else None


def wrong(answer: dict[str, Any]) -> bool:
    """Something on the way is not as any job made it."""
    own = answer["artifact"]  # read anew; what jobs say of it may come from the digest cache
    files = [f for job in answer["jobs"].values() for f in [*job["inputs"], *job["outputs"]]]
    others = [file for file in files if file["path"] != own["path"]]
    return any(
        file["on_disk"] == "altered" or file["foreign"] or file.get("changed") == "bytes"
        for file in [own, *others]
    )


def _same_bytes(path: str | Path, found: Row, base: Places, ledger: Ledger) -> list[str]:
    """Where else the bytes were recorded that a digest or a copy stands for."""
    asked = {base.recorded(os.path.abspath(path)), os.path.normpath(path)}
    if found["path"] in asked:
        return []
    every = "SELECT DISTINCT path FROM artifacts WHERE sha256=? AND path<>? ORDER BY path"
    return [row["path"] for row in ledger.query(every, found["sha256"], found["path"])]


def show(answer: dict[str, Any]) -> str:
    artifact, jobs = answer["artifact"], answer["jobs"]
    head = []
    if others := artifact["same_bytes"]:
        more = f" and {len(others) - SAME_SHOWN} more" if len(others) > SAME_SHOWN else ""
        head = [f"the same bytes: {', '.join(others[:SAME_SHOWN])}{more}; shown is one of them"]
    if said := answer["artifact"]["embedded"]:
        text = ", ".join(f"{k} {v[:SHORT]}" for k, v in sorted(said.items()))
        head += [f"not a recorded file; it says of itself: {text}. So it comes from:"]
    lines = _down(artifact, jobs, "", set()) if answer["down"] else _up(artifact, jobs, "", set())
    return "\n".join([*head, *lines])


def _artifact_line(artifact: Row) -> str:
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


def _job_lines(job: Row) -> Iterator[str]:
    status = "" if job["status"] == "COMPLETE" else f"  {job['status']}"
    yield f"{job_name(job)}  job {job['job'][:SHORT]}{status}"
    yield (
        f"  {when(job['time'])}, {job['seconds']} s, {job['host']}, device {job['device'] or '-'}"
    )
    yield f"  MLflow run {job['run_id'] or 'not there yet'}, seed {job['seed']}"
    git = job.get("git") or {"head": None, "dirty": None}
    dirty = f" + {git['dirty'][:SHORT]}.diff" if git["dirty"] else ""
    yield f"  code {(job['code'] or '-')[:SHORT]}, git {(git['head'] or '-')[:SHORT]}{dirty}"
    if "config_sha256" in job:
        yield f"  config {job['config_sha256'][:SHORT]}, packages {job['packages_sha256'][:SHORT]}"


def _up(artifact: Row, jobs: dict[str, Row], indent: str, shown: set[str]) -> Iterator[str]:
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


def _down(artifact: Row, jobs: dict[str, Row], indent: str, shown: set[str]) -> Iterator[str]:
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
