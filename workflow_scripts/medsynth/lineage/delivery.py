"""Delivery: bringing MLflow up to the ledger, beside the loop that fills the ledger.

Whatever MLflow does, slow, away or emptied, no record waits for it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.opening import open_ledger
from medsynth.lineage.recording.invocation import ARTIFACT_URI, TRACKING_URI
from medsynth.lineage.recording.spool import lineage_dir
from medsynth.store.privacy.raw_names import without_raw_names
from medsynth.store.privacy.secrets import without_secrets

if TYPE_CHECKING:
    from medsynth.lineage.mlflow.sink import MlflowSink

log = logging.getLogger(__name__)

# An MLflow server that is down, and an item that it refused, are tried again after this long.
RETRY_SECONDS = 15.0
# How often running trainings are asked for new points.
STREAM_SECONDS = 2.0
POLL_SECONDS = 0.2
# So many items go in between, and their deliveries are noted in the ledger at once.
ITEMS_A_PASS, NOTED_AT_ONCE = 200, 20


def open_sink(results_dir: str | Path) -> MlflowSink:
    from medsynth.lineage.mlflow.sink import MlflowSink  # mlflow takes seconds to import

    uris = (os.environ.get(name) for name in (TRACKING_URI, ARTIFACT_URI))
    return MlflowSink(results_dir, *uris)


def _send(
    items: Iterable[str], ledger: Ledger, sink: MlflowSink, stop: threading.Event | None = None
) -> tuple[list[str], bool]:
    """Bring items to MLflow; returns those it refused, and whether it is there."""
    refused: list[str] = []
    made: list[tuple[str, str, str, str | None]] = []
    try:
        for item in items:
            if stop and stop.is_set():
                break
            try:
                entry = ledger.item(item)
                made.append((item, *sink.deliver(entry, ledger), entry["status"]))
            except Exception as error:  # any server, network or file trouble: recorded, retried
                log.warning("%s is not in MLflow: %s", item, type(error).__name__, exc_info=True)
                message = without_secrets(f"{type(error).__name__}: {error}")  # may name the server
                message = without_raw_names(message)
                ledger.undeliverable(item, message[:500])
                refused.append(item)
                if not sink.is_reachable():
                    return refused, False
                continue
            if entry["kind"] == "invocation" or len(made) == NOTED_AT_ONCE:  # its jobs need it
                ledger.delivered_many(made)
                made = []
    finally:
        ledger.delivered_many(made)
    return refused, True


def deliver(ledger: Ledger, sink: MlflowSink) -> int:
    """Bring MLflow up to the ledger; returns how many items it could not bring there.

    An item's error is kept in the ledger for `medsynth status`, and the item is tried again the
    next time; when MLflow itself is not there, the rest is left for then, too.
    """
    # Others may drain meanwhile, and nobody else delivers: what came late is not lacking.
    while items := ledger.undelivered():
        refused, reachable = _send(items, ledger, sink)
        if refused or not reachable:
            return len(ledger.undelivered())
    publish(ledger, sink)
    return 0


def stream(ledger: Ledger, sink: MlflowSink) -> None:
    """Send what running trainings have measured; what cannot go now goes with the job's end."""
    try:
        for record in ledger.running():
            if record["kind"] == "job" and ledger.status(record["invocation"]):
                sink.follow(ledger.job(record["id"]), ledger)
    except Exception as error:  # any server, network or file trouble
        log.warning("curves are not in MLflow yet: %s", type(error).__name__, exc_info=True)


def publish(ledger: Ledger, sink: MlflowSink) -> None:
    """Publish the models that are asked for; what cannot go now goes with the next collector."""
    try:
        sink.publish(ledger)
    except Exception as error:  # any server, network or file trouble, or a model that is damaged
        log.warning("models are not published yet: %s", type(error).__name__, exc_info=True)


def note_lost_runs(ledger: Ledger, sink: MlflowSink) -> None:
    """Take what MLflow has lost for undelivered: its database is a new one or an old copy."""
    rows = ledger.query(
        "SELECT id, run_id FROM deliveries JOIN items USING (id) WHERE run_id NOT NULL ORDER BY seq"
    )
    if rows and not all(sink.has(row["run_id"]) for row in (rows[0], rows[-1])):
        there = sink.run_ids()
        ledger.undelivered_again(row["id"] for row in rows if row["run_id"] not in there)


