"""The types of records: what capture and the collector write, and what the ledger gives back.

:mod:`.schema` checks a file against the same fields. Standard library only: every job imports this.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["RUNNING", "COMPLETE", "FAILED", "KILLED"]


class RecordedFile(TypedDict):
    """A file or folder that a job read or made; `sha256` is None if it is never read as a whole.

    name: of the rule's input or output. path: as :class:`.places.Places` records it.
    """

    name: str | None
    path: str
    sha256: str | None
    bytes: int | None


class File(RecordedFile):
    """What walks through the ledger's graph add to it, see :mod:`medsynth.lineage.ledger.graph`."""

    producer: NotRequired[str | None]
    makers: NotRequired[list[str]]
    foreign: NotRequired[bool]
    readers: NotRequired[list[str]]


class Process(TypedDict):
    host: str
    boot_id: str
    pid: int
    start_ticks: int | None


class CodeState(TypedDict):
    """head: commit. dirty: sha256 of what differs from it."""

    head: str | None
    dirty: str | None


class JobRecord(TypedDict):
    kind: Literal["job"]
    id: str
    time: float
    invocation: str | None


class JobStart(JobRecord):
    """git, environment: of a command's job, which has no invocation to say that."""

    phase: Literal["start"]
    rule: str
    wildcards: dict[str, str]
    params: dict[str, Any]
    code: str | None
    seed: int | None
    threads: int
    resources: dict[str, Any]
    attempt: int
    log: list[str]
    inputs: list[File]
    outputs: list[str]
    process: Process
    git: NotRequired[CodeState]
    environment: NotRequired[dict[str, Any]]


class JobEnd(JobRecord):
    """changed: inputs that were touched while the job ran, as they were at its end.

    reused: its outputs are copies of what an earlier job made of the same. usage: what the machine
    did meanwhile, columns by name (:class:`medsynth.runtime.run_info.RunInfo`). erased, withdrawn,
    raw_files: of the job that carried out a withdrawal; withdrawn are the weights of models that
    may not be published.
    """

    phase: Literal["end"]
    status: Literal["COMPLETE", "FAILED"]
    error: str | None
    device: str | None
    outputs: list[File]
    changed: NotRequired[list[File]]
    reused: NotRequired[bool]
    usage: NotRequired[dict[str, list[float]]]
    erased: NotRequired[list[str]]
    withdrawn: NotRequired[list[str]]
    raw_files: NotRequired[int]


def ended(
    start: JobStart, at: float, error: str | None, device: str | None, outputs: list[File]
) -> JobEnd:
    """The end record of a job: failed if there is an error."""
    return {
        "kind": "job",
        "phase": "end",
        "id": start["id"],
        "invocation": start["invocation"],
        "time": at,
        "status": "FAILED" if error else "COMPLETE",
        "error": error,
        "device": device,
        "outputs": outputs,
    }


class InvocationRecord(TypedDict):
    kind: Literal["invocation"]
    id: str
    time: float


class InvocationStart(InvocationRecord):
    phase: Literal["start"]
    study: str
    arguments: list[str]
    snakefile: str
    workdir: str
    results: str
    config: dict[str, Any]
    config_sha256: str
    git: CodeState
    environment: dict[str, Any]
    process: Process


class InvocationEnd(InvocationRecord):
    phase: Literal["end"]
    status: Literal["COMPLETE", "FAILED"]
    error: str | None
    jobs: int


class Killed(TypedDict):
    """The collector's own, of what died without an end."""

    kind: Literal["job", "invocation"]
    phase: Literal["killed"]
    id: str
    time: float
    invocation: NotRequired[str | None]
    status: Literal["KILLED"]


Start = JobStart | InvocationStart
Record = JobStart | JobEnd | InvocationStart | InvocationEnd | Killed


class LedgerItem(TypedDict):
    """seq: of the start. events: where the records stand, {phase: [sequence number, digest]}."""

    id: str
    seq: int
    invocation: str | None
    rule: str | None
    status: Status
    run_id: str | None
    experiment_id: str | None
    killed: Killed | None
    events: dict[str, list[Any]]


class JobItem(LedgerItem):
    kind: Literal["job"]
    start: JobStart
    end: JobEnd | None


class InvocationItem(LedgerItem):
    kind: Literal["invocation"]
    start: InvocationStart
    end: InvocationEnd | None


Item = JobItem | InvocationItem


def job_start(record: Record | None) -> JobStart | None:
    """The record if it is a job's start, else None; likewise the others."""
    if record and record["kind"] == "job" and record["phase"] == "start":
        return record
    return None


def job_end(record: Record | None) -> JobEnd | None:
    if record and record["kind"] == "job" and record["phase"] == "end":
        return record
    return None


def invocation_start(record: Record | None) -> InvocationStart | None:
    if record and record["kind"] == "invocation" and record["phase"] == "start":
        return record
    return None


def invocation_end(record: Record | None) -> InvocationEnd | None:
    if record and record["kind"] == "invocation" and record["phase"] == "end":
        return record
    return None
