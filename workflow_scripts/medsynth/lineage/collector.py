"""The collector: the only writer of the ledger and of MLflow.

One loop moves spooled records into the ledger and marks what died without an end; the other brings
MLflow up to the ledger. Each step can be cut off and repeated: records leave the spool after they
stand in the ledger, and a run is looked up in MLflow by its job's id before one is made. Jobs never
wait for it and never talk to MLflow.
"""

from __future__ import annotations

import argparse
import fcntl
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from medsynth.lineage.delivery import Delivery, Sender, deliver
from medsynth.lineage.errors import REMEDY, LostLedgerError
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.watermark import drifted, set_watermark
from medsynth.lineage.mlflow.database import database_uri
from medsynth.lineage.mlflow.page import how_to_look
from medsynth.lineage.opening import open_ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.invocation import TRACKING_URI
from medsynth.lineage.recording.records import Killed, Start, job_end
from medsynth.lineage.recording.schema import EXAMINED
from medsynth.runtime.logs import FORMAT, MaskedFormatter
from medsynth.store.layout import Layout
from medsynth.store.privacy.secrets import without_secrets
from medsynth.store.source.checkout import follow_checkout

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# How long a collector that is told to end waits for a request that is under way.
GRACE_SECONDS = 5.0


@contextmanager
def sole_writer(results_dir: str | Path) -> Iterator[Ledger]:
    """The ledger, for one process at a time; its end is remembered afterwards.

    Raises:
        LostLedgerError: it is lost: a new one would hide that.
    """
    with locked(results_dir):
        ledger = open_ledger(results_dir, new=True)
        try:
            if change := drifted(results_dir, ledger):
                raise LostLedgerError(f"{change}; {REMEDY}")
            yield ledger
            set_watermark(results_dir, ledger)
        finally:
            ledger.close()


@contextmanager
def locked(results_dir: str | Path) -> Iterator[None]:
    """Keep all other writers of the ledger out."""
    folder = spool.lineage_dir(results_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "collector.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _over(record: Start, results_dir: str | Path, ledger: Ledger) -> bool:
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
            return lock.read().split()[:1] == [invocation]
    return False


def _move(results_dir: str | Path, ledger: Ledger) -> int:
    waiting = list(spool.read(results_dir))
    taken = []
    with ledger.transaction():
        for path, record in waiting:
            try:
                ledger.append(record)
                taken.append((path, record))
            except (ValueError, OverflowError) as error:  # another of its name, or no text
                spool.set_aside(path, error)
    for path, record in taken:
        end = job_end(record)
        made = end["outputs"] if end else []
        if any(Path(file["path"]).suffix in EXAMINED for file in made):
            from medsynth.lineage.ledger.people import take_in  # pandas takes seconds

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
                killed: Killed = {
                    "kind": record["kind"],
                    "phase": "killed",
                    "id": record["id"],
                    "time": time.time(),
                    "status": "KILLED",
                }
                if record["kind"] == "job":
                    killed["invocation"] = record["invocation"]
                ledger.append(killed)
    return True


def collect(results_dir: str | Path) -> int:
    """Drain the spool and bring MLflow up to date, once.

    MLflow is where the environment's MEDSYNTH_TRACKING_URI says, else the SQLite file in the
    results folder.

    Returns:
        How many jobs and invocations MLflow still lacks.

    Raises:
        LostLedgerError: the ledger is lost; the records wait in the spool.
    """
    with sole_writer(results_dir) as ledger:
        drain(results_dir, ledger)
        database = Path(Layout(results_dir).mlflow)
        there = bool(os.environ.get(TRACKING_URI)) or database.exists()
        if not ledger.undelivered() and (there or not ledger.head()[0]):
            return 0
    with Sender(results_dir).alone() as (ledger, sink):
        return deliver(ledger, sink)


def follow(results_dir: str | Path, invocation: str) -> int:
    """Collect until `invocation` and all its jobs are over; returns what MLflow still lacks.

    SIGTERM and SIGINT end it at once; what was under way is repeated by the next collector.

    Raises:
        LostLedgerError: the ledger is lost; the records wait in the spool.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    delivery = Delivery(results_dir, stop)
    try:
        over = False
        while not (over or stop.is_set()):
            with sole_writer(results_dir) as ledger:
                if drain(results_dir, ledger):
                    delivery.tell()
                over = ledger.status(invocation) != "RUNNING" and not any(
                    r.get("invocation") == invocation for r in ledger.running()
                )
            if not delivery.ident:  # now there is a ledger
                delivery.start()
            if not over:
                stop.wait(POLL_SECONDS)
        delivery.finish()
        while delivery.is_alive() and not stop.is_set():
            delivery.join(POLL_SECONDS)
    finally:
        stop.set()
        if delivery.ident:
            delivery.join(GRACE_SECONDS)
    with closing(Ledger(ledger_path(results_dir))) as ledger:
        return len(ledger.undelivered())


def where_to_look(results_dir: str | Path, invocation: str) -> str | None:
    """How people see in MLflow what an invocation did; None if it is not there yet."""
    with closing(Ledger(ledger_path(results_dir))) as ledger:
        experiment = ledger.item(invocation)["experiment_id"]
    uri = os.environ.get(TRACKING_URI) or database_uri(os.path.relpath(Layout(results_dir).mlflow))
    return how_to_look(without_secrets(uri), experiment) if experiment else None


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
    try:
        if options.follow:
            lacking = follow(options.results, options.follow)
            if page := where_to_look(options.results, options.follow):
                with suppress(BrokenPipeError):  # the workflow that would have read it was killed
                    os.write(sys.stdout.fileno(), f"{page}\n".encode())
            return int(lacking > 0)
        return int(collect(options.results) > 0)
    except LostLedgerError as error:
        log.error("%s", error)
        return 1


if __name__ == "__main__":
    follow_checkout("medsynth.lineage.collector")
    # It lives shortly, and nearly all that it makes are MLflow's modules, which stay to the end: to
    # look through them for garbage again and again takes as long as to import them.
    gc.set_threshold(100_000)
    code = main()
    gc.freeze()
    if threading.active_count() > 1:  # a request that hangs must not keep the process
        logging.shutdown()
        os._exit(code)
    sys.exit(code)
