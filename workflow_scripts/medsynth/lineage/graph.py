"""Walking the ledger from file to job to file; edges join on digest, a path only breaks ties."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from medsynth.lineage.ledger import Ledger

Row = dict[str, Any]


# Of several jobs the last before the reader; else the first after it, whose end came late.
BEST = " ORDER BY {}seq<:seq DESC, CASE WHEN seq<:seq THEN -seq ELSE seq END LIMIT 1"
MADE = "SELECT job, sha256 FROM artifacts WHERE role='outputs' AND job!=:job AND "


def maker(read: Row, ledger: Ledger) -> str | None:
    """The job that made what was read, by its bytes; None for what is raw.

    Which record came first decides between equals and denies nobody: an end may arrive late. Only
    bytes of another path (somebody copied them) must have been made before they were read, and so
    must the file or the folder at this path, if nobody made these bytes: they are then foreign.

    Args:
        read: `path` and `sha256`; `seq` and `job` of the reader's start.
    """
    known = {key: read[key] for key in ("path", "sha256", "job", "seq")}
    at_path = MADE + "path=:path AND (sha256=:sha256 OR sha256 IS NULL)"
    earlier = " AND seq<:seq ORDER BY seq DESC LIMIT 1"
    for sql in (
        at_path + BEST.format("sha256 IS NULL, "),
        MADE + "sha256=:sha256" + earlier,
        MADE + "path=:path" + earlier,
    ):
        if rows := ledger.query(sql, **known):
            return rows[0]["job"]
    for folder in Path(read["path"]).parents:
        known["path"] = str(folder)
        if rows := ledger.query(MADE + "path=:path" + BEST.format(""), **known):
            return rows[0]["job"]
    return None


def is_foreign(read: Row, ledger: Ledger) -> bool:
    """Whether other bytes were read than any job made at this path, which jobs had made before."""
    made = ledger.query(
        "SELECT seq, sha256 FROM artifacts WHERE role='outputs' AND path=? AND job!=?",
        read["path"],
        read["job"],
    )
    if not read["sha256"] or {row["sha256"] for row in made} & {read["sha256"], None}:
        return False
    return any(row["seq"] < read["seq"] for row in made)


def readers(file: Row, made_by: str | None, ledger: Ledger) -> list[str]:
    """Jobs that read a file or folder (or a file in it, or the folder it lies in), oldest first.

    Args:
        file: `path` and `sha256`.
        made_by: the job that made it; equal bytes that another job made are another artifact.
    """
    folder = file["path"].rstrip("/") + "/"
    around = [str(parent) for parent in Path(file["path"]).parents]
    rows = ledger.query(
        "SELECT * FROM artifacts WHERE role='inputs' AND (sha256=? OR (path>? AND path<?)"
        f" OR path IN ({','.join('?' * len(around))})) ORDER BY seq",
        file["sha256"],
        folder,
        folder + "\U0010ffff",
        *around,
    )
    readers = (r["job"] for r in rows if _is_from(r, made_by, around, ledger))
    return list(dict.fromkeys(readers))


def _is_from(read: Row, made_by: str | None, around: list[str], ledger: Ledger) -> bool:
    # A folder read as a whole has many makers, or none that the ledger knows.
    return read["path"] in around or maker(read, ledger) == made_by


def walk(first: list[str], onward: Callable[[Row], list[str]], ledger: Ledger) -> Iterator[Row]:
    """Jobs of the ledger from `first` on, each once, nearest first; `onward` names the next."""
    waiting, seen = list(first), set(first)
    for job in waiting:
        item = ledger.item(job)
        fresh = [j for j in dict.fromkeys(onward(item)) if j not in seen]
        seen.update(fresh)
        waiting += fresh
        yield item


def ancestors(job: str, ledger: Ledger) -> list[Row]:
    """The job and all that it depends on; each input gains `producer`, a job's id or None, and
    `foreign`: these are not the bytes that a job made at this path."""

    def makers(item: Row) -> list[str]:
        return [f["producer"] for f in _with_producers(item, ledger) if f["producer"]]

    return list(walk([job], makers, ledger))


def descendants(first: list[str], ledger: Ledger) -> list[Row]:
    """The jobs and all that depends on them; inputs as above, each output gains `readers`."""

    def consumers(item: Row) -> list[str]:
        _with_producers(item, ledger)
        outputs = (item["end"] or {}).get("outputs", [])
        for file in outputs:
            file["readers"] = readers(file, item["id"], ledger)
        return [job for file in outputs for job in file["readers"]]

    return list(walk(first, consumers, ledger))


def _with_producers(item: Row, ledger: Ledger) -> list[Row]:
    start = item["start"]
    for file in start["inputs"]:
        read = file | {"job": item["id"], "seq": item["seq"]}
        file["producer"] = maker(read, ledger)
        file["foreign"] = is_foreign(read, ledger)
    return start["inputs"]


def job_facts(item: Row, ledger: Ledger) -> Row:
    """What the record says about how a job ran; its invocation's part comes with it."""
    start, end = item["start"], item["end"] or {}
    job = {
        "job": item["id"],
        "seq": item["seq"],
        "run_id": item["run_id"],
        "status": item["status"],
        "time": start["time"],
        "seconds": round(end["time"] - start["time"], 3) if end else None,
        "device": end.get("device"),
        "host": start["process"]["host"],
    }
    job |= {k: start[k] for k in ("rule", "wildcards", "params", "code", "seed", "attempt")}
    if item["invocation"] and (around := ledger.record(item["invocation"], "start")):
        environment = around["environment"]
        job |= {"invocation": item["invocation"], "git": around["git"]}
        job |= {"config_sha256": around["config_sha256"]}
        told = ("python", "packages_sha256", "lock_sha256", "snakemake")
        job |= {key: environment.get(key) for key in told}
    return job
