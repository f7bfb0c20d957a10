"""How a path is recorded, so that the record stays true when folders are moved or renamed.

What lies below the results folder is recorded as ``results/...``, whatever that folder is called
and wherever it is; else what lies below the working folder, relative to that; else the absolute
path. :class:`Places` is the one way to this form and back. Standard library only: jobs import it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from medsynth.lineage.recording.records import File, InvocationStart, Record

# Stands for the results folder, first in a recorded path.
ANCHOR = "results"
# In every record whose paths have this form. In older ones also what is below the results is
# relative to the working folder, or absolute.
ANCHORED = "anchored"


@dataclass(frozen=True)
class Places:
    """Where the results and the working folder lie; ``places / recorded`` is a path there.

    Attributes:
        results, workdir: absolute.
    """

    results: Path
    workdir: Path

    @cached_property
    def _roots(self) -> list[tuple[str, Any, bool]]:
        """(folder, how a path is spelled to be compared with it, whether it is the results)."""
        return [
            (spelled(folder), spelled, folder == self.results)
            for folder in (self.results, self.workdir)
            for spelled in (os.path.abspath, os.path.realpath)
        ]

    def recorded(self, path: str | Path) -> str:
        """The form in which `path` (absolute or relative to the working folder) is recorded."""
        absolute = os.path.abspath(os.path.join(self.workdir, path))
        for root, spelled, is_results in self._roots:
            relative = os.path.relpath(spelled(absolute), root)
            if relative == os.pardir or relative.startswith(os.pardir + os.sep):
                continue
            if is_results:
                return os.path.normpath(os.path.join(ANCHOR, relative))
            if relative.split(os.sep)[0] != ANCHOR:
                return relative
            # Another folder called results, reached by way of these.
            return os.path.join(ANCHOR, os.path.relpath(absolute, self.results))
        return absolute

    def __truediv__(self, recorded: str) -> Path:
        """Where something recorded lies now."""
        first, _, rest = recorded.partition(os.sep)
        folder = self.results if first == ANCHOR else self.workdir
        return Path(os.path.normpath(folder / (rest if first == ANCHOR else recorded)))


def anchored(record: Record, invocation: InvocationStart | None) -> Record:
    """A job's record with its paths in this form, which older ones are not in.

    Args:
        invocation: start record of the job's invocation, if it is known.
    """
    if record.get(ANCHORED) or not invocation or record["kind"] != "job":
        return record
    ran = Places(Path(invocation["results"]), Path(invocation["workdir"]))

    def all_of(files: list[File]) -> list[File]:
        return [{**file, "path": ran.recorded(file["path"])} for file in files]

    if record["phase"] == "start":
        outputs, log = map(ran.recorded, record["outputs"]), map(ran.recorded, record["log"])
        inputs = all_of(record["inputs"])
        return {**record, "inputs": inputs, "outputs": list(outputs), "log": list(log)}
    if record["phase"] == "end":
        return {**record, "outputs": all_of(record["outputs"])}
    return record


def above(recorded: str) -> Iterator[str]:
    """The folders around a recorded path, from the innermost on; there may be 10^5 to ask of."""
    while recorded not in ("", os.curdir, os.sep):
        recorded = recorded.rpartition(os.sep)[0] or (
            os.sep if os.path.isabs(recorded) else os.curdir
        )
        yield recorded


def in_run(recorded: str) -> str:
    """Where an MLflow run has its copy of a recorded file, relative to the run's files."""
    inside = not os.path.isabs(recorded) and os.pardir not in Path(recorded).parts
    return recorded if inside else os.path.basename(recorded)
