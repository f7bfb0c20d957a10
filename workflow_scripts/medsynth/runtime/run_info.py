"""What a job reports about itself while it runs, in a small JSON file beside its log.

The lineage reads it: a job chooses its device, and begins its curve, in a process of its own.
Standard library only, because jobs wait for this import.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from medsynth.store.atomic import write_json

SECONDS = "seconds"  # since the job's start, of what is measured while it runs


class RunInfo(TypedDict, total=False):
    """device: what it computes on. history: CSV file in which its metrics grow. reused: the outputs
    are copies of what an earlier job made of the same. error: why it failed, in words that may be
    shown. defect: the program is to blame for that, and the log has the traceback. usage: what the
    machine did, as columns of equal length by name, `SECONDS` among them."""

    device: str
    history: str
    reused: bool
    error: str
    defect: bool
    usage: dict[str, list[float]]


_log: Path | None = None
_info: RunInfo = {}


def info_path(log: str | Path) -> Path:
    return Path(f"{log}.run.json")


@contextmanager
def reporting_beside(log: str | Path) -> Iterator[None]:
    """Within the block, :func:`report` writes beside this log."""
    global _log, _info
    before = _log, _info
    _log, _info = Path(log), {}
    try:
        yield
    finally:
        _log, _info = before


def report(info: RunInfo) -> None:
    """Add to what this job reports; outside of a job it is nobody's."""
    if _log:
        _info.update(info)
        write_json(_info, info_path(_log))


def read_info(logs: Iterable[str | Path]) -> RunInfo:
    """What a job with these logs has reported so far; {} if nothing, or nothing that is valid."""
    for path in map(info_path, logs):
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict):
            info: RunInfo = {}
            if isinstance(device := found.get("device"), str):
                info["device"] = device
            if isinstance(history := found.get("history"), str):
                info["history"] = history
            if found.get("reused") is True:
                info["reused"] = True
            if isinstance(error := found.get("error"), str):
                info["error"] = error
            if found.get("defect") is True:
                info["defect"] = True
            usage: Any = found.get("usage")
            if _are_columns(usage):
                info["usage"] = usage
            return info
    return {}


def _are_columns(usage: Any) -> bool:
    """Whether these are numbers in columns of equal length, under names that are words."""
    if not isinstance(usage, dict) or not isinstance(axis := usage.get(SECONDS), list):
        return False
    return all(
        re.fullmatch("[a-z0-9_]+", name)
        and isinstance(column, list)
        and len(column) == len(axis)
        and all(type(v) in (int, float) and math.isfinite(v) for v in column)
        for name, column in usage.items()
    )


def clear_info(logs: Iterable[str | Path]) -> None:
    """Forget what an earlier attempt has reported."""
    for path in map(info_path, logs):
        path.unlink(missing_ok=True)
