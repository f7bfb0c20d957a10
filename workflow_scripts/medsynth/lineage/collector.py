"""The collector: the only writer of the ledger and of MLflow.

It moves spooled records into the ledger, marks what died without an end, and brings MLflow up to
the ledger. Each step can be cut off and repeated: records leave the spool after they stand in the
ledger, and a run is looked up in MLflow by its job's id before one is made. Jobs never wait for
it and never talk to MLflow.
"""

from __future__ import annotations

import argparse
import fcntl
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medsynth.lineage import spool
from medsynth.lineage.ledger import Ledger, ledger_path
from medsynth.runtime.logs import FORMAT, MaskedFormatter
from medsynth.store.secrets import without_secrets

if TYPE_CHECKING:
    from medsynth.lineage.mlflow_sink import MlflowSink

log = logging.getLogger(__name__)

# Where to deliver, in the environment because it may hold a password: ps shows arguments.
TRACKING_URI, ARTIFACT_URI = "MEDSYNTH_TRACKING_URI", "MEDSYNTH_ARTIFACT_URI"
POLL_SECONDS = 0.5
# An MLflow server that is down is asked again after this long.
RETRY_SECONDS = 15.0
# How often running trainings are asked for new points.
STREAM_SECONDS = 2.0


@contextmanager
def _sole_writer(results_dir: str | Path) -> Iterator[Ledger]:
    folder = spool.lineage_dir(results_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "collector.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ledger = Ledger(ledger_path(results_dir))
        try:
            yield ledger
        finally:
            ledger.close()


def _over(record: spool.Record, results_dir: str | Path, ledger: Ledger) -> bool:
    """Whether what has not ended cannot end any more."""
    gone = spool.is_gone(record["process"])
    if gone is not None:
        return gone
    # On another machine, whose processes cannot be seen.
    if record["kind"] == "invocation":
        return not _holds_results(record["id"], results_dir)
    # With its workflow over, nobody waits for a job's end any more.
    return ledger.status(record.get("invocation")) not in ("RUNNING", None)


def _holds_results(invocation: str, results_dir: str | Path) -> bool:
    """Whether that workflow has the lock that every workflow holds for its life, wherever it is."""
    with open(spool.lineage_dir(results_dir) / "workflow.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            return lock.read() == invocation
    return False


def _move(results_dir: str | Path, ledger: Ledger) -> int:
    from medsynth.lineage.people import take_in  # pandas takes a second; workflows import this

    waiting = list(spool.read(results_dir))
    with ledger.transaction():
        for _, record in waiting:
            ledger.append(record)
    for path, record in waiting:
        take_in(results_dir, ledger, record)  # while the record still waits: a kill repeats it
        path.unlink()
    return len(waiting)


def drain(results_dir: str | Path, ledger: Ledger) -> bool:
    """Move the spool into the ledger, then record as KILLED what can no longer end.

    Returns:
        Whether the ledger has grown.
    """
    moved = _move(results_dir, ledger)
    gone = [record for record in ledger.running() if _over(record, results_dir, ledger)]
    if not gone:
        return moved > 0
    # Whoever wrote an end did so before going, so that it must be in the spool by now.
    _move(results_dir, ledger)
    with ledger.transaction():
        for record in gone:
            if ledger.status(record["id"]) == "RUNNING":
                keep = {k: record[k] for k in ("kind", "id", "invocation") if k in record}
                ledger.append(keep | {"phase": "killed", "status": "KILLED", "time": time.time()})
    return True


def deliver(ledger: Ledger, sink: MlflowSink) -> int:
    """Bring MLflow up to the ledger; returns how many items it could not bring there.

    An item's error is kept in the ledger for `medsynth status`, and the item is tried again the
    next time; when MLflow itself is not there, the rest is left for then, too.
    """
    items = ledger.undelivered()
    for done, item in enumerate(items):
        try:
            entry = ledger.item(item)
            run_id, experiment_id = sink.deliver(entry, ledger)
            ledger.delivered(item, run_id, experiment_id, entry["status"])
        except Exception as error:  # any server, network or file trouble: recorded, then retried
            log.warning("%s is not in MLflow: %s", item, type(error).__name__, exc_info=True)
            said = without_secrets(f"{type(error).__name__}: {error}")  # it may name the server
            ledger.undeliverable(item, said[:500])
            if not sink.is_reachable():
                return len(items) - done
    return len(ledger.undelivered())


def stream(ledger: Ledger, sink: MlflowSink) -> None:
    """Send what running trainings have measured; what cannot go now goes with the job's end."""
    try:
        for record in ledger.running():
            if ledger.status(record.get("invocation")):
                sink.follow(ledger.item(record["id"]), ledger)
    except Exception as error:  # any server, network or file trouble
        log.warning("curves are not in MLflow yet: %s", type(error).__name__, exc_info=True)


def _open_sink(results_dir: str | Path) -> MlflowSink:
    from medsynth.lineage.mlflow_sink import MlflowSink  # mlflow takes seconds to import

    uris = (os.environ.get(name) for name in (TRACKING_URI, ARTIFACT_URI))
    return MlflowSink(results_dir, *uris)


def collect(results_dir: str | Path) -> int:
    """Drain the spool and bring MLflow up to date, once.

    MLflow is where the environment's MEDSYNTH_TRACKING_URI says, else the SQLite file in the
    results folder.

    Returns:
        How many jobs and invocations MLflow still lacks.
    """
    with _sole_writer(results_dir) as ledger:
        drain(results_dir, ledger)
        if not ledger.undelivered():
            return 0
        return deliver(ledger, _open_sink(results_dir))


def follow(results_dir: str | Path, invocation: str) -> int:
    """Collect until `invocation` and all its jobs are over; returns what MLflow still lacks."""
    sink = _open_sink(results_dir)
    retry_at = stream_at = 0.0
    lacking = -1  # not counted yet: that takes a while in a long ledger
    while True:
        with _sole_writer(results_dir) as ledger:
            if drain(results_dir, ledger) or lacking < 0:
                lacking = len(ledger.undelivered())
            over = ledger.status(invocation) != "RUNNING" and not any(
                r.get("invocation") == invocation for r in ledger.running()
            )
            now = time.monotonic()
            if lacking and (over or now >= retry_at):
                lacking = deliver(ledger, sink)
                retry_at = time.monotonic() + RETRY_SECONDS if lacking else 0.0
            elif not lacking and now >= stream_at:
                stream(ledger, sink)
                stream_at = time.monotonic() + STREAM_SECONDS
        if over:
            return lacking
        time.sleep(POLL_SECONDS)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m medsynth.lineage.collector", description=__doc__
    )
    parser.add_argument("results", type=Path, help="results folder of the workflow")
    parser.add_argument("--follow", metavar="INVOCATION", help="collect until this one is over")
    options = parser.parse_args(arguments)
    handler = logging.StreamHandler()
    handler.setFormatter(MaskedFormatter(FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if options.follow:
        return int(follow(options.results, options.follow) > 0)
    return int(collect(options.results) > 0)


if __name__ == "__main__":
    sys.exit(main())
