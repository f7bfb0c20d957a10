"""Does the job that made a file make the same bytes again?

Snakemake repeats that one job from its record, with the configuration and the sources it had, in
an empty folder where its inputs and what these were made of are links. The recorded files are not
touched.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypedDict

from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.ledger.graph import ancestors
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places, find, snakefile_of
from medsynth.lineage.ledger.reads import maker
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.environment import environment
from medsynth.lineage.recording.places import Places
from medsynth.lineage.recording.records import InvocationStart, JobEnd, JobStart
from medsynth.lineage.replay.checkout import check_out
from medsynth.lineage.replay.repeat import link_inputs, run_alone
from medsynth.lineage.wording import SHORT
from medsynth.store.digest_cache import DigestCache


class Compared(TypedDict):
    """An output of a repeated job. recorded, now: digests."""

    path: str
    recorded: str
    now: str | None
    same: bool


class Rerun(TypedDict):
    """What repeating a job gave.

    sources: None if those it ran with were used, else why not. status: of the repeated job.
    identical: all outputs are. reasons: what was not as when the job ran: altered or missing
    inputs, other code, parameters, packages, device; or that nothing was, so that the rule is not
    deterministic or reads what it does not declare. Empty if identical.
    """

    job: str
    rule: str | None
    wildcards: dict[str, str]
    sources: str | None
    status: str
    outputs: list[Compared]
    identical: bool
    reasons: list[str]


def rerun(results: Path, path: str, keep: Path | None = None) -> Rerun:
    """Repeat a job and compare.

    Args:
        path: a file a job made, its digest, or a job's id.
        keep: work in this new folder and leave it there.
    """
    if keep and keep.exists():
        raise UnknownArtifact(f"{keep} exists already; --keep wants a new folder")
    with existing_ledger(results) as ledger, closing(spool.digest_cache(results)) as cache:
        found = find(path, results, ledger)
        made = found["role"] == "outputs"
        job = found["job"] if made else maker(found, ledger)
        if not job:
            raise UnknownArtifact(
                f"{found['path']}: no job made it, so none can be repeated; give another file"
            )
        top = keep or Path(tempfile.mkdtemp(prefix="medsynth-rerun-"))
        try:
            blobs = spool.lineage_dir(results) / "code"
            return _rerun(
                job, top.absolute(), current_places(results, ledger), blobs, ledger, cache
            )
        finally:
            if not keep:
                shutil.rmtree(top)


def _rerun(
    job: str, top: Path, base: Places, blobs: Path, ledger: Ledger, cache: DigestCache
) -> Rerun:
    history = ancestors([job], ledger)
    item = history[0]
    ran, recorded = ledger.invocation(item["invocation"]), item["end"]
    if "git" in item["start"]:
        raise UnknownArtifact(
            f"job {job[:SHORT]}, {item['rule']}, was a command, which no workflow repeats; call it"
            " again with the parameters that `medsynth trace --json` shows"
        )
    if item["status"] != "COMPLETE" or not ran or not recorded:
        raise UnknownArtifact(
            f"job {job[:SHORT]} is {item['status']}, or its invocation is not recorded, so that it"
            " cannot be repeated; run snakemake again for a complete record"
        )
    ran = {**ran, "snakefile": str(snakefile_of(ran, base))}
    if not Path(ran["snakefile"]).exists():
        raise UnknownArtifact(
            f"{ran['snakefile']}, which made it, is not there any more; put it back"
        )

    # The same place below `top`, so that recorded paths outside the working directory fit, too.
    clean = Places(Path(f"{top}{ran['results']}"), Path(f"{top}{ran['workdir']}"))
    clean.workdir.mkdir(parents=True)
    reasons = link_inputs(history, base, top, clean, cache)
    snakefile, lost = check_out(ran, blobs, top / "sources")
    end = start = None
    if not any(reason.endswith("missing") for reason in reasons):
        start, end = run_alone(item["start"], ran, snakefile, top, clean)
        if not end:
            reasons.append("snakemake did not start it; --keep keeps snakemake.log")
    made = end["outputs"] if end else []
    now = {o["path"].removeprefix(str(top)): o["sha256"] for o in made}
    compared: list[Compared] = [
        {
            "path": o["path"],
            "recorded": o["sha256"],
            "now": now.get(o["path"]),
            "same": o["sha256"] == now.get(o["path"]),
        }
        for o in recorded["outputs"]
        if o["sha256"]
    ]
    same = all(o["same"] for o in compared)
    identical = end is not None and end["status"] == "COMPLETE" and same
    if not identical and start and end:
        reasons += _changes(item["start"], recorded, ran, start, end)
        if not reasons:
            reasons = [
                "nothing else changed: the rule is not deterministic, or reads what it does not"
                " declare as input"
            ]
    return {
        "job": job,
        "rule": item["rule"],
        "wildcards": item["start"]["wildcards"],
        "sources": lost,
        "status": end["status"] if end else "NOT RUN",
        "outputs": compared,
        "identical": identical,
        "reasons": [] if identical else reasons,
    }


def _changes(
    begun: JobStart, ended: JobEnd, ran: InvocationStart, start: JobStart, end: JobEnd
) -> Iterator[str]:
    """What was not the same in the repeated job, besides its inputs."""
    if end["status"] != "COMPLETE":
        yield f"the repeated job failed with {end['error']}; --keep keeps its log"
    before, after = dict(begun["params"]), dict(start["params"])
    code = [(params.pop("code", None) or "none")[:SHORT] for params in (before, after)]
    if code[0] != code[1]:
        yield f"code changed: {code[0]} then, {code[1]} now; git {ran['git']['head'] or 'unknown'}"
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"parameter {name} changed"
    if ended["device"] != end["device"]:
        yield f"device changed: {ended['device']} then, {end['device']} now"
    then, now = ran["environment"], environment(Path(ran["snakefile"]).parent)
    for name in ("python", "platform", "driver", "gpus", "lock_sha256"):
        if then[name] != now[name]:
            yield f"environment changed: {name} was {then[name]}, is {now[name]}"
    if packages := sorted(set(then["packages"]) ^ set(now["packages"])):
        yield f"environment changed: packages {', '.join(packages[:10])}"
