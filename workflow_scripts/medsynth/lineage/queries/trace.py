"""What made an artifact, up to the raw files; or what was made from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.database import Row
from medsynth.lineage.ledger.embedded import MODEL, embedded_provenance, made_with
from medsynth.lineage.ledger.graph import (
    JobSummary,
    ancestors,
    descendants,
    is_foreign,
    job_summary,
)
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places, find
from medsynth.lineage.ledger.reads import maker, makers, readers
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import File, JobItem, RecordedFile
from medsynth.lineage.wording import SHORT
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_path

OnDisk = Literal["same", "missing", "remade", "altered"]


class Artifact(RecordedFile):
    """A file or folder that jobs read or made.

    on_disk: by its bytes, where they were compared. producer: the job that made it, None for a file
    that none made. makers: the producer, and of a folder the jobs that made something in it.
    foreign: no job made these bytes at this path, where jobs had made others: it was altered.
    changed: of an input, while the job ran. readers: of an output, in a trace down.
    """

    on_disk: OnDisk | None
    producer: str | None
    makers: list[str]
    foreign: bool
    changed: NotRequired[Literal["bytes", "touched"] | None]
    readers: NotRequired[list[str]]


class TracedArtifact(Artifact):
    """What was asked for.

    same_bytes: other recorded paths, if what was asked for is none and stands for the bytes.
    embedded: what the file says of itself where its bytes are not in the ledger.
    """

    same_bytes: list[str]
    embedded: dict[str, str] | None


class Job(JobSummary):
    """How a job ran. Inputs no job made are not compared with the disk: that is for verify."""

    inputs: list[Artifact]
    outputs: list[Artifact]


class Trace(TypedDict):
    """jobs: every ancestor, of a trace `down` every descendant, once, by id."""

    artifact: TracedArtifact
    down: bool
    jobs: dict[str, Job]


def trace(results: str | Path, path: str | Path, *, down: bool = False) -> Trace:
    """Where an artifact comes from, or with `down` what it went into.

    Raises:
        UnknownArtifact: no record of this path or these bytes.
    """
    with existing_ledger(results) as ledger:
        artifact = _artifact(path, results, ledger)
        base = current_places(results, ledger)
        producer = artifact["producer"]
        if down:
            artifact["readers"] = readers(artifact, producer, ledger)
            items = descendants(artifact["readers"], ledger)
        else:
            items = ancestors(artifact["makers"], ledger)
        cache = spool.digest_cache(results)
        jobs = {item["id"]: _job(item, base, cache, ledger) for item in items}
        cache.close()
    return {"artifact": artifact, "down": down, "jobs": jobs}


def _artifact(path: str | Path, results: str | Path, ledger: Ledger) -> TracedArtifact:
    embedded: dict[str, str] | None = None
    found: Row | None
    try:
        found = find(path, results, ledger)
    except UnknownArtifact:
        embedded = embedded_provenance(path) if Path(path).is_file() else None
        found = made_with(embedded, ledger) if embedded else None
        if embedded and not found:
            raise UnknownArtifact(
                f"{path} says that model {embedded[MODEL][:SHORT]} made it, which is not recorded"
                " here; ask the results folder that this model is from"
            ) from None
        if not found:
            raise
    base, made = current_places(results, ledger), found["role"] == "outputs"
    return {
        "name": found["name"],
        "path": found["path"],
        "sha256": found["sha256"],
        "bytes": found["bytes"],
        "on_disk": on_disk(found, base, None, ledger),
        "same_bytes": _same_bytes(path, found, base, ledger),
        "producer": found["job"] if made else maker(found, ledger),
        "makers": [found["job"]] if made else makers(found, ledger),
        "foreign": not made and is_foreign(found, ledger),
        "embedded": embedded,
    }


def on_disk(
    file: Mapping[str, Any], base: Places, cache: DigestCache | None, ledger: Ledger
) -> OnDisk:
    """same, missing, remade (a later job's bytes are there) or altered (nobody's are).

    Without a cache the bytes are read in any case.
    """
    path = base / file["path"]
    if not path.exists():
        return "missing"
    sha256 = digest_path(path, cache)[0]
    if sha256 == file["sha256"]:
        return "same"
    made = ledger.query(
        "SELECT 1 FROM artifacts WHERE role='outputs' AND path=? AND sha256=? LIMIT 1",
        file["path"],
        sha256,
    )
    return "remade" if made else "altered"


def _job(item: JobItem, base: Places, cache: DigestCache, ledger: Ledger) -> Job:
    end = item["end"]
    later = {file["path"]: file["sha256"] for file in end.get("changed", [])} if end else {}
    inputs: list[Any] = []
    for file in item["start"]["inputs"]:
        state = _state(file, base, cache, ledger) if file["producer"] else None
        changed = None
        if file["path"] in later:
            changed = "touched" if later[file["path"]] == file["sha256"] else "bytes"
        inputs.append(file | {"on_disk": state, "changed": changed})
    outputs: list[Any] = [
        file
        | {
            "producer": item["id"],
            "makers": [item["id"]],
            "foreign": False,
            "on_disk": _state(file, base, cache, ledger),
        }
        for file in (end["outputs"] if end else [])
    ]
    return {**job_summary(item, ledger), "inputs": inputs, "outputs": outputs}


def _state(file: File, base: Places, cache: DigestCache, ledger: Ledger) -> OnDisk | None:
    return on_disk(file, base, cache, ledger) if file["sha256"] else None


def _same_bytes(
    path: str | Path, found: Mapping[str, Any], base: Places, ledger: Ledger
) -> list[str]:
    """Where else the bytes were recorded that a digest or a copy stands for."""
    asked = {base.recorded(os.path.abspath(path)), os.path.normpath(path)}
    if found["path"] in asked:
        return []
    every = "SELECT DISTINCT path FROM artifacts WHERE sha256=? AND path<>? ORDER BY path"
    return [row["path"] for row in ledger.query(every, found["sha256"], found["path"])]
