"""A job as the user knows it: its rule and the names in it, and how far it is."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from logging import LogRecord
from pathlib import Path
from typing import NamedTuple

# What medsynth.runtime.loop writes at every point of a curve.
STEP = re.compile(r"step (\d+)/(\d+) [^\n]*\(([\d.]+) steps/s, (\d+) s left\)")
TAIL = 4096  # bytes at the end of a log in which its last step stands


class Progress(NamedTuple):
    """Of a training. steps: done and to do. seconds: that it says are left."""

    step: int
    steps: int
    seconds: float

    @property
    def percent(self) -> int:
        """Rounded down: 100 is the end."""
        return 100 * self.step // self.steps


@dataclass
class Job:
    """As Snakemake announced it.

    Attributes:
        name: its wildcards.
        begun: when, on the monotonic clock.
        since: when, as files' times tell it.
        seen: when, on the monotonic clock, `progress` was read.
        slurm: its number in Slurm, and of a failed one how it ended there.
    """

    id: int
    rule: str
    name: str
    log: list[str]
    benchmark: str | None
    outputs: list[str]
    reason: str
    begun: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.time)
    progress: Progress | None = None
    seen: float = 0.0
    slurm: str | None = None

    @classmethod
    def of(cls, record: LogRecord) -> Job:
        """The job of a record that tells of one; not all of them tell all."""
        known = vars(record)
        return cls(
            id=known["jobid"],
            rule=known["rule_name"],
            name="/".join(map(str, dict(known.get("wildcards") or {}).values())),
            log=list(known["log"] or ()),
            benchmark=known.get("benchmark"),
            outputs=list(known["output"] or ()),
            reason=known.get("reason") or "",
        )

    @property
    def title(self) -> str:
        """Rule and wildcards."""
        return f"{self.rule} {self.name}".rstrip()

    @property
    def place(self) -> str:
        """Where it ran, if not here; begins with a comma."""
        return f", Slurm job {self.slurm}" if self.slurm else ""

    @property
    def waits(self) -> bool:
        """Whether it is in Slurm's queue, as far as its log tells."""
        return self.slurm is not None and not any(written(log, self.since) for log in self.log)

    def look(self) -> None:
        """Read from its log how far it is; one that says nothing of steps stays without."""
        for log in self.log:
            if not written(log, self.since):
                continue
            for last in list(STEP.finditer(tail(log)))[-1:]:
                found = Progress(int(last[1]), int(last[2]), float(last[4]))
                if found != self.progress:
                    self.progress, self.seen = found, time.monotonic()

    def seconds_left(self) -> float | None:
        """As it said itself, less the time since then."""
        if self.progress is None:
            return None
        return max(self.progress.seconds - (time.monotonic() - self.seen), 0.0)


def tail(path: str) -> str:
    """The last lines of a file; nothing if there is none."""
    try:
        with Path(path).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(file.tell() - TAIL, 0))
            return file.read().decode(errors="replace")
    except OSError:  # not begun, or removed as Snakemake does before a job
        return ""


def written(path: str | Path, since: float) -> bool:
    """Whether a file has got something since then; another run's tells nothing of this one."""
    try:
        found = Path(path).stat()
    except OSError:
        return False
    return found.st_size > 0 and found.st_mtime >= since - 1  # coarse clocks of file systems


def duration(seconds: float) -> str:
    """8 s; 3 min 20 s; 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
