"""Erasure: destroying what a withdrawal names, saying so in the ledger, and proving it.

The order makes an erasure that was cut off repeatable: the people manifests, by which everything
is found, lose the patient last.
"""

from __future__ import annotations

import fcntl
import os
import shutil
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
from medsynth.lineage.questions import digest_cache, workdir
from medsynth.lineage.raw import remove_rows
from medsynth.lineage.traces import traces
from medsynth.store.digests import digest_bytes

Row = dict[str, Any]


def erase(results: Path, patient: str, impact: Row, *, raw: bool = False) -> Row:
    """Carry out what :func:`medsynth.lineage.questions.impact.impact` found.

    What is raw and outside the results folder is its owner's and is left as it is.

    Args:
        raw: destroy the patient's own raw files there, too; shared tables are still left.

    Returns:
        left: files below results that still hold the patient's identifiers or bytes; [] is the
        proof. yours: raw files outside that were left. rows: raw tables outside, as in `impact`.

    Raises:
        RuntimeError: a workflow is at work on these results, or MLflow is not known.
    """
    results = Path(results).absolute()
    with _idle(results):
        ledger = Ledger(ledger_path(results))
        base = workdir(results, ledger)
        remove_from_mlflow = _mlflow_remover(results, ledger)
        inside = [path for path in impact["raw"] if _is_below(results, path)]
        gone = impact["raw"] if raw else inside
        for path in gone + impact["unfinished"]:
            _remove(Path(path))
        own = [path for path in impact["rows"] if _is_below(results, path)]
        for path in own:
            remove_rows(Path(path), patient)
        for entry in impact["destroy"]:
            _remove(base / entry["path"])
        with closing(digest_cache(results)) as cache:
            cache.forget(impact["identifiers"])  # raw paths name patients
        for row in impact["past"]:
            for job in row["jobs"]:
                if run := ledger.item(job)["run_id"]:
                    remove_from_mlflow(run, row["path"])
        _write_tombstone(results, impact, len(gone), ledger)
        ledger.close()
        collect(results)
        forget(results, impact["patient_key"])
    digests = {row["sha256"] for row in impact["past"]} | set(impact["sources"])
    return {
        "left": traces(results, impact["identifiers"], digests),
        "yours": [path for path in impact["raw"] if path not in gone],
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


def _is_below(results: Path, path: str) -> bool:
    """Whether the bytes lie there, not only a link to them."""
    return Path(path).resolve().is_relative_to(results.resolve())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


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
        return lambda run, path: _remove(store / run / "artifacts" / _place(path))

    from medsynth.lineage.mlflow_store import open_store

    # isort: split
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    client = open_store(results, uri)

    def remove(run: str, path: str) -> None:
        path = _place(path)
        store = get_artifact_repository(client.get_run(run).info.artifact_uri)
        if any(entry.path == path for entry in store.list_artifacts(os.path.dirname(path))):
            store.delete_artifacts(path)

    return remove


def _place(path: str) -> str:
    """Where MLflow has an output's copy, relative to the run's files, as the sink puts it."""
    return os.path.basename(path) if os.path.isabs(path) else path


def _write_tombstone(results: Path, impact: Row, raw_files: int, ledger: Ledger) -> None:
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
        "raw_files": raw_files,
        "time": time.time(),
    }
    spool.write(results, job | start)
    spool.write(results, job | end)


def _last_invocation(ledger: Ledger) -> str | None:
    rows = ledger.query("SELECT id FROM items WHERE kind='invocation' ORDER BY seq DESC LIMIT 1")
    return rows[0]["id"] if rows else None
