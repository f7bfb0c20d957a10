"""How records are named to people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

UNFINISHED = ("FAILED", "KILLED")  # of a job or an invocation
SHORT = 12  # hex digits of a digest or an id that are shown


def when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", "seconds")


def job_name(job: Mapping[str, Any]) -> str:
    """Rule and wildcards of a start record, as in a tree."""
    wildcards = " ".join(f"{k}={v}" for k, v in job["wildcards"].items())
    return f"{job['rule']} {wildcards}".strip()
