"""Withdrawal of a patient: what is named, what is destroyed, what is proven afterwards."""

from __future__ import annotations

import fcntl
import gzip
import json
import shutil
import sqlite3
import zipfile
from itertools import takewhile
from pathlib import Path

import pandas as pd
import pytest
from lineage_records import whole

from medsynth.commands.lineage import impact, verify
from medsynth.lineage.collector import drain
from medsynth.lineage.erasure import erase as erasure
from medsynth.lineage.erasure.mlflow_copies import MlflowCopies
from medsynth.lineage.erasure.search import remains
from medsynth.lineage.errors import UnknownArtifact
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.places import in_run
from medsynth.store.digests import digest_bytes, digest_path
from medsynth.store.errors import MedsynthError
from tests.unit.erasure_study import OTHER, PATIENT, paths

pytest_plugins = ["tests.unit.erasure_fixtures"]


def test_impact_names_all_of_one_cohort_and_nothing_of_the_other(study):
    found = study.ask(PATIENT)
    cohort = "results/cohorts/a"
    assert paths(found["destroy"]) == [
        *(f"{cohort}/{name}" for name in ("0.h5", "0.parquet", "index.parquet")),
        "results/index.html",
    ]
    assert paths(found["redo"]) == [
        *("results/a/metrics.json", "results/a/model.safetensors", f"{cohort}/gate.json"),
    ]
    raw = study.folder / "raw" / "a"
    assert found["raw"] == [str(raw / PATIENT)]
    assert found["rows"] == {str(raw / "labels.csv"): 1}
    assert found["command"] == (
        "snakemake --cores 2 --configfile 'my study.yaml' -j4"
        " --forcerun results/cohorts/a/index.parquet"
    )
    assert not impact.wrong(found) and found["unknown"] == []
    assert "results/a/model.safetensors" in "\n".join(impact.show(found)) and json.dumps(found)


def test_a_patient_outside_the_shard_needs_it_remade_but_not_destroyed(study):
    found = study.ask("TCGA-ZZ-a2")
    assert paths(found["destroy"]) == ["results/cohorts/a/index.parquet"]
    assert {"results/cohorts/a/0.h5", "results/index.html"} <= set(paths(found["redo"]))


def test_an_unfinished_training_on_the_patient_is_destroyed_too(study):
    work = study.results / "work"
    left = ("a-" + "0" * 16, ".a-" + "1" * 16)  # one was being removed
    for name in (*left, "other-" + "0" * 16):
        (work / name).mkdir(parents=True)
    read = study.ledger.query("SELECT * FROM artifacts WHERE path='results/cohorts/a/0.h5'")[0]
    start = {"kind": "job", "id": "dead", "invocation": "flow", "rule": "train", "phase": "start"}
    start |= {
        "time": next(study.clock),
        "wildcards": {"experiment": "a"},
        "process": spool.this_process(),
    }
    spool.write(study.results, whole(start | {"inputs": [read]}))
    drain(study.results, study.ledger)
    assert study.ask(PATIENT)["unfinished"] == sorted(str(work / name) for name in left)


def test_all_kept_copies_are_destroyed_too(study):
    copies = [study.results / "kept" / ("b-" + "0" * 16), study.results / "kept" / ".new-x"]
    for copy in copies:
        copy.mkdir(parents=True)
    found = study.ask(PATIENT)
    assert found["kept"] == sorted(map(str, copies))
    counted, *lines = impact.show(found)
    listed = list(takewhile(lambda line: line.startswith("  "), lines))
    assert counted == f"to destroy: {len(listed) - 2} artifacts, 2 kept copies"


def test_what_was_made_from_lost_tables_is_named_as_unknown(study):
    manifests = spool.lineage_dir(study.results) / "people"
    shard = study.folder / "results/cohorts/b/0.parquet"
    (manifests / f"{digest_path(shard)[0]}.parquet").unlink()
    shard.unlink()
    unknown = study.ask(PATIENT)["unknown"]
    assert unknown == [
        "results/b/metrics.json",
        "results/b/model.safetensors",
        "results/cohorts/b/gate.json",
    ]


def test_a_stranger_is_unknown(study):
    with pytest.raises(UnknownArtifact, match="no artifact of .* holds a patient of this id"):
        study.ask("TCGA-ZZ-X001")


def test_without_yes_nothing_is_touched(study):
    before = digest_path(study.folder / "raw"), digest_path(study.results / "cohorts")
    found = study.ask(PATIENT, erase=True)
    assert impact.wrong(found) and "NOTHING WAS ERASED" in "\n".join(impact.show(found))
    assert (digest_path(study.folder / "raw"), digest_path(study.results / "cohorts")) == before


