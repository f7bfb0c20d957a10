"""`medsynth verify`: every kind of tampering is found."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from lineage_questioned import versions
from lineage_records import whole

from medsynth.commands.main import OK, WRONG
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool

EDIT = (
    "UPDATE events SET record=replace(record, 'c0de', 'c1de')"
    " WHERE seq=(SELECT MIN(seq) FROM events WHERE record LIKE '%c0de%')"
)


def keep_time(path: Path, data: bytes) -> None:
    stat = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def wrong_files(answer: dict) -> list[tuple[str, str]]:
    return [(file["state"], file["path"]) for file in answer["wrong"]]


@pytest.mark.parametrize("path", ["results/metrics.json", "raw/10000032.txt"])
def test_verify_finds_a_flipped_byte(toy, ask, show, path):
    data = bytearray((toy / path).read_bytes())
    data[3] ^= 1
    (toy / path).write_bytes(data)
    code, answer = ask(toy, "verify")
    recorded = "raw" if path.startswith("raw") else path
    assert (code, wrong_files(answer)) == (WRONG, [("altered", recorded)])
    assert f"ALTERED  {recorded}" in show(toy, "verify")


def test_verify_finds_a_byte_whose_time_was_put_back(toy, ask):
    path = toy / "results/models/a/model.safetensors"
    assert ask(toy, "verify")[0] == OK  # the digest is in the cache now
    keep_time(path, path.read_bytes()[::-1])
    for deep in ([], ["--deep"]):
        code, answer = ask(toy, "verify", *deep)
        assert (code, wrong_files(answer)) == (
            WRONG,
            [("altered", "results/models/a/model.safetensors")],
        )


def test_verify_tells_missing_and_unknown_files(toy, ask):
    (toy / "results/samples.png").unlink()
    for name in ("models/planted.h5", "logs/x.log", "benchmarks/x.tsv", "work/c.pt", "README.md"):
        (toy / "results" / name).parent.mkdir(exist_ok=True)
        (toy / "results" / name).write_text("x")
    code, answer = ask(toy, "verify")
    assert code == WRONG
    assert sorted(wrong_files(answer)) == [
        ("missing", "results/samples.png"),
        ("unknown", "results/models/planted.h5"),
    ]


def test_verify_tells_erased_files_from_missing_ones(toy, ask):
    (row,) = versions(toy, "results/samples.png")[-1:]
    (toy / "results/samples.png").unlink()
    ledger = Ledger(ledger_path(toy / "results"))
    tombstone = {"kind": "job", "id": "e", "rule": "erase_patient", "time": 9.0}
    ledger.append(whole(tombstone | {"phase": "start"}))
    end = whole({"kind": "job", "id": "e", "phase": "end"}) | {"erased": [row["sha256"]]}
    ledger.append(end)
    ledger.close()
    code, answer = ask(toy, "verify")
    assert (code, answer["artifacts"]) == (OK, {"erased": 1, "identical": 5})
    (toy / "results/samples.png").write_bytes(b"anything")
    code, answer = ask(toy, "verify")
    assert (code, wrong_files(answer)) == (WRONG, [("altered", "results/samples.png")])


def test_a_job_whose_process_is_gone_hides_nothing(toy, ask):
    (toy / "results/samples.png").write_bytes(b"half")
    ledger = Ledger(ledger_path(toy / "results"))
    gone = spool.this_process() | {"start_ticks": 0}
    dead = {"kind": "invocation", "id": "f", "phase": "start", "time": 9.0, "process": gone}
    run = json.loads(ledger.query("SELECT record FROM events WHERE seq=1")[0]["record"])
    ledger.append(run | dead)
    job = {"kind": "job", "id": "j", "invocation": "f", "rule": "sample", "inputs": []}
    job |= {"wildcards": {}, "log": []}
    ledger.append(dead | job | {"outputs": ["results/samples.png"]})
    ledger.close()
    code, answer = ask(toy, "verify")
    assert (code, wrong_files(answer)) == (WRONG, [("altered", "results/samples.png")])
    code, answer = ask(toy, "status")
    assert (code, answer["undelivered"], answer["jobs"]["RUNNING"]) == (WRONG, 2, 1)


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (EDIT, "event "),
        ("UPDATE artifacts SET sha256='00' WHERE path LIKE '%.png'", "results/samples.png"),
        ("DELETE FROM artifacts WHERE path='raw'", "table artifacts, raw"),
        ("DELETE FROM events WHERE seq=(SELECT MAX(seq) FROM events)", "table items"),
    ],
)
def test_verify_finds_an_edited_ledger(toy, ask, show, edit, what):
    path = ledger_path(toy / "results")
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("DROP TRIGGER no_update")
    db.execute("DROP TRIGGER no_delete")
    assert db.execute(edit).rowcount > 0
    db.close()
    code, answer = ask(toy, "verify")
    assert code == WRONG
    assert all(row["path"] == str(path) for row in answer["ledger"])
    assert any(what in row["what"] for row in answer["ledger"])
    assert str(path) in show(toy, "verify")


@pytest.mark.parametrize(
    ("name", "change", "state"),
    [
        (
            "record.json",
            lambda path: path.write_text(path.read_text().replace("1", "2")),
            "altered",
        ),
        ("record.json", lambda path: path.unlink(), "missing"),
        ("metrics.json", lambda path: path.write_text("{}"), "altered"),
        ("metrics.json", lambda path: path.rename(path.with_name("b.json")), "unknown"),
    ],
)
def test_a_deep_verify_finds_an_edited_mlflow_artifact(toy, ask, show, name, change, state):
    metrics = sorted((toy / "results/lineage/mlartifacts").rglob("metrics.json"))[0]
    run = metrics.parents[1]
    assert run.name == "artifacts"
    change(run / name if name == "record.json" else metrics)
    assert ask(toy, "verify")[0] == OK
    code, answer = ask(toy, "verify", "--deep")
    (found,) = answer["mlflow"]
    assert (code, found["state"]) == (WRONG, state)
    assert found["path"].startswith(run.parent.name)
    assert found["path"] in show(toy, "verify", "--deep")


@pytest.mark.parametrize(
    ("change", "state", "field"),
    [
        ("UPDATE metrics SET value=value+1", "altered", "curves/fid"),
        ("UPDATE latest_metrics SET value=value+1", "altered", "metrics/fid"),
        ("DELETE FROM latest_metrics", "missing", "metrics/fid"),
        ("UPDATE params SET value='9' WHERE key='threads'", "altered", "params/threads"),
        ("DELETE FROM params WHERE key='threads'", "missing", "params/threads"),
        ("UPDATE runs SET status='FAILED'", "altered", "status"),
    ],
)
def test_a_deep_verify_finds_an_edited_mlflow_database(toy, ask, change, state, field):
    database = sqlite3.connect(toy / "results/lineage/mlflow.db")
    database.execute(change)
    database.commit()
    database.close()
    code, answer = ask(toy, "verify", "--deep")
    assert code == WRONG
    found = {(f["state"], f["path"].partition("/")[2]) for f in answer["mlflow"]}
    assert found == {(state, field)}