class Sender:
    """Delivers for one collector; of all collectors of a results folder one at a time does."""

    def __init__(self, results_dir: str | Path):
        self._results = results_dir
        self._name = uuid.uuid4().hex
        self._sink: MlflowSink | None = None
        self._checked = False

    @contextmanager
    def alone(self, stop: threading.Event | None = None) -> Iterator[tuple[Ledger, MlflowSink]]:
        """The ledger and MLflow, while no other collector writes to MLflow.

        Raises:
            InterruptedError: `stop` was set while another one was at work.
            LostLedgerError: the ledger is lost.
        """
        with open(lineage_dir(self._results) / "mlflow.lock", "a+") as lock:
            while not _locked(lock):
                if stop and stop.is_set():
                    raise InterruptedError
                time.sleep(POLL_SECONDS)
            lock.seek(0)
            if not self._sink or lock.read() != self._name:
                # Another one was here: what this one knows of MLflow is out of date.
                self._sink, self._checked = open_sink(self._results), False
                lock.truncate(0)
                lock.write(self._name)
                lock.flush()
            ledger = open_ledger(self._results)
            try:
                if not self._checked:
                    self._note_lost_runs(ledger, self._sink)
                yield ledger, self._sink
            finally:
                ledger.close()

    def _note_lost_runs(self, ledger: Ledger, sink: MlflowSink) -> None:
        try:
            note_lost_runs(ledger, sink)
            self._checked = True
        except Exception as error:  # it is away: it is asked again when it has come back
            log.warning("MLflow cannot be asked: %s", type(error).__name__, exc_info=True)


class Delivery(threading.Thread):
    """The loop that delivers while another one fills the ledger."""

    def __init__(self, results_dir: str | Path, stop: threading.Event):
        super().__init__(name="delivery", daemon=True)  # a server that hangs must keep nobody
        self._sender = Sender(results_dir)
        self._stop_asked = stop
        self._news, self._last = threading.Event(), threading.Event()
        self._retry_at: dict[str, float] = {}  # of what was refused
        self._stream_at = 0.0
        self._reachable = True

    def tell(self) -> None:
        """The ledger has grown."""
        self._news.set()

    def finish(self) -> None:
        """End after one more pass over all that MLflow lacks."""
        self._last.set()

    def run(self) -> None:
        last = False
        while not self._stop_asked.is_set():
            if self._last.is_set() and not last:
                last = True
                self._retry_at.clear()
            self._news.clear()
            try:
                more = self._pass()
            except InterruptedError:
                return
            except Exception as error:  # the ledger is locked, or the disk is full
                log.warning("nothing is delivered: %s", type(error).__name__, exc_info=True)
                more = False
            if more:
                continue
            if last:
                self._publish()
                return
            self._wait(STREAM_SECONDS if self._reachable else RETRY_SECONDS)

    def _pass(self) -> bool:
        """Deliver some; returns whether there is more that can go now."""
        with self._sender.alone(self._stop_asked) as (ledger, sink):
            now = time.monotonic()
            ready = [i for i in ledger.undelivered() if self._retry_at.get(i, now) <= now]
            refused, self._reachable = _send(ready[:ITEMS_A_PASS], ledger, sink, self._stop_asked)
            self._retry_at |= dict.fromkeys(refused, now + RETRY_SECONDS)
            if self._reachable and now >= self._stream_at:
                stream(ledger, sink)
                self._stream_at = time.monotonic() + STREAM_SECONDS
        return self._reachable and len(ready) > ITEMS_A_PASS

    def _publish(self) -> None:
        try:
            with self._sender.alone(self._stop_asked) as (ledger, sink):
                if not ledger.undelivered():
                    publish(ledger, sink)
        except InterruptedError:
            return

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self._stop_asked.is_set() or self._last.is_set():
                return
            if self._reachable and self._news.is_set():
                return
            time.sleep(POLL_SECONDS)


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # closing the file frees it
    except BlockingIOError:
        return False
    return True