def test_erase_leaves_nothing_and_says_so_in_the_ledger(study):
    cache = sqlite3.connect(spool.lineage_dir(study.results) / "digests.db")
    cache.execute("INSERT INTO digests (path) VALUES (?)", (f"/raw/a/{PATIENT}/1.dcm",))
    cache.commit()
    before = study.ask(PATIENT)
    found = study.ask(PATIENT, erase=True, yes=True, raw=True)
    assert found["left"] == found["yours"] == [] and not impact.wrong(found)
    assert not any((study.folder / path).exists() for path in paths(before["destroy"]))
    assert not (study.folder / "raw" / "a" / PATIENT).exists()
    # A table outside results is its owner's.
    assert PATIENT in (study.folder / "raw" / "a" / "labels.csv").read_text()
    assert list(found["rows"]) == [str(study.folder / "raw" / "a" / "labels.csv")]
    assert remains(study.results, [PATIENT], set(before["sources"])) == []
    (grave,) = study.ledger.query("SELECT id FROM items WHERE rule='erase_patient'")
    tombstone = study.ledger.item(grave["id"])
    assert tombstone["start"]["params"] == {"patient": digest_bytes(before["patient_key"].encode())}
    assert tombstone["end"]["erased"] == sorted({e["sha256"] for e in before["past"]})
    assert study.ledger.broken_links() == []
    # Asked again, it tells when; the other patient is as before.
    again = study.ask(PATIENT)
    assert len(again["erased"]) == 1 and again["destroy"] == again["redo"] == []
    assert "results/cohorts/b/index.parquet" in paths(study.ask(OTHER)["destroy"])


def test_an_erasure_that_was_cut_off_proves_as_much_when_repeated(study, monkeypatch):
    (study.results / "item.txt").write_text("see 1.2.a.0")
    remove = erasure._remove

    def cut_off(path):
        if path.name == "index.parquet":
            raise KeyboardInterrupt
        remove(path)

    monkeypatch.setattr(erasure, "_remove", cut_off)
    with pytest.raises(KeyboardInterrupt):
        study.ask(PATIENT, erase=True, yes=True, raw=True)
    assert not (study.folder / "raw" / "a" / PATIENT).exists()
    monkeypatch.setattr(erasure, "_remove", remove)
    found = study.ask(PATIENT, erase=True, yes=True, raw=True)
    # The image's id is known from the index alone.
    assert found["left"] == [{"path": "results/item.txt", "found": "id"}]
    assert not (study.results / "cohorts/a/index.parquet").exists()


def test_raw_files_outside_the_results_are_their_owners(study):
    theirs = study.folder / "raw" / "a" / PATIENT
    found = study.ask(PATIENT, erase=True, yes=True)
    assert (theirs / "1.dcm").exists() and found["yours"] == [str(theirs)]
    assert impact.wrong(found) and "YOURS TO DELETE" in "\n".join(impact.show(found))
    assert found["left"] == []


def test_erasing_without_or_with_a_damaged_digest_cache(study):
    cache = spool.lineage_dir(study.results) / "digests.db"
    cache.unlink()
    assert study.ask(PATIENT, erase=True, yes=True)["left"] == []
    cache.write_bytes(b"no database at all " * 100)
    assert study.ask(OTHER, erase=True, yes=True)["left"] == []


def test_the_copy_of_an_output_elsewhere_is_removed_and_never_the_output(study, tmp_path):
    mlflow_copies = MlflowCopies(study.results, study.ledger)
    copies = spool.lineage_dir(study.results) / "mlartifacts" / "run" / "artifacts"
    copies.mkdir(parents=True)
    output = tmp_path / "elsewhere.png"
    for file in (output, copies / output.name):
        file.write_bytes(b"picture")
    mlflow_copies.remove_file(None, "run", in_run(str(output)))
    assert output.exists() and not (copies / output.name).exists()


def test_bytes_that_come_back_after_an_erasure_are_known_again(study):
    path = study.folder / "results/cohorts/a/index.parquet"
    content = path.read_bytes()
    study.ask(PATIENT, erase=True, yes=True)
    path.write_bytes(content)  # from a backup
    assert paths(study.ask(PATIENT)["destroy"]) == ["results/cohorts/a/index.parquet"]


def test_what_erase_cannot_know_of_is_found_by_the_proof(study):
    shard = study.folder / "results/cohorts/a/0.h5"
    (study.results / "copy.bin").write_bytes(shard.read_bytes())
    (study.results / "notes.txt").write_text(f"see {PATIENT}")
    (study.results / "item.txt").write_text("see 1.2.a.0, not 1.2.a.01")
    found = study.ask(PATIENT, erase=True, yes=True)
    assert impact.wrong(found)
    assert found["left"] == [
        {"path": "results/copy.bin", "found": "bytes"},
        {"path": "results/item.txt", "found": "id"},
        {"path": "results/notes.txt", "found": "id"},
    ]
    assert "LEFT BEHIND" in "\n".join(impact.show(found))


