"""Erasure: destroying what a withdrawal names, saying so in the ledger, and proving it.

The order makes an erasure that was cut off repeatable: the people manifests, by which everything
is found, lose the patient last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from medsynth.lineage import spool
from medsynth.lineage.collector import TRACKING_URI, collect
from medsynth.lineage.ledger import Ledger, ledger_path
from medsynth.lineage.people import TOMBSTONE, forget
from medsynth.lineage.questions import workdir
from medsynth.lineage.raw import remove_rows
from medsynth.lineage.traces import traces
from medsynth.store.digests import digest_bytes

Row = dict[str, Any]


def erase(results: Path, patient: str, impact: Row) -> Row:
    """Carry out what :func:`medsynth.lineage.questions.impact.impact` found.

    Raw tables outside the results folder are their owner's and are left as they are.

    Returns:
        left: files that still hold the patient's identifiers or bytes; [] is the proof. rows:
        those raw tables outside, as in `impact`.

    Raises:
        RuntimeError: a workflow is at work on these results, or MLflow is not known.
    """
    results = Path(results).absolute()
    with _idle(results):
        ledger = Ledger(ledger_path(results))
        base = workdir(results, ledger)
        remove_from_mlflow = _mlflow_remover(results, ledger)
        for path in impact["raw"] + impact["unfinished"]:
            _remove(Path(path))
        own = [path for path in impact["rows"] if Path(path).is_relative_to(results)]
        for path in own:
            remove_rows(Path(path), patient)
        for entry in impact["destroy"]:
            _remove(base / entry["path"])
        _forget_paths(spool.lineage_dir(results) / "digests.db", impact["identifiers"])
        for row in impact["past"]:
            for job in row["jobs"]:
                if run := ledger.item(job)["run_id"]:
                    remove_from_mlflow(run, row["path"])
        _write_tombstone(results, impact, ledger)
        ledger.close()
        collect(results)
        forget(results, impact["patient_key"])
    digests = {row["sha256"] for row in impact["past"]} | set(impact["sources"])
    return {
        "left": traces(results, impact["identifiers"], digests),
        "rows": {path: n for path, n in impact["rows"].items() if path not in own},
    }


@contextmanager
def _idle(results: Path) -> Iterator[None]:
    """Keep workflows out, by the lock that they hold."""
    with open(spool.lineage_dir(results) / "workflow.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(
                f"snakemake is at work on {results}; wait for it or stop it, then erase"
            ) from None
        yield


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _forget_paths(cache: Path, identifiers: list[str]) -> None:
    """Raw paths name patients; a deleted row's bytes stay in the file until it is packed."""
    with closing(sqlite3.connect(cache, isolation_level=None)) as db:
        for word in identifiers:
            db.execute("DELETE FROM digests WHERE instr(path, ?)", (word,))
        db.execute("VACUUM")


def _mlflow_remover(results: Path, ledger: Ledger) -> Callable[[str, str], None]:
    """A function (run id, path) that removes the copy of an output, if there is one."""
    start = ledger.record(_last_invocation(ledger), "start") or {"config": {}}
    settings = start["config"].get("lineage", {})
    uri = os.environ.get(TRACKING_URI)
    if settings.get("tracking_uri") and not uri:
        # The recorded one may have had its password starred out.
        raise RuntimeError(
            f"the runs are on an MLflow server; name it in the environment variable {TRACKING_URI}"
        )
    if not uri and not settings.get("artifact_uri"):
        # Not by the address in the database: results may have been copied from there.
        store = spool.lineage_dir(results) / "mlartifacts"
        return lambda run, path: _remove(store / run / "artifacts" / path)

    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    from medsynth.lineage.mlflow_store import open_store

    client = open_store(results, uri)

    def remove(run: str, path: str) -> None:
        store = get_artifact_repository(client.get_run(run).info.artifact_uri)
        if any(entry.path == path for entry in store.list_artifacts(os.path.dirname(path))):
            store.delete_artifacts(path)

    return remove


def _write_tombstone(results: Path, impact: Row, ledger: Ledger) -> None:
    """Record the erasure as a job of its own, so that it stands in the ledger and in MLflow."""
    job = {"kind": "job", "id": uuid.uuid4().hex, "invocation": _last_invocation(ledger)}
    start = {
        "phase": "start",
        "rule": TOMBSTONE,
        "wildcards": {},
        # The digest tells that this key was erased to those who know it, and nobody else.
        "params": {"patient": digest_bytes(impact["patient_key"].encode())},
        "code": None,
        "seed": None,
        "threads": 1,
        "resources": {},
        "attempt": 1,
        "log": [],
        "inputs": [],
        "outputs": [],
        "process": spool.this_process(),
        "time": time.time(),
    }
    end = {
        "phase": "end",
        "status": "COMPLETE",
        "error": None,
        "device": None,
        "outputs": [],
        "erased": sorted({row["sha256"] for row in impact["past"]}),
        "raw_files": len(impact["raw"]),
        "time": time.time(),
    }
    spool.write(results, job | start)
    spool.write(results, job | end)


def _last_invocation(ledger: Ledger) -> str | None:
    rows = ledger.query("SELECT id FROM items WHERE kind='invocation' ORDER BY seq DESC LIMIT 1")
    return rows[0]["id"] if rows else None
