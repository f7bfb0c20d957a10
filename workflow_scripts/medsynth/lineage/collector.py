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

if TYPE_CHECKING:
    from medsynth.lineage.mlflow_sink import MlflowSink

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# An MLflow server that is down is asked again after this long.
RETRY_SECONDS = 15.0


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


def _over(record: spool.Record, ledger: Ledger) -> bool:
    gone = spool.is_gone(record["process"])
    if gone is None:
        # On another machine: with its workflow over, nobody waits for an end any more.
        return ledger.status(record.get("invocation")) not in ("RUNNING", None)
    return gone


def _move(results_dir: str | Path, ledger: Ledger) -> None:
    waiting = list(spool.read(results_dir))
    with ledger.transaction():
        for _, record in waiting:
            ledger.append(record)
    for path, _ in waiting:
        path.unlink()


def drain(results_dir: str | Path, ledger: Ledger) -> None:
    """Move the spool into the ledger, then record as KILLED what can no longer end."""
    _move(results_dir, ledger)
    gone = [record for record in ledger.running() if _over(record, ledger)]
    if not gone:
        return
    # Whoever wrote an end did so before going, so that it must be in the spool by now.
    _move(results_dir, ledger)
    with ledger.transaction():
        for record in gone:
            if ledger.status(record["id"]) == "RUNNING":
                keep = {k: record[k] for k in ("kind", "id", "invocation") if k in record}
                ledger.append(keep | {"phase": "killed", "status": "KILLED", "time": time.time()})


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
            ledger.undeliverable(item, f"{type(error).__name__}: {error}"[:500])
            if not sink.is_reachable():
                return len(items) - done
    return len(ledger.undelivered())


def _open_sink(results_dir: str | Path, tracking_uri: str | None) -> MlflowSink:
    from medsynth.lineage.mlflow_sink import MlflowSink  # mlflow takes seconds to import

    return MlflowSink(results_dir, tracking_uri)


def collect(results_dir: str | Path, tracking_uri: str | None = None) -> int:
    """Drain the spool and bring MLflow up to date, once.

    Args:
        results_dir: the workflow's results folder.
        tracking_uri: MLflow's; None is the SQLite file in the results folder.

    Returns:
        How many jobs and invocations MLflow still lacks.
    """
    with _sole_writer(results_dir) as ledger:
        drain(results_dir, ledger)
        if not ledger.undelivered():
            return 0
        return deliver(ledger, _open_sink(results_dir, tracking_uri))


def follow(results_dir: str | Path, invocation: str, tracking_uri: str | None = None) -> int:
    """Collect until `invocation` and all its jobs are over; returns what MLflow still lacks."""
    sink = None
    retry_at = 0.0
    while True:
        with _sole_writer(results_dir) as ledger:
            drain(results_dir, ledger)
            lacking = len(ledger.undelivered())
            over = ledger.status(invocation) != "RUNNING" and not any(
                r.get("invocation") == invocation for r in ledger.running()
            )
            if lacking and (over or time.monotonic() >= retry_at):
                sink = sink or _open_sink(results_dir, tracking_uri)
                lacking = deliver(ledger, sink)
                retry_at = time.monotonic() + RETRY_SECONDS if lacking else 0.0
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
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    tracking_uri = os.environ.get("MEDSYNTH_TRACKING_URI")
    if options.follow:
        return int(follow(options.results, options.follow, tracking_uri) > 0)
    return int(collect(options.results, tracking_uri) > 0)


if __name__ == "__main__":
    sys.exit(main())
