"""A lost ledger is lost, not new: it is told in a line, and restored from MLflow event by event."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from lineage_questioned import PATIENTS
from lineage_records import whole
from lineage_toy import client, jobs, runs

from medsynth.commands.main import OK, UNKNOWN, WRONG
from medsynth.lineage.collector import collect, drain
from medsynth.lineage.errors import LostLedgerError
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.watermark import watermark_path
from medsynth.lineage.recording import spool


def events(folder) -> list[dict]:
    with closing(Ledger(ledger_path(folder / "results"))) as ledger:
        return ledger.query("SELECT * FROM events ORDER BY seq")


def edit(path, *statements) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        for name in ("no_update", "no_delete"):
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)


def another_programs(path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE events (id INTEGER, what TEXT)")
        db.execute("CREATE TABLE people (id INTEGER, name TEXT)")


EMPTIED = ("DELETE FROM events", "DELETE FROM items", "DELETE FROM artifacts")
LOSSES = {
    "deleted": lambda path: path.unlink(),
    "of 0 bytes": lambda path: path.write_bytes(b""),
    "no database": lambda path: path.write_text("not a database\n" * 1000),
    "cut in half": lambda path: os.truncate(path, path.stat().st_size // 8192 * 4096),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:8192] + b"x" * 100_000),
    "another program's": another_programs,
    "emptied": lambda path: edit(path, *EMPTIED, "DELETE FROM deliveries"),
    "without events": lambda path: edit(path, "DELETE FROM events"),
    "cut off": lambda path: edit(path, "DELETE FROM events WHERE seq>5"),
    "edited": lambda path: edit(path, "UPDATE events SET record='{}' WHERE seq=4"),
}


UNMARKED = ("deleted", "emptied", "cut off")  # as is one of a version without a watermark


@pytest.mark.parametrize(
    ("loss", "marked"),
    [*((loss, True) for loss in LOSSES), *((loss, False) for loss in UNMARKED)],
)
def test_a_lost_ledger_is_told_and_comes_back_event_by_event(toy, ask, show, loss, marked):
    before = events(toy)
    LOSSES[loss](ledger_path(toy / "results"))
    if not marked:
        watermark_path(toy / "results").unlink()
    for question in ("status", "verify"):
        code, said = ask(toy, question)
        assert code in (WRONG, UNKNOWN)
        said = said if code == UNKNOWN else show(toy, question)
        assert "medsynth rebuild" in said or "BROKEN" in said or "ALTERED" in said
        assert code == WRONG or len(said.splitlines()) == 1
    waits = loss != "edited" and (marked or loss != "cut off")
    if waits:
        # Nothing begins a new one: what comes now waits.
        spool.write(toy / "results", whole({"kind": "job", "phase": "start", "id": "waits"}))
        with pytest.raises(LostLedgerError):
            collect(toy / "results")
        assert len(spool.waiting(toy / "results")) == 1

    code, answer = ask(toy, "rebuild")
    assert (code, answer["placed"], answer["lost"]) == (OK, True, {"events": 0, "jobs": 0})
    after = events(toy)
    assert after[: len(before)] == before, "the very chain that was lost"
    assert [e["id"] for e in after[len(before) :]] == (["waits"] if waits else [])
    assert ask(toy, "verify", "--deep")[0] == OK
    assert ask(toy, "rebuild")[0] == (WRONG if waits else OK)  # MLflow has not got it yet


def lose_a_run(toy) -> str:
    """Take the record of one job, of which all that followed is still there, out of MLflow."""
    job = jobs(toy)[0]["id"]
    for record in (toy / "results/lineage/mlartifacts").rglob("record.json"):
        if json.loads(record.read_bytes())["start"]["id"] == job:
            record.unlink()
    return job


def test_part_of_a_ledger_takes_the_place_of_none_and_is_told_as_part(toy, ask, show):
    lost, before = lose_a_run(toy), events(toy)
    code, answer = ask(toy, "rebuild")
    assert (code, answer["placed"], answer["lacking"]) == (WRONG, False, [lost])
    assert events(toy) == before

    ledger_path(toy / "results").unlink()
    code, answer = ask(toy, "rebuild")
    assert (code, answer["placed"], answer["lost"]) == (WRONG, True, {"events": 2, "jobs": 1})
    assert len(events(toy)) == len(before) - 2
    # MLflow is told where the events stand now.
    assert ask(toy, "status")[1]["undelivered"] > 0
    assert collect(toy / "results") == 0
    assert ask(toy, "status")[0] == OK
    assert "LOST for good" not in show(toy, "rebuild")


def test_an_edited_ledger_that_alone_knows_a_job_is_left(toy, ask):
    lose_a_run(toy)
    # The first event: all that follows, the job among it, stands behind the break.
    edit(ledger_path(toy / "results"), "UPDATE events SET record='{}' WHERE seq=1")
    before = events(toy)
    code, answer = ask(toy, "rebuild")
    assert (code, answer["placed"]) == (WRONG, False) and answer["fault"]
    assert events(toy) == before


@pytest.mark.parametrize("text", ["{", "[1]", "{}", '{"start": {"id": "x"}}'])
def test_a_record_in_mlflow_that_is_none_is_named(toy, ask, text):
    record = sorted((toy / "results/lineage/mlartifacts").rglob("record.json"))[0]
    record.write_text(text)
    ledger_path(toy / "results").unlink()
    code, answer = ask(toy, "rebuild")
    assert (code, answer["unreadable"]) == (WRONG, [record.parents[1].name])
    assert answer["lost"]["events"] == 2


def test_where_nothing_was_ever_recorded_nothing_is_lost(tmp_path, ask):
    code, said = ask(tmp_path, "status")
    assert (code, "no workflow has run here yet" in said) == (UNKNOWN, True)
    assert ask(tmp_path, "rebuild")[0] == UNKNOWN


def shown(folder) -> dict[str, dict]:
    """All that MLflow shows of each item, in which runs go by items."""
    found = runs(folder)
    items = {run.info.run_id: run.data.tags["medsynth.id"] for run in found}
    mlflow = client(folder)
    all_of_it = {}
    for run in map(mlflow.get_run, items):
        tags = run.data.tags | {"experiment": mlflow.get_experiment(run.info.experiment_id).name}
        tags["mlflow.parentRunId"] = items.get(tags.get("mlflow.parentRunId"))
        files = mlflow.list_artifacts(run.info.run_id)
        all_of_it[items[run.info.run_id]] = {
            "run": (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time),
            "tags": tags,
            "params": run.data.params,
            "curves": {
                name: [(p.step, p.value) for p in mlflow.get_metric_history(run.info.run_id, name)]
                for name in run.data.metrics
            },
            "datasets": sorted(
                (d.dataset.name, d.dataset.digest) for d in run.inputs.dataset_inputs
            ),
            "files": sorted((file.path, file.is_dir, file.file_size) for file in files),
        }
    return all_of_it


def test_a_deleted_mlflow_is_filled_again_from_the_ledger(toy, ask, tmp_path):
    """In a copy, because MLflow keeps the connection to a file that is deleted."""
    before = shown(toy)
    assert len(before) == 11 and all(run["run"][0] for run in before.values())
    copy = shutil.copytree(toy, tmp_path / "copy", symlinks=True)
    (copy / "results/lineage/mlflow.db").unlink()
    shutil.rmtree(copy / "results/lineage/mlartifacts")
    assert collect(copy / "results") == 0
    # Of what was made anew since, the first version's bytes are gone: so are its copy and figures.
    for job in jobs(toy)[:5]:
        if job["rule"] in ("sample", "evaluate"):
            run = before[job["id"]]
            run |= {"curves": {}, "files": [file for file in run["files"] if not file[1]]}
    assert shown(copy) == before
    assert any(run["curves"] for run in before.values())
    assert any(run["datasets"] for run in before.values())
    assert ask(copy, "verify", "--deep")[0] == OK
    assert ask(copy, "rebuild")[0] == OK


GOOD = whole({"kind": "job", "phase": "start", "id": "good"})
END = whole({"kind": "job", "phase": "end", "id": "good"})
NO_RECORDS = {
    "half": '{"id": ',
    "empty": "",
    "binary": b"\xff\xfe\x00",
    "list": "[]",
    "number": "7",
    "null": "null",
    "text": '"record"',
    "nothing in it": "{}",
    "too deep": "[" * 100_000,
    "no number": json.dumps(GOOD | {"time": None}),
    "not a number": json.dumps(GOOD | {"time": float("nan")}),
    "other phase": json.dumps(GOOD | {"phase": "middle"}),
    "other status": json.dumps(END | {"status": "SO SO"}),
    "files of text": json.dumps(GOOD | {"inputs": ["raw"]}),
    "files that lack": json.dumps(GOOD | {"inputs": [{"path": "raw"}]}),
    "a huge file": json.dumps(
        END | {"outputs": [{"name": None, "path": "x", "sha256": None, "bytes": 1 << 70}]}
    ),
    "no process": json.dumps(GOOD | {"process": {"pid": 1}}),
} | {f"no {field}": json.dumps({k: v for k, v in GOOD.items() if k != field}) for field in GOOD}


@pytest.mark.parametrize("name", NO_RECORDS)
def test_what_is_no_record_is_set_aside_and_later_records_arrive(tmp_path, name):
    content = NO_RECORDS[name]
    bad = spool.spool_dir(tmp_path) / "00000000000000000000-bad.json"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    spool.write(tmp_path, GOOD)
    with closing(Ledger(ledger_path(tmp_path))) as ledger:
        drain(tmp_path, ledger)
        assert ledger.status("good") == "RUNNING"
    (aside,) = spool.aside(tmp_path)
    assert aside["path"] == "spool/00000000000000000000-bad.unreadable" and aside["why"]
    assert not any(patient in aside["why"] for patient in PATIENTS)


def test_another_record_under_a_known_id_is_set_aside(tmp_path):
    spool.write(tmp_path, GOOD)
    spool.write(tmp_path, GOOD | {"seed": 9})
    spool.write(tmp_path, END)
    with closing(Ledger(ledger_path(tmp_path))) as ledger:
        drain(tmp_path, ledger)
        assert (ledger.status("good"), ledger.item("good")["start"]["seed"]) == ("COMPLETE", None)
    assert len(spool.aside(tmp_path)) == 1


def test_an_end_whose_start_is_no_record_is_told(toy, ask, show):
    spool.write(toy / "results", END)
    with closing(Ledger(ledger_path(toy / "results"))) as ledger:
        drain(toy / "results", ledger)
        code, answer = ask(toy, "status")
        assert (code, answer["headless"]) == (WRONG, ["good"])
        assert "WITHOUT A START: the end of good" in show(toy, "status")
        assert ask(toy, "verify")[0] == OK
        # Here it is, late.
        spool.write(toy / "results", GOOD)
        drain(toy / "results", ledger)
        assert ledger.status("good") == "COMPLETE" and ledger.headless() == []
