"""Walking the ledger from file to job to file, by the relation :mod:`.reads`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NotRequired, TypedDict

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.reads import maker, makers, readers
from medsynth.lineage.recording.records import CodeState, File, InvocationStart, JobItem, JobStart


class JobSummary(TypedDict):
    """How a job ran. git to snakemake: of its invocation, or of a command's job its own."""

    job: str
    seq: int
    run_id: str | None
    status: str
    time: float
    seconds: float | None
    device: str | None
    host: str
    rule: str
    wildcards: dict[str, str]
    params: dict[str, Any]
    code: str | None
    seed: int | None
    attempt: int
    reused: NotRequired[bool]
    invocation: NotRequired[str]
    config_sha256: NotRequired[str]
    git: NotRequired[CodeState]
    python: NotRequired[str | None]
    packages_sha256: NotRequired[str | None]
    lock_sha256: NotRequired[str | None]
    snakemake: NotRequired[str | None]


def is_foreign(read: Mapping[str, Any], ledger: Ledger) -> bool:
    """Whether other bytes were read than any job made at this path, which jobs had made before."""
    made = "SELECT 1 FROM artifacts WHERE role='outputs' AND path=? AND job!=? AND "
    last = " ORDER BY seq DESC LIMIT 1"  # by the index, whose path may have many versions
    at_path = read["path"], read["job"]
    if not read["sha256"] or not ledger.query(made + "seq<?" + last, *at_path, read["seq"]):
        return False
    known = made + "(sha256=? OR sha256 IS NULL)" + last
    return not ledger.query(known, *at_path, read["sha256"])


def walk(
    first: list[str], onward: Callable[[JobItem], list[str]], ledger: Ledger
) -> Iterator[JobItem]:
    """Jobs of the ledger from `first` on, each once, nearest first; `onward` names the next."""
    waiting, seen = list(first), set(first)
    for job in waiting:
        item = ledger.job(job)
        fresh = [j for j in dict.fromkeys(onward(item)) if j not in seen]
        seen.update(fresh)
        waiting += fresh
        yield item


def ancestors(jobs: list[str], ledger: Ledger) -> list[JobItem]:
    """The jobs and all that they depend on.

    Each input gains `producer`, a job's id or None, `makers`, of a folder also the jobs that made
    something in it, and `foreign`: these are not the bytes that a job made at this path.
    """

    def onward(item: JobItem) -> list[str]:
        return [job for file in _with_producers(item, ledger) for job in file["makers"]]

    return list(walk(jobs, onward, ledger))


def descendants(first: list[str], ledger: Ledger) -> list[JobItem]:
    """The jobs and all that depends on them; inputs as above, each output gains `readers`."""

    def consumers(item: JobItem) -> list[str]:
        _with_producers(item, ledger)
        outputs = item["end"]["outputs"] if item["end"] else []
        for file in outputs:
            file["readers"] = readers(file, item["id"], ledger)
        return [job for file in outputs for job in file["readers"]]

    return list(walk(first, consumers, ledger))


def _with_producers(item: JobItem, ledger: Ledger) -> list[File]:
    start = item["start"]
    for file in start["inputs"]:
        read = {**file, "job": item["id"], "seq": item["seq"]}
        file["producer"] = maker(read, ledger)
        file["makers"] = makers(read, ledger)
        file["foreign"] = is_foreign(read, ledger)
    return start["inputs"]


def job_summary(item: JobItem, ledger: Ledger) -> JobSummary:
    """What the record says about how a job ran; its invocation's part comes with it."""
    start, end = item["start"], item["end"]
    job: JobSummary = {
        "job": item["id"],
        "seq": item["seq"],
        "run_id": item["run_id"],
        "status": item["status"],
        "time": start["time"],
        "seconds": round(end["time"] - start["time"], 3) if end else None,
        "device": end["device"] if end else None,
        "host": start["process"]["host"],
        "rule": start["rule"],
        "wildcards": start["wildcards"],
        "params": start["params"],
        "code": start["code"],
        "seed": start["seed"],
        "attempt": start["attempt"],
    }
    if end and end.get("reused"):
        job["reused"] = True
    invocation = ledger.invocation(item["invocation"])
    if invocation:
        job["invocation"] = invocation["id"]
        job["config_sha256"] = invocation["config_sha256"]
    # A command's job belongs to no invocation, and says this itself.
    around: InvocationStart | JobStart | None = invocation or (start if "git" in start else None)
    if around:
        environment = around["environment"]
        job["git"] = around["git"]
        job["python"] = environment.get("python")
        job["packages_sha256"] = environment.get("packages_sha256")
        job["lock_sha256"] = environment.get("lock_sha256")
        job["snakemake"] = environment.get("snakemake")
    return job
