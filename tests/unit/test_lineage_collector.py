"""The collector alone: what is killed, what is delivered, what waits. MLflow is played."""

from __future__ import annotations

import fcntl
import multiprocessing
import sys
import threading
from contextlib import closing

import pytest
from lineage_records import whole
from lineage_toy import wait_until

from medsynth.lineage import collector, delivery
from medsynth.lineage.collector import drain
from medsynth.lineage.delivery import deliver
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool

HERE = spool.this_process()
GONE = HERE | {"start_ticks": 0}
ELSEWHERE = HERE | {"boot_id": "other", "host": "other"}


def start(item, kind="job", process=HERE):
    record = {"kind": kind, "phase": "start", "id": item, "process": process}
    return whole(record | ({"invocation": "flow"} if kind == "job" else {}))


def end(item, kind="job"):
    record = {"kind": kind, "phase": "end", "id": item, "time": 2.0}
    return whole(record | ({"invocation": "flow"} if kind == "job" else {}))


class PlayedSink:
    """Refuses the items in `bad`; `down` after the first refusal if told so."""

    def __init__(self, bad=(), down=False):
        self.bad, self.down, self.tried = set(bad), down, []

    def deliver(self, item, ledger):
        self.tried.append(item["id"])
        if item["id"] in self.bad:
            raise ConnectionError("refused")
        return f"run-{item['id']}", "1"

    def is_reachable(self):
        return not self.down


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "ledger.db")


def test_a_start_without_end_is_killed_once_its_process_is_gone(tmp_path, ledger):
    for record in (start("flow", "invocation"), start("dead", process=GONE), start("alive")):
        spool.write(tmp_path, record)
    drain(tmp_path, ledger)
    assert [ledger.status(i) for i in ("flow", "dead", "alive")] == ["RUNNING", "KILLED", "RUNNING"]
    assert list(spool.read(tmp_path)) == []


def test_an_end_written_while_the_collector_looked_counts_before_the_death(
    tmp_path, ledger, monkeypatch
):
    def ends_and_dies(process):
        spool.write(tmp_path, end("job"))
        return True

    spool.write(tmp_path, start("job"))
    monkeypatch.setattr(spool, "is_gone", ends_and_dies)
    drain(tmp_path, ledger)
    assert ledger.status("job") == "COMPLETE"
    assert ledger.record("job", "killed") is None


def test_a_job_on_another_machine_is_given_up_with_its_workflow(tmp_path, ledger):
    spool.write(tmp_path, start("flow", "invocation"))
    spool.write(tmp_path, start("job", process=ELSEWHERE))
    drain(tmp_path, ledger)
    assert ledger.status("job") == "RUNNING"
    spool.write(tmp_path, end("flow", "invocation"))
    drain(tmp_path, ledger)
    assert ledger.status("job") == "KILLED"


