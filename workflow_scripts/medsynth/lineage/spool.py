"""Records on their way to the ledger: one JSON file each, whole or absent.

A record is written once by the process it is about and removed by the collector after it stands
in the ledger. Standard library only: every job imports this.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from medsynth.lineage.places import ANCHORED
from medsynth.store.secrets import without_secrets

log = logging.getLogger(__name__)

Record = dict[str, Any]
# Files are found again by these, to the letter: a name like token=5 is no secret there.
PATHS = {"inputs", "outputs", "log", "wildcards", "snakefile", "workdir", "results"}


def lineage_dir(results_dir: str | Path) -> Path:
    return Path(results_dir).absolute() / "lineage"


def spool_dir(results_dir: str | Path) -> Path:
    return lineage_dir(results_dir) / "spool"


def write(results_dir: str | Path, record: Record) -> None:
    """Publish `record` (it has `id` and `phase`) by temporary file, fsync and rename.

    Here is the door by which anything comes to the ledger and to MLflow: no secret passes it.
    """
    record = {k: v if k in PATHS else without_secrets(v) for k, v in record.items()}
    folder = spool_dir(results_dir)
    folder.mkdir(parents=True, exist_ok=True)
    # The time in front makes the name order the order of events.
    name = f"{time.time_ns():020d}-{record['id']}-{record['phase']}.json"
    temporary = folder / f".{name}"
    with open(temporary, "x", encoding="utf-8") as file:
        json.dump(record | {ANCHORED: True}, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(folder / name)


def read(results_dir: str | Path) -> Iterator[tuple[Path, Record]]:
    """Every waiting record with its file, oldest first; a broken one is set aside and logged."""
    for path in sorted(spool_dir(results_dir).glob("[0-9]*.json")):
        try:
            yield path, json.loads(path.read_bytes())
        except ValueError as error:
            log.error("%s is not a record (%s); set aside as .unreadable", path, error)
            path.rename(path.with_suffix(".unreadable"))


@cache
def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None if it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # proc(5): the name in field 2 may hold blanks, so count from the last ")".
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def identity(pid: int) -> Record:
    """A process of this machine, told from all others for ever: a pid alone is used again."""
    return {
        "host": platform.node(),
        "boot_id": boot_id(),
        "pid": pid,
        "start_ticks": _start_ticks(pid),
    }


def this_process() -> Record:
    return identity(os.getpid())


def is_gone(process: Record) -> bool | None:
    """Whether the process has ended; None if it ran on another machine, where one cannot see."""
    if process["boot_id"] == boot_id():
        ticks = _start_ticks(process["pid"])
        return ticks is None or ticks != process["start_ticks"]
    return True if process["host"] == platform.node() else None
