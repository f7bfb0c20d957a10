"""Records on their way to the ledger: one JSON file each, whole or absent.

A record is written once by the process it is about and removed by the collector after it stands
in the ledger. Standard library only: every job imports this.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

from medsynth.lineage.errors import NoRecordError
from medsynth.lineage.recording.places import ANCHORED
from medsynth.lineage.recording.records import Process, Record
from medsynth.lineage.recording.schema import parsed
from medsynth.store.digest_cache import DigestCache
from medsynth.store.privacy.secrets import without_secrets

log = logging.getLogger(__name__)

ASIDE = ".unreadable"
# Files are found again by these, to the letter: a name like token=5 is no secret there.
PATHS = {"inputs", "outputs", "changed", "log", "wildcards", "snakefile", "workdir", "results"}


def lineage_dir(results_dir: str | Path) -> Path:
    return Path(results_dir).absolute() / "lineage"


def digest_cache(results_dir: str | Path) -> DigestCache:
    return DigestCache(lineage_dir(results_dir) / "digests.db")


def spool_dir(results_dir: str | Path) -> Path:
    return lineage_dir(results_dir) / "spool"


def write(results_dir: str | Path, record: Record) -> None:
    """Publish `record` (it has `id` and `phase`) by temporary file, fsync and rename.

    Here is the door by which anything comes to the ledger and to MLflow: no secret passes it.
    The name begins with a number that no record had before: what follows from something that was
    recorded is recorded under a higher one, whatever the clocks say, on whichever machine.
    """
    masked = {k: v if k in PATHS else without_secrets(v) for k, v in record.items()}
    folder = spool_dir(results_dir)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{masked['id']}-{masked['phase']}.json"
    temporary = folder / f".{name}"
    with open(temporary, "x", encoding="utf-8") as file:
        json.dump(masked | {ANCHORED: True}, file, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    with _counter(results_dir) as counter:
        text = counter.read()
        # Cut off while it was written: the next number is higher than all that wait.
        last = int(text) if text.isdecimal() else max(map(_number, _waiting(folder)), default=0)
        counter.seek(0)
        counter.write(f"{last + 1:020d}")
        counter.truncate()
        temporary.rename(folder / f"{last + 1:020d}-{name}")


@contextmanager
def _counter(results_dir: str | Path) -> Iterator[IO[str]]:
    """The file with the last number, for one process at a time."""
    handle = os.open(lineage_dir(results_dir) / "spool.number", os.O_RDWR | os.O_CREAT, 0o666)
    with open(handle, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # closing the file frees it
        yield file


def _number(path: Path) -> int:
    first = path.name.partition("-")[0]
    return int(first) if first.isdecimal() else 0


def _waiting(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def waiting(results_dir: str | Path) -> list[Path]:
    """The files of the waiting records, in the order they were written."""
    if not spool_dir(results_dir).exists():
        return []
    with _counter(results_dir):  # else a listing may have a record without the one before
        return _waiting(spool_dir(results_dir))


def read(results_dir: str | Path) -> Iterator[tuple[Path, Record]]:
    """Every waiting record with its file, oldest first; what is none is set aside and logged."""
    for path in waiting(results_dir):
        try:
            yield path, parsed(path.read_bytes())
        except FileNotFoundError:
            continue
        except (NoRecordError, OSError) as error:
            set_aside(path, error)


def set_aside(path: Path, error: Exception) -> None:
    """Keep a file that cannot become an event out of the way of the others."""
    log.error("%s is not a record (%s); set aside as %s", path, error, ASIDE)
    with suppress(FileNotFoundError):
        path.rename(path.with_suffix(ASIDE))


def aside(results_dir: str | Path) -> list[dict[str, str]]:
    """The files that were set aside, and why: [{"path": below lineage/, "why": ...}]."""
    found = []
    for path in sorted(spool_dir(results_dir).glob(f"*{ASIDE}")):
        try:
            parsed(path.read_bytes())
            why = "another record of this id and phase is in the ledger, or it cannot be kept there"
        except (NoRecordError, OSError) as error:
            why = str(error)
        found.append({"path": f"{path.parent.name}/{path.name}", "why": why})
    return found


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


def identity(pid: int) -> Process:
    """A process of this machine, told from all others for ever: a pid alone is used again."""
    return {
        "host": platform.node(),
        "boot_id": boot_id(),
        "pid": pid,
        "start_ticks": _start_ticks(pid),
    }


def this_process() -> Process:
    return identity(os.getpid())


def is_gone(process: Process) -> bool | None:
    """Whether the process has ended; None if it ran on another machine, where one cannot see."""
    if process["boot_id"] == boot_id():
        ticks = _start_ticks(process["pid"])
        return ticks is None or ticks != process["start_ticks"]
    return True if process["host"] == platform.node() else None
