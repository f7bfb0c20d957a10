"""The form of a record: what capture writes, and what everything that reads the ledger relies on.

Standard library only: every job imports this.
"""

from __future__ import annotations

import json
import math
from typing import Any

from medsynth.lineage.errors import NoRecordError
from medsynth.lineage.recording.records import Record

TEXT, NUMBER, WHOLE, LIST, DICT = (str,), (int, float), (int,), (list,), (dict,)
MAYBE_TEXT, MAYBE_WHOLE, ANY = (str, type(None)), (int, type(None)), (object,)
Fields = dict[str, tuple[type, ...]]
# By kind and phase; a record may have more.
FIELDS: dict[tuple[str, str], Fields] = {
    ("job", "start"): {
        "invocation": MAYBE_TEXT,
        "rule": TEXT,
        "wildcards": DICT,
        "params": DICT,
        "code": ANY,
        "seed": ANY,
        "threads": WHOLE,
        "resources": DICT,
        "attempt": WHOLE,
        "log": LIST,
        "inputs": LIST,
        "outputs": LIST,
        "process": DICT,
    },
    ("job", "end"): {"status": TEXT, "error": MAYBE_TEXT, "device": MAYBE_TEXT, "outputs": LIST},
    ("invocation", "start"): {
        "study": TEXT,
        "arguments": LIST,
        "snakefile": TEXT,
        "workdir": TEXT,
        "results": TEXT,
        "config": DICT,
        "config_sha256": TEXT,
        "git": DICT,
        "environment": DICT,
        "process": DICT,
    },
    ("invocation", "end"): {"status": TEXT, "error": MAYBE_TEXT, "jobs": WHOLE},
}
# The collector's own, of what died without an end.
FIELDS |= {(kind, "killed"): {"status": TEXT} for kind in ("job", "invocation")}
EVERY: Fields = {"kind": TEXT, "phase": TEXT, "id": TEXT, "time": NUMBER}
INSIDE: dict[str, Fields] = {
    "process": {"host": TEXT, "boot_id": TEXT, "pid": WHOLE, "start_ticks": MAYBE_WHOLE},
    "git": {"head": MAYBE_TEXT, "dirty": MAYBE_TEXT},
    "environment": {"packages_sha256": ANY, "lock_sha256": ANY},
}
FILE: Fields = {"name": MAYBE_TEXT, "path": TEXT, "sha256": MAYBE_TEXT, "bytes": MAYBE_WHOLE}
# The forms of files that may hold patients' items.
EXAMINED = {".parquet", ".h5", ".volumes"}
STATUSES: dict[str, set[str]] = {"end": {"COMPLETE", "FAILED"}, "killed": {"KILLED"}}


def parsed(data: bytes) -> Record:
    """The record in a file.

    Raises:
        NoRecordError: it is no JSON, or no record.
    """
    try:
        record: Record = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NoRecordError(f"no JSON: {type(error).__name__}") from None
    check(record)
    return record


def check(record: Any) -> None:
    """Raise NoRecordError unless `record` is one, whole and of one phase."""
    _check_fields(record, EVERY, "the record")
    fields = FIELDS.get((record["kind"], record["phase"]))
    if fields is None:
        raise NoRecordError("kind or phase is none that is recorded")
    if not record["id"] or not math.isfinite(record["time"]):
        raise NoRecordError("id or time is empty")
    _check_fields(record, fields, "the record")
    if (statuses := STATUSES.get(record["phase"])) and record["status"] not in statuses:
        raise NoRecordError("status is none that such a record has")
    for name, inside in INSIDE.items():
        if name in fields:
            _check_fields(record[name], inside, name)
    for name in ("inputs", "outputs", "changed"):
        files = record.get(name, [])
        if record["phase"] == "start" and name == "outputs":  # they are not made yet
            if not all(isinstance(path, str) for path in files):
                raise NoRecordError("outputs holds what is no path")
            continue
        if not isinstance(files, list):
            raise NoRecordError(f"{name} is of the wrong type")
        for file in files:
            _check_fields(file, FILE, name)
            if not 0 <= (file["bytes"] or 0) < 1 << 63:
                raise NoRecordError(f"bytes of {name} is no size")


def _check_fields(value: Any, fields: Fields, what: str) -> None:
    if not isinstance(value, dict):
        raise NoRecordError(f"{what} is no JSON object")
    for name, types in fields.items():
        if name not in value:
            raise NoRecordError(f"{what} lacks {name}")
        if not isinstance(value[name], types) or (
            isinstance(value[name], bool) and types is not ANY
        ):
            raise NoRecordError(f"{name} is of the wrong type")
