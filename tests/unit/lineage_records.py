"""Records as capture writes them, for tests that play jobs: only what matters is given."""

from __future__ import annotations

from typing import Any

from medsynth.lineage.recording import spool

DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("job", "start"): {
        "invocation": None,
        "rule": "r",
        "wildcards": {},
        "params": {},
        "code": None,
        "seed": None,
        "threads": 1,
        "resources": {},
        "attempt": 1,
        "log": [],
        "inputs": [],
        "outputs": [],
    },
    ("job", "end"): {
        "invocation": None,
        "status": "COMPLETE",
        "error": None,
        "device": None,
        "outputs": [],
        "changed": [],
    },
    ("invocation", "start"): {
        "study": "toy",
        "arguments": [],
        "snakefile": "Snakefile",
        "workdir": "/",
        "results": "/results",
        "config": {},
        "config_sha256": "",
        "git": {"head": None, "dirty": None},
        "environment": {"packages_sha256": "", "lock_sha256": None},
    },
    ("invocation", "end"): {"status": "COMPLETE", "error": None, "jobs": 1},
}


def whole(record: dict[str, Any]) -> dict[str, Any]:
    """`record` with all that its kind and phase need besides."""
    filled = {"time": 1.0} | DEFAULTS[record["kind"], record["phase"]] | record
    return filled if record["phase"] == "end" else {"process": spool.this_process()} | filled


def file(path: str, sha256: str | None, name: str | None = None) -> dict[str, Any]:
    return {"name": name, "path": path, "sha256": sha256, "bytes": 1}
