"""Recorded paths: one form, whatever the results folder is called and wherever it has gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from lineage_records import whole

from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.ledger.locating import current_places, snakefile_of
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import Places, anchored, in_run

ODD = "/w/50 % of #1? ü"


@pytest.mark.parametrize(
    ("results", "path", "recorded"),
    [
        ("/w/results", "results/a/b.h5", "results/a/b.h5"),
        ("/w/results", "/w/results/a/b.h5", "results/a/b.h5"),
        ("/w/results", "./raw/../results//a", "results/a"),
        ("/w/results", "results", "results"),
        ("/w/results", "raw", "raw"),
        ("/w/results", "/w/raw/x", "raw/x"),
        ("/w/results", "../raw/x", "/raw/x"),
        ("/w/results", "/disk/x", "/disk/x"),
        ("/w/results", "results2/x", "results2/x"),
        ("/w/results", "..data/x", "..data/x"),
        ("/w/out/real", "out/real/a", "results/a"),
        ("/w/out", "out/a", "results/a"),
        ("/disk/out", "/disk/out/a", "results/a"),
        ("/disk/out", "../disk/out/a", "results/a"),
        ("/w", "a", "results/a"),
        (ODD, f"{ODD}/a ?.h5", "results/a ?.h5"),
        # Another folder called results is not these.
        ("/w/out", "results/a", "results/../results/a"),
        ("/disk/out", "results/a", "results/../../w/results/a"),
    ],
)
def test_a_path_below_the_results_is_recorded_relative_to_them(results, path, recorded):
    here = Places(Path(results), Path("/w"))
    assert here.recorded(path) == recorded
    assert here / recorded == Path(path if path.startswith("/") else f"/w/{path}").resolve()


def test_a_link_to_the_results_leads_to_the_same_record(tmp_path):
    disk, work = tmp_path / "disk/out 42", tmp_path / "work"
    disk.mkdir(parents=True)
    work.mkdir()
    (work / "results").symlink_to(disk)
    (disk / "a.h5").write_text("")
    for results in (disk, work / "results"):
        here = Places(results, work)
        for path in (disk / "a.h5", work / "results/a.h5", "results/a.h5"):
            assert here.recorded(path) == "results/a.h5"


def test_a_link_from_the_results_keeps_its_place_there(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results/raw").symlink_to(tmp_path / "elsewhere")
    assert Places(tmp_path / "results", tmp_path).recorded("results/raw") == "results/raw"


def start(results: Path, workdir: Path) -> dict:
    same = {"kind": "invocation", "id": "i", "phase": "start", "time": 1.0}
    return same | {"results": str(results), "workdir": str(workdir)}


@pytest.mark.parametrize(
    ("results", "now", "workdir"),
    [
        ("w/results", "w/results", "w"),
        ("w/results", "moved/results", "moved"),
        ("w/results", "w/renamed", "w"),
        ("w/out/real", "moved/other/real", "moved"),
        ("out", "out", "w"),
        ("out", "disk/b/out", "w"),
    ],
)
def test_the_working_folder_comes_along_with_results_inside_it(tmp_path, results, now, workdir):
    (tmp_path / "w").mkdir()
    ledger = Ledger(":memory:")
    ledger.append(start(tmp_path / results, tmp_path / "w"))
    assert current_places(tmp_path / now, ledger) == Places(tmp_path / now, tmp_path / workdir)


def test_results_beside_the_working_folder_move_with_it_if_it_is_there(tmp_path):
    (tmp_path / "copy/w").mkdir(parents=True)
    ledger = Ledger(":memory:")
    ledger.append(start(tmp_path / "out", tmp_path / "w"))
    assert current_places(tmp_path / "copy/out", ledger).workdir == tmp_path / "copy/w"


def test_a_link_that_names_the_results_finds_the_working_folder(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "w").mkdir()
    (tmp_path / "w/results").symlink_to(tmp_path / "disk")
    ledger = Ledger(":memory:")
    ledger.append(start(tmp_path / "w/results", tmp_path / "w"))
    assert current_places(tmp_path / "disk", ledger).workdir == tmp_path / "w"


@pytest.mark.parametrize(
    ("ran", "there", "found"),
    [
        ("w/Snakefile", ["w/Snakefile", "moved/Snakefile"], "moved/Snakefile"),
        ("w/flow/Snakefile", ["moved/flow/Snakefile"], "moved/flow/Snakefile"),
        ("w/Snakefile", ["w/Snakefile"], "w/Snakefile"),  # the results alone were copied
        ("flow/Snakefile", ["flow/Snakefile", "moved/Snakefile"], "flow/Snakefile"),
    ],
)
def test_the_snakefile_comes_along_with_the_working_folder(tmp_path, ran, there, found):
    for file in there:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    record = {"snakefile": str(tmp_path / ran), "workdir": str(tmp_path / "w")}
    now = Places(tmp_path / "moved/results", tmp_path / "moved")
    assert snakefile_of(record, now) == tmp_path / found


@pytest.mark.parametrize(("results", "spelled"), [("w/out", "out/x"), ("disk", "/disk/x")])
def test_records_of_the_old_form_are_read_in_todays(tmp_path, results, spelled):
    job = {"kind": "job", "id": "j", "invocation": "i"}
    output = {"name": None, "path": spelled, "sha256": "11", "bytes": 1}
    ended = job | {"phase": "end", "status": "COMPLETE", "time": 3.0, "outputs": [output]}
    begun = job | {"phase": "start", "rule": "r", "time": 2.0, "outputs": [spelled]}
    begun |= {"log": [spelled]}
    begun |= {"inputs": [{"name": None, "path": "raw", "sha256": "22", "bytes": 1}]}
    ledger = Ledger(tmp_path / "ledger.db")
    for record in (start(Path("/", results), Path("/w")), begun, ended):
        ledger.append(record)
    rows = ledger.query("SELECT role, path FROM artifacts ORDER BY role")
    assert [row["path"] for row in rows] == ["raw", "results/x"]
    assert ledger.record("j", "end")["outputs"][0]["path"] == "results/x"
    read = ledger.item("j")["start"]
    assert read["outputs"] == read["log"] == ["results/x"]
    assert anchored(begun | {"anchored": True}, start(Path("/", results), Path("/w")))["log"] == [
        spelled
    ]
    assert ledger.written("j", "end") == ended and ledger.broken_links() == []

    # As a ledger of the time before today's form has its index.
    ledger._db.execute("UPDATE artifacts SET path=? WHERE role='outputs'", (spelled,))
    ledger._db.execute("PRAGMA user_version=0")
    ledger.close()
    again = Ledger(tmp_path / "ledger.db")
    assert again.query("SELECT role, path FROM artifacts ORDER BY role") == rows


def test_every_record_that_is_written_says_that_it_has_todays_form(tmp_path):
    spool.write(tmp_path, whole({"kind": "job", "id": "a", "phase": "start"}))
    ((_, record),) = spool.read(tmp_path)
    assert record["anchored"] is True


@pytest.mark.parametrize(
    ("recorded", "place"),
    [
        ("results/out/metrics.json", "results/out/metrics.json"),
        ("notes/a.json", "notes/a.json"),
        ("/disk/a.json", "a.json"),
        ("results/../results/a.json", "a.json"),
    ],
)
def test_a_runs_files_lie_where_the_record_says_else_by_their_name(recorded, place):
    assert in_run(recorded) == place