def test_demo_tables_lose_the_rows_and_a_running_workflow_is_not_disturbed(study):
    table = study.results / "demo" / "clinical.csv.gz"
    packed = gzip.compress(f"case,age\n{PATIENT},60\n{OTHER},50\n".encode())
    study.job("demo", [], {"results/demo/clinical.csv.gz": packed}, folder="results/demo")
    study.job(
        "call", ["results/demo"], {"results/calls.parquet": pd.DataFrame({"case": [PATIENT]})}
    )
    drain(study.results, study.ledger)
    with open(spool.lineage_dir(study.results) / "workflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(MedsynthError, match="snakemake is at work"):
            study.ask(PATIENT, erase=True, yes=True)
        assert (study.results / "calls.parquet").exists()
    found = study.ask(PATIENT, erase=True, yes=True)
    assert found["left"] == [] and str(table) not in found["rows"]
    assert gzip.decompress(table.read_bytes()) == f"case,age\n{OTHER},50\n".encode()
    # What the erasure left of a folder is as the erasure left it, not altered by a stranger.
    verified = verify.answer(study.results, deep=False)
    assert verified["wrong"] == [] and verified["artifacts"]["erased"] == 5
    table.write_bytes(b"")
    (wrong,) = verify.answer(study.results, deep=False)["wrong"]
    assert (wrong["state"], wrong["path"]) == ("altered", "results/demo")


def test_case_files_are_found_by_their_text_and_by_the_sample_sheet(study):
    raw = study.folder / "gdc"
    for name in ("f1", "f2", "f3"):
        (raw / name).mkdir(parents=True)
    maf = f"#version 2.4\nGene\tSample\nIDH1\t{PATIENT}-01A\nTP53\t{PATIENT}-01A\n"
    (raw / "f1" / "x.maf.gz").write_bytes(gzip.compress(maf.encode()))
    sheet = f"File ID\tCase ID\nf2\t{PATIENT}\nf3\t{OTHER}\n"
    (raw / "sheet.tsv").write_text(sheet)
    calls = pd.DataFrame({"case": [PATIENT]})
    study.job("call", ["gdc"], {"results/calls.parquet": calls})
    drain(study.results, study.ledger)
    found = study.ask(PATIENT)
    assert {str(raw / "f1" / "x.maf.gz"), str(raw / "f2")} <= set(found["raw"])
    assert str(raw / "f3") not in found["raw"] and found["rows"][str(raw / "sheet.tsv")] == 1


@pytest.mark.parametrize("packed", [False, True])
def test_reports_are_found_by_their_paths(study, packed):
    reports = study.folder / "reports"
    for patient in (PATIENT, OTHER):
        path = reports / f"p{patient}" / "s1.txt"
        path.parent.mkdir(parents=True)
        path.write_text("FINDINGS: ___ is well.")
    raw = shutil.make_archive(str(reports), "zip", reports) if packed else str(reports)
    text = pd.DataFrame({"patient": [PATIENT]})
    study.job("read", [Path(raw).name], {"results/reports.parquet": text})
    drain(study.results, study.ledger)
    found = study.ask(PATIENT)
    if packed:  # the archive is others' too: it is named, and theirs to rewrite
        assert found["rows"][raw] == 2  # the folder and the report
    else:
        assert str(reports / f"p{PATIENT}") in found["raw"]
        assert str(reports / f"p{OTHER}") not in found["raw"]


def test_an_archive_in_the_results_is_left_whole_and_found_by_the_proof(study):
    packed = study.results / "demo" / "reports.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"p{PATIENT}/s1.txt", "FINDINGS: ___ is well.")
    study.job(
        "read",
        ["results/demo/reports.zip"],
        {"results/reports.parquet": pd.DataFrame({"patient": [PATIENT]})},
    )
    drain(study.results, study.ledger)
    found = study.ask(PATIENT, erase=True, yes=True)
    assert found["rows"][str(packed)] == 1 and zipfile.is_zipfile(packed)
    assert {"path": "results/demo/reports.zip", "found": "id"} in found["left"]
    assert impact.wrong(found)


def test_a_table_that_the_index_reads_beside_its_folder_is_searched(study):
    people = study.folder / "elsewhere" / "people.csv"
    people.parent.mkdir()
    people.write_text(f"patient,age\n{PATIENT},60\n{OTHER},50\n")
    index = "results/cohorts/a/index.parquet"
    made = {index: pd.read_parquet(study.folder / index)}
    study.job("index", ["raw/a", "elsewhere/people.csv"], made, names=["root", "tables"])
    drain(study.results, study.ledger)
    assert study.ask(PATIENT)["rows"][str(people)] == 1
