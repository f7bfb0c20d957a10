"""Questions the ledger answers; `medsynth` on the command line asks them."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from medsynth.lineage import spool
from medsynth.lineage.ledger import Ledger, ledger_path
from medsynth.store.digests import DigestCache, digest_path


class UnknownArtifact(LookupError):
    """No recorded job made or read this path or these bytes."""


def _open(results_dir: str | Path) -> Ledger:
    path = ledger_path(results_dir)
    if not path.exists():
        raise UnknownArtifact(
            f"{path} does not exist: no workflow has run here yet, or --results is wrong"
        )
    return Ledger(path)


def status(results_dir: str | Path) -> dict[str, Any]:
    """How the record stands.

    Returns:
        invocations: the last ten, latest first, each with id, status, time, arguments, jobs.
        jobs: {status: count}. spooled: records not yet in the ledger. unreadable: records set
        aside as broken. undelivered: items MLflow lacks, with `errors` as it gave them.
        broken_links: events of the ledger that were altered. ok: nothing is wrong; running and
        failed jobs are not wrong records.
    """
    ledger = _open(results_dir)
    invocations = []
    for row in ledger.query(
        "SELECT id FROM items WHERE kind='invocation' ORDER BY seq DESC LIMIT 10"
    ):
        item = ledger.item(row["id"])
        jobs = ledger.query(
            "SELECT status, COUNT(*) AS n FROM items WHERE invocation=? GROUP BY status", row["id"]
        )
        invocations.append(
            {
                "id": item["id"],
                "status": item["status"],
                "time": item["start"]["time"],
                "arguments": item["start"]["arguments"],
                "jobs": {job["status"]: job["n"] for job in jobs},
            }
        )
    jobs = ledger.query("SELECT status FROM items WHERE kind='job'")
    errors = ledger.query(
        "SELECT DISTINCT error FROM deliveries WHERE error IS NOT NULL ORDER BY error LIMIT 10"
    )
    folder = spool.spool_dir(results_dir)
    answer = {
        "invocations": invocations,
        "jobs": dict(sorted(Counter(job["status"] for job in jobs).items())),
        "spooled": len(list(folder.glob("[0-9]*.json"))),
        "unreadable": len(list(folder.glob("*.unreadable"))),
        "undelivered": len(ledger.undelivered()),
        "errors": [row["error"] for row in errors],
        "broken_links": ledger.broken_links(),
    }
    ledger.close()
    busy = any(i["status"] == "RUNNING" for i in invocations)
    waiting = not busy and (answer["spooled"] or answer["undelivered"])
    answer["ok"] = not (answer["unreadable"] or answer["broken_links"] or waiting)
    return answer


def _bases(results_dir: str | Path, ledger: Ledger) -> list[Path]:
    """Folders that recorded relative paths may be relative to, the likeliest first."""
    here = Path(results_dir).absolute().parent  # right where results was moved as a whole
    return [base for base in (ledger.last_workdir(), here) if base and base.exists()]


def _find(path: str | Path, bases: list[Path], ledger: Ledger) -> dict[str, Any]:
    """The recorded artifact that `path` names: the latest made there, or read there, or equal."""
    sql = (
        "SELECT artifacts.* FROM artifacts WHERE {} AND sha256 NOT NULL"
        " ORDER BY role='outputs' DESC, time DESC LIMIT 1"
    )
    absolute = os.path.abspath(path)
    spellings = [os.path.normpath(path), *(os.path.relpath(absolute, b) for b in bases), absolute]
    for spelling in spellings:
        if rows := ledger.query(sql.format("path=?"), spelling):
            return rows[0]
    if os.path.exists(path):
        if rows := ledger.query(sql.format("sha256=?"), digest_path(path)[0]):
            return rows[0]
        raise UnknownArtifact(f"{path}: no recorded job made or read it")
    raise UnknownArtifact(f"{path}: no recorded job made or read it, and there is no such file")


def _on_disk(artifact: dict[str, Any], base: Path, cache: DigestCache | None) -> str:
    path = base / artifact["path"]
    if not path.exists():
        return "missing"
    return "same" if digest_path(path, cache)[0] == artifact["sha256"] else "altered"


def _job(item: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """What the record says about how a job ran; its invocation's part comes with it."""
    start, end = item["start"], item["end"]
    answer = {
        "job": item["id"],
        "run_id": item["run_id"],
        "status": item["status"],
        "time": start["time"],
        "seconds": round(end["time"] - start["time"], 3),
        "device": end["device"],
        "host": start["process"]["host"],
    }
    answer |= {k: start[k] for k in ("rule", "wildcards", "params", "code", "seed", "attempt")}
    if item["invocation"]:
        around = ledger.item(item["invocation"])["start"]
        environment = around["environment"]
        answer |= {"invocation": item["invocation"], "git": around["git"]}
        answer |= {"config_sha256": around["config_sha256"], "python": environment["python"]}
        answer |= {k: environment[k] for k in ("packages_sha256", "lock_sha256", "snakemake")}
    return answer


def _maker(file: dict[str, Any], time: float, ledger: Ledger) -> str | None:
    """The job that made an input: of equal bytes, or of the folder the input lies in."""
    if file["sha256"] and (job := ledger.producer(file["sha256"], file["path"], time)):
        return job
    for folder in Path(file["path"]).parents:
        rows = ledger.query(
            "SELECT job FROM artifacts WHERE role='outputs' AND path=? AND time<=?"
            " ORDER BY time DESC LIMIT 1",
            str(folder),
            time,
        )
        if rows:
            return rows[0]["job"]
    return None


def trace(results_dir: str | Path, path: str | Path) -> dict[str, Any]:
    """Where an artifact comes from, up to files that no job made.

    Returns:
        artifact: name, path, sha256, bytes, `on_disk` (same, altered or missing, by its bytes)
        and `producer`, a key of jobs or None. jobs: {job id: how it ran, and `inputs`, each like
        `artifact`}; every ancestor once. Files no job made are compared with the disk only when
        they are the artifact asked for.

    Raises:
        UnknownArtifact: no record of this path or these bytes.
    """
    ledger = _open(results_dir)
    bases = _bases(results_dir, ledger)
    found = _find(path, bases, ledger)
    cache = DigestCache(spool.lineage_dir(results_dir) / "digests.db")

    artifact = {k: found[k] for k in ("name", "path", "sha256", "bytes")}
    artifact["on_disk"] = _on_disk(artifact, bases[0], None)
    artifact["producer"] = (
        found["job"] if found["role"] == "outputs" else _maker(artifact, found["time"], ledger)
    )
    jobs: dict[str, dict[str, Any]] = {}
    waiting = [artifact["producer"]] if artifact["producer"] else []
    while waiting:
        job = waiting.pop()
        if job in jobs:
            continue
        item = ledger.item(job)
        inputs = []
        for file in item["start"]["inputs"]:
            producer = _maker(file, item["start"]["time"], ledger)
            state = _on_disk(file, bases[0], cache) if producer and file["sha256"] else None
            inputs.append(file | {"producer": producer, "on_disk": state})
            waiting += [producer] if producer else []
        jobs[job] = _job(item, ledger) | {"inputs": inputs}
    cache.close()
    ledger.close()
    return {"artifact": artifact, "jobs": jobs}
