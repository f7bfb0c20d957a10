"""The ledger: append-only, chained, each event once; queries over its indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.tables.events import FIRST


def file(path, sha256, name=None):
    return {"name": name, "path": path, "sha256": sha256, "bytes": 1}


def start(job, time, inputs=(), **more):
    same = {"kind": "job", "phase": "start", "id": job, "invocation": "i", "rule": "r"}
    return same | {"time": time, "inputs": list(inputs)} | more


def end(job, time, outputs=(), status="COMPLETE"):
    same = {"kind": "job", "phase": "end", "id": job, "invocation": "i", "status": status}
    return same | {"time": time, "outputs": list(outputs)}


@pytest.fixture
def ledger(tmp_path):
    made = Ledger(tmp_path / "ledger.db")
    for record in (
        start("a", 1.0),
        end("a", 2.0, [file("x", "11")]),
        start("b", 3.0, [file("x", "11")]),
        end("b", 4.0, [file("y", "11")]),
        start("c", 5.0),
    ):
        made.append(record)
    return made


def test_each_event_carries_the_digest_of_the_one_before(ledger):
    rows = ledger.query("SELECT * FROM events ORDER BY seq")
    assert [r["previous"] for r in rows] == [FIRST, *(r["digest"] for r in rows[:-1])]
    assert len({r["digest"] for r in rows}) == 5
    assert ledger.broken_links() == []


def test_a_record_that_comes_twice_stands_once(ledger):
    ledger.append(end("a", 2.0, [file("x", "11")]))
    assert len(ledger.query("SELECT * FROM events")) == 5


@pytest.mark.parametrize("change", ["UPDATE events SET record='{}'", "DELETE FROM events"])
def test_events_cannot_be_changed_through_sql(ledger, change):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger._db.execute(change)


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ("UPDATE events SET record=replace(record, '11', '22') WHERE seq=2", [2]),
        ("UPDATE events SET record='{}' WHERE seq=5", [5]),
        ("DELETE FROM events WHERE seq=3", [4]),
        ("UPDATE events SET phase='end' WHERE seq=1", None),
    ],
)
def test_edits_behind_its_back_are_found(ledger, change, broken):
    ledger._db.execute("DROP TRIGGER no_update")
    ledger._db.execute("DROP TRIGGER no_delete")
    if broken is None:
        with pytest.raises(sqlite3.IntegrityError):
            ledger._db.execute(change)
    else:
        ledger._db.execute(change)
        assert ledger.broken_links() == broken


def test_status_follows_the_records_and_an_end_outlives_a_kill(ledger):
    assert [ledger.status(j) for j in "abc"] == ["COMPLETE", "COMPLETE", "RUNNING"]
    assert [r["id"] for r in ledger.running()] == ["c"]
    ledger.append(end("c", 6.0, status="KILLED") | {"phase": "killed"})
    assert ledger.status("c") == "KILLED"
    ledger.append(end("c", 7.0))
    assert ledger.status("c") == "COMPLETE"
    # As after a rebuild from MLflow, which goes by time.
    ledger.append(end("b", 8.0, status="KILLED") | {"phase": "killed"})
    assert ledger.status("b") == "COMPLETE"


def test_a_delivered_status_that_changed_is_undelivered_again(ledger):
    assert ledger.undelivered() == ["a", "b", "c"]
    for job in "abc":
        ledger.delivered_many([(job, f"run-{job}", "1", ledger.status(job))])
    assert ledger.undelivered() == []
    ledger.append(end("c", 7.0))
    assert ledger.undelivered() == ["c"]


def test_an_interrupted_transaction_leaves_nothing(ledger):
    with pytest.raises(KeyboardInterrupt), ledger.transaction():
        ledger.append(start("d", 8.0))
        raise KeyboardInterrupt
    assert ledger.status("d") is None
    assert ledger.broken_links() == []


def test_a_ledger_is_never_seen_half_made(tmp_path):
    """Whoever looks while it is made, or after a kill, sees all of its tables or none."""
    path, seen = tmp_path / "ledger.db", []

    def look(statement):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            tables = db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall()
        seen.append({name for (name,) in tables} & {"events", "deliveries"})

    connect = sqlite3.connect

    def watched(*arguments, **options):
        made = connect(*arguments, **options)
        if str(arguments[0]) == str(path):
            made.set_trace_callback(look)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("medsynth.lineage.ledger.database.sqlite3.connect", watched)
        Ledger(path).close()
    assert set() in seen and {"events", "deliveries"} in seen
    assert all(tables in (set(), {"events", "deliveries"}) for tables in seen)