def test_a_workflow_on_another_machine_lives_as_long_as_it_holds_the_results(tmp_path, ledger):
    spool.write(tmp_path, start("flow", "invocation", process=ELSEWHERE))
    spool.write(tmp_path, start("job", process=ELSEWHERE))
    with open(spool.lineage_dir(tmp_path) / "workflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print("flow", end="", file=lock, flush=True)
        drain(tmp_path, ledger)
        assert [ledger.status(i) for i in ("flow", "job")] == ["RUNNING", "RUNNING"]
        # Another workflow has it now.
        lock.truncate(0)
        drain(tmp_path, ledger)
        assert ledger.status("flow") == "KILLED"
    spool.write(tmp_path, start("next", "invocation", process=ELSEWHERE))
    drain(tmp_path, ledger)
    drain(tmp_path, ledger)
    assert [ledger.status(i) for i in ("next", "job")] == ["KILLED", "KILLED"]
    # It lived, unseen: its end counts.
    spool.write(tmp_path, end("next", "invocation"))
    drain(tmp_path, ledger)
    assert ledger.status("next") == "COMPLETE"


def test_a_spool_that_was_not_emptied_in_time_adds_nothing_twice(tmp_path, ledger):
    spool.write(tmp_path, start("job"))
    drain(tmp_path, ledger)
    spool.write(tmp_path, start("job"))
    drain(tmp_path, ledger)
    assert len(ledger.query("SELECT * FROM events")) == 1


def test_one_bad_item_does_not_hold_up_the_others(ledger):
    for item in "abc":
        ledger.append(start(item))
    assert deliver(ledger, PlayedSink(bad="b")) == 1
    assert ledger.undelivered() == ["b"]
    (row,) = ledger.query("SELECT error FROM deliveries WHERE error IS NOT NULL")
    assert row["error"] == "ConnectionError: refused"
    assert deliver(ledger, PlayedSink()) == 0
    assert ledger.query("SELECT error FROM deliveries WHERE error IS NOT NULL") == []


def test_passwords_stay_out_of_the_errors(ledger, caplog):
    class Refuses(PlayedSink):
        def deliver(self, item, ledger):
            raise ConnectionError("cannot reach postgresql://alice:hun/ter2@db/mlflow")

    ledger.append(start("flow", "invocation"))
    deliver(ledger, Refuses())
    (row,) = ledger.query("SELECT error FROM deliveries")
    assert row["error"] == "ConnectionError: cannot reach postgresql://***@db/mlflow"
    formatter = collector.MaskedFormatter("%(message)s")
    assert "hun/ter2" in caplog.text
    assert "hun/ter2" not in "".join(map(formatter.format, caplog.records))


def test_what_others_drain_during_a_delivery_is_delivered_too(ledger):
    class Sink(PlayedSink):
        def deliver(self, item, ledger):
            if item["id"] == "a" and len(self.tried) == 0:
                ledger.append(start("late"))
                ledger.append(end("a"))
            return super().deliver(item, ledger)

    ledger.append(start("a"))
    sink = Sink()
    assert deliver(ledger, sink) == 0
    assert sink.tried == ["a", "a", "late"] and ledger.undelivered() == []


def test_a_server_that_is_down_is_not_asked_for_every_item(ledger):
    for item in "abc":
        ledger.append(start(item))
    sink = PlayedSink(bad="abc", down=True)
    assert deliver(ledger, sink) == 3
    assert sink.tried == ["a"]


def test_runs_that_mlflow_has_lost_are_delivered_again(ledger):
    class Emptied(PlayedSink):
        def has(self, run_id):
            return run_id in self.run_ids()

        def run_ids(self):
            return {"run-a"}

    for item in "abc":
        ledger.append(start(item))
    assert deliver(ledger, PlayedSink()) == 0
    delivery.note_lost_runs(ledger, Emptied())
    assert ledger.undelivered() == ["b", "c"]


class HangingSink(PlayedSink):
    """MLflow behind a network that swallows everything."""

    def deliver(self, item, ledger):
        (ledger_path(RESULTS[0]).parent / "hangs").touch()
        threading.Event().wait()


RESULTS = []


def test_draining_never_waits_for_mlflow_and_sigterm_ends_it_all(tmp_path, monkeypatch):
    RESULTS[:] = [tmp_path]
    monkeypatch.setattr(delivery, "open_sink", lambda results: HangingSink())
    spool.write(tmp_path, start("flow", "invocation"))
    process = multiprocessing.get_context("fork").Process(
        target=lambda: sys.exit(collector.main([str(tmp_path), "--follow", "flow"]))
    )
    process.start()
    wait_until((spool.lineage_dir(tmp_path) / "hangs").exists, "a delivery is under way")
    for number in range(3):
        spool.write(tmp_path, start(f"job{number}"))
        spool.write(tmp_path, end(f"job{number}"))
        wait_until(lambda: not spool.waiting(tmp_path), "the spool is drained")
    process.terminate()
    process.join()
    assert process.exitcode == 1  # MLflow lacks something
    with closing(Ledger(ledger_path(tmp_path))) as ledger:
        assert [ledger.status(f"job{n}") for n in range(3)] == ["COMPLETE"] * 3
        assert len(ledger.undelivered()) == 4


def test_a_backlog_goes_in_passes_and_jobs_at_work_go_last(ledger):
    for item in ("flow", "long", "short"):
        ledger.append(start(item, "invocation" if item == "flow" else "job"))
    ledger.append(end("short"))
    assert ledger.undelivered() == ["flow", "short", "long"]


def test_one_sender_at_a_time_and_what_it_knows_of_mlflow_is_its_own(tmp_path, monkeypatch):
    made = []

    def opened(_results):
        made.append(PlayedSink())
        return made[-1]

    monkeypatch.setattr(delivery, "open_sink", opened)
    spool.write(tmp_path, start("flow", "invocation"))
    with collector.sole_writer(tmp_path) as ledger:
        drain(tmp_path, ledger)
    first, second = delivery.Sender(tmp_path), delivery.Sender(tmp_path)
    stop = threading.Event()
    with first.alone() as (_, sink):
        stop.set()
        with pytest.raises(InterruptedError), second.alone(stop):
            pass
        assert sink is made[0]
    with first.alone() as (_, sink):
        assert sink is made[0] and len(made) == 1
    with second.alone():
        pass
    with first.alone() as (_, sink):
        assert sink is made[2]  # another one was here
