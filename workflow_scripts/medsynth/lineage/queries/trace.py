"""What made an artifact, up to the raw files; or what was made from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.embedded import MODEL, embedded_provenance, made_with
from medsynth.lineage.ledger.graph import ancestors, descendants, is_foreign, job_summary
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places, find
from medsynth.lineage.ledger.reads import maker, makers, readers
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import JobItem
from medsynth.lineage.wording import SHORT
from medsynth.store.digests import DigestCache, digest_path

Row = dict[str, Any]


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


def _artifact(path: str | Path, results: str | Path, ledger: Ledger) -> Row:
    embedded = None
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
    artifact = {k: found[k] for k in ("name", "path", "sha256", "bytes")}
    artifact["on_disk"] = on_disk(artifact, current_places(results, ledger), None, ledger)
    artifact["same_bytes"] = _same_bytes(path, artifact, current_places(results, ledger), ledger)
    made = found["role"] == "outputs"
    artifact["producer"] = found["job"] if made else maker(found, ledger)
    artifact["makers"] = [found["job"]] if made else makers(found, ledger)
    artifact["foreign"] = not made and is_foreign(found, ledger)
    return artifact | {"embedded": embedded}


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


def _job(item: JobItem, base: Places, cache: DigestCache, ledger: Ledger) -> Row:
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
    return job_summary(item, ledger) | {"inputs": inputs, "outputs": outputs}


def _state(file: Row, base: Places, cache: DigestCache, ledger: Ledger) -> str | None:
    return on_disk(file, base, cache, ledger) if file["sha256"] else None


def _same_bytes(path: str | Path, found: Row, base: Places, ledger: Ledger) -> list[str]:
    """Where else the bytes were recorded that a digest or a copy stands for."""
    asked = {base.recorded(os.path.abspath(path)), os.path.normpath(path)}
    if found["path"] in asked:
        return []
    every = "SELECT DISTINCT path FROM artifacts WHERE sha256=? AND path<>? ORDER BY path"
    return [row["path"] for row in ledger.query(every, found["sha256"], found["path"])]
