"""The questions, asked of a small workflow that really ran twice, and of tampered copies of it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lineage_toy import HEAD, snakemake
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from medsynth.lineage import command, spool
from medsynth.lineage.command import OK, QUESTIONS, UNKNOWN, WRONG
from medsynth.lineage.ledger import Ledger, ledger_path
from medsynth.report.singles import write_singles

PATIENTS = ["10000032", "10000764", "10000980"]
RULES = """
import sys

MAKE = f"{sys.executable} {workflow.basedir}/make.py {{rule}} {{output[0]}} {{input}}"
EPOCHS = int(config.get("epochs", 1))
settings.model_dump = lambda mode: {"epochs": EPOCHS}

rule all:
    input: "results/metrics.json", "results/lucky.txt"

rule index:
    input: "raw"
    output: table="results/manifest.parquet"
    log: "results/logs/index.log"
    shell: "echo logged > {log}; " + MAKE

rule train:
    input: table="results/manifest.parquet"
    output: weights="results/models/{name}/model.safetensors"
    params: cfg={"epochs": EPOCHS}, code="c0de"
    shell: MAKE + " {params.cfg[epochs]}"

rule sample:
    input: weights="results/models/a/model.safetensors"
    output: grid="results/samples.png"
    params: cfg={"seed": 5}
    shell: MAKE

rule evaluate:
    input: grid="results/samples.png", table="results/manifest.parquet"
    output: metrics="results/metrics.json"
    shell: MAKE

rule lucky:
    output: "results/lucky.txt"
    shell: "date +%N > {output}"

lineage.install(workflow, settings)
"""
MAKE = """
import hashlib, json, sys
from pathlib import Path

rule, output, *rest = sys.argv[1:]
digest = lambda data: hashlib.sha256(data).hexdigest()
if rule == "index":
    import pandas as pd
    files = sorted(Path(rest[0]).iterdir())
    rows = [
        {"item_id": f.stem, "patient": f.stem, "source_sha256": digest(f.read_bytes())}
        for f in files
    ]
    pd.DataFrame(rows).to_parquet(output)
elif rule == "train":
    Path(output).write_text(digest(Path(rest[0]).read_bytes()) + rest[1])
elif rule == "sample":
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo
    text = PngInfo()
    text.add_text("model_sha256", digest(Path(rest[0]).read_bytes()))
    text.add_text("seed", "5")
    Image.new("L", (4, 4)).save(output, pnginfo=text)
else:
    value = int(digest(Path(rest[0]).read_bytes())[:6], 16)
    Path(output).write_text(json.dumps({"metrics": {"fid": {"value": value}}}))
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """Two runs; between them came a patient and an epoch. Creating MLflow's database is slow."""
    folder = tmp_path_factory.mktemp("questions")
    (folder / "Snakefile").write_text(HEAD + RULES)
    (folder / "make.py").write_text(MAKE)
    (folder / "raw").mkdir()
    for patient in PATIENTS[:2]:
        (folder / "raw" / f"{patient}.txt").write_text(f"image of {patient}")
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    (folder / "raw" / f"{PATIENTS[2]}.txt").write_text("image of one more")
    done = snakemake(folder, "--config", "epochs=2")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def toy(original, tmp_path) -> Path:
    """A copy to tamper with; symlinks, times and all."""
    return Path(shutil.copytree(original, tmp_path / "toy", symlinks=True))


@pytest.fixture
def ask(capsys, monkeypatch):
    def ask(folder: Path, verb: str, *arguments: str | Path) -> tuple[int, dict]:
        monkeypatch.chdir(folder)
        code = command.main([verb, *map(str, arguments), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if code != UNKNOWN else said.err

    return ask


@pytest.fixture
def show(capsys, monkeypatch):
    def show(folder: Path, verb: str, *arguments: str | Path) -> str:
        monkeypatch.chdir(folder)
        command.main([verb, *map(str, arguments)])
        return capsys.readouterr().out

    return show


def versions(folder: Path, path: str) -> list[dict]:
    ledger = Ledger(ledger_path(folder / "results"))
    sql = "SELECT * FROM artifacts WHERE role='outputs' AND path=? ORDER BY time"
    rows = ledger.query(sql, path)
    ledger.close()
    return rows


def rules(answer: dict) -> list[str]:
    return sorted(job["rule"] for job in answer["jobs"].values())


@pytest.mark.parametrize("question", QUESTIONS)
def test_help_shows_an_example(question, capsys):
    with pytest.raises(SystemExit) as exit:
        command.main([question, "--help"])
    said = capsys.readouterr().out
    assert exit.value.code == 0 and f"medsynth {question}" in said.split("example:")[1]


def test_help_of_all_lists_every_question(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert all(f"    {question} " in said for question in QUESTIONS)


def test_all_is_well_at_first(original, ask):
    assert ask(original, "status")[0] == OK
    code, answer = ask(original, "verify", "--deep")
    # Six outputs and the raw folder; the log is none.
    assert (code, answer["artifacts"]) == (OK, {"identical": 6})
    assert answer["ledger"] == answer["mlflow"] == answer["wrong"] == []


# trace


def test_trace_down_goes_to_all_that_was_made_of_raw_data(original, ask, show):
    code, answer = ask(original, "trace", "raw", "--down")
    assert (code, rules(answer)) == (OK, ["evaluate", "index", "sample", "train"])
    assert answer["artifact"]["producer"] is None
    # A raw file is known by the folder that was read.
    code, inside = ask(original, "trace", f"raw/{PATIENTS[0]}.txt", "--down")
    assert inside["jobs"] == answer["jobs"]
    assert "results/metrics.json" in show(original, "trace", "raw", "--down")


def test_trace_tells_versions_apart(original, ask):
    first, second = versions(original, "results/manifest.parquet")
    _, old = ask(original, "trace", first["sha256"][:10], "--down")
    _, new = ask(original, "trace", second["sha256"][:10], "--down")
    assert rules(old) == rules(new) == ["evaluate", "sample", "train"]
    assert not old["jobs"].keys() & new["jobs"].keys()
    assert (old["artifact"]["on_disk"], new["artifact"]["on_disk"]) == ("remade", "same")


@pytest.mark.parametrize("down", [[], ["--down"]])
def test_the_page_needs_no_network_and_shows_every_job(original, ask, tmp_path, down):
    page = tmp_path / "graph.html"
    path = "raw" if down else "results/metrics.json"
    _, answer = ask(original, "trace", path, "--html", page, *down)
    text = page.read_text()
    assert len(answer["jobs"]) == 4
    for job in answer["jobs"].values():
        assert text.count(f"\njob {job['job']}\n") == 1  # one box
    graph = text[text.index("<svg") : text.index("</svg>")]
    # raw, four jobs, and manifest, weights, samples, metrics between and after them
    assert graph.count("<rect") == 9
    # Each job's inputs and outputs; evaluate reads two.
    assert graph.count("<path") == 9
    text = text.replace("http://www.w3.org/2000/svg", "")
    assert not any(word in text for word in ("http:", "https:", "<script", "src=", "url("))


def test_the_page_marks_what_was_altered(toy, ask, tmp_path):
    (toy / "results/manifest.parquet").write_bytes(b"x")
    page = tmp_path / "graph.html"
    assert ask(toy, "trace", "results/metrics.json", "--html", page)[0] == WRONG
    assert (tmp_path / "graph.html").read_text().count('class="file bad"') == 1


def png(path: Path, **text: str) -> Path:
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_text(key, value)
    Image.new("L", (9, 9), 200).save(path, pnginfo=chunks)
    return path


def test_an_image_taken_elsewhere_is_traced_by_its_bytes_or_by_what_it_says(
    original, ask, show, tmp_path
):
    copied = Path(shutil.copy(original / "results/samples.png", tmp_path / "copied.png"))
    code, answer = ask(original, "trace", copied)
    assert (code, rules(answer)) == (OK, ["index", "sample", "train"])
    assert answer["artifact"]["embedded"] is None

    for model in versions(original, "results/models/a/model.safetensors"):
        cut = png(tmp_path / "cut.png", model_sha256=model["sha256"], seed="5")
        code, answer = ask(original, "trace", cut)
        assert (code, rules(answer)) == (OK, ["index", "sample", "train"])
        assert model["job"] in answer["jobs"]
        assert "says of itself" in show(original, "trace", cut)
    # Another seed: that image is not recorded, but its model is.
    code, answer = ask(original, "trace", png(cut, model_sha256=model["sha256"], seed="6"))
    assert (code, rules(answer)) == (OK, ["index", "train"])

    # A DICOM file from a store of samples leads to these samples.
    image = np.zeros((1, 4, 4, 1), np.uint8)
    row = pd.DataFrame([{"row": 0, "label": "a", "seed": 6, "model_sha256": model["sha256"]}])
    samples = versions(original, "results/samples.png")[0]
    write_singles(image, row, samples["sha256"], "mimic_cxr", tmp_path / "one")
    code, answer = ask(original, "trace", tmp_path / "one" / "a-000000.dcm")
    assert answer["artifact"]["producer"] == samples["job"]

    assert "not recorded" in ask(original, "trace", png(cut, model_sha256="0" * 64))[1]
    assert "no recorded job" in ask(original, "trace", png(cut))[1]


# verify


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


def test_verify_finds_a_byte_whose_time_was_put_back_when_it_looks_deep(toy, ask):
    path = toy / "results/models/a/model.safetensors"
    assert ask(toy, "verify")[0] == OK  # the digest is known by size and time now
    keep_time(path, path.read_bytes()[::-1])
    assert ask(toy, "verify")[0] == OK
    code, answer = ask(toy, "verify", "--deep")
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
    tombstone = {"kind": "job", "id": "e", "invocation": None, "rule": "erase_patient", "time": 9.0}
    ledger.append(tombstone | {"phase": "start", "inputs": []})
    end = {"phase": "end", "status": "COMPLETE", "outputs": [], "erased": [row["sha256"]]}
    ledger.append(tombstone | end)
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
    ledger.append(dead | job | {"outputs": ["results/samples.png"]})
    ledger.close()
    code, answer = ask(toy, "verify")
    assert (code, wrong_files(answer)) == (WRONG, [("altered", "results/samples.png")])
    code, answer = ask(toy, "status")
    assert (code, answer["undelivered"], answer["jobs"]["RUNNING"]) == (WRONG, 2, 1)


def test_what_cannot_be_done_now_is_a_message_without_traceback(toy, ask):
    question = ("impact", PATIENTS[0], "--erase", "--yes")
    with open(toy / "results/lineage/workflow.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = ask(toy, *question)
    assert code == UNKNOWN and said.startswith("medsynth: snakemake is at work")


EDIT = (
    "UPDATE events SET record=replace(record, 'c0de', 'c1de')"
    " WHERE seq=(SELECT MIN(seq) FROM events WHERE record LIKE '%c0de%')"
)


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


def test_without_mlflow_a_deep_verify_and_a_rebuild_say_so(toy, ask):
    (toy / "results/lineage/mlflow.db").unlink()
    for question in (["verify", "--deep"], ["rebuild"]):
        code, said = ask(toy, *question)
        assert code == UNKNOWN and "MEDSYNTH_TRACKING_URI" in said


# diff


def test_diff_counts_data_and_names_settings_and_metrics(original, ask, show):
    path = "results/models/a/model.safetensors"
    first, second = (row["sha256"] for row in versions(original, path))
    code, answer = ask(original, "diff", first, path)
    assert code == OK and answer["b"]["sha256"] == second
    expected = {
        "known": True,
        "files": {"added": 1, "removed": 0, "kept": 2},
        "patients": {"added": 1, "removed": 0, "kept": 2},
    }
    assert answer["data"] == {"all": expected, "results/manifest.parquet": expected}
    assert answer["params"] == {"train: cfg.epochs": [1, 2]}
    assert list(answer["raw"]) == ["raw"]
    assert answer["config"] == {"epochs": [1, 2]}
    assert answer["code"] == answer["environment"] == {}
    assert answer["packages"] == {"added": [], "removed": []}
    said = show(original, "diff", first, path)
    assert "files +1 -0 =2" in said and "cfg.epochs: 1 -> 2" in said
    assert not any(patient in said + json.dumps(answer) for patient in PATIENTS)


def test_diff_takes_jobs_and_compares_metrics(original, ask):
    jobs = [row["job"] for row in versions(original, "results/metrics.json")]
    _, answer = ask(original, "diff", *jobs)
    values = [int(row["sha256"][:6], 16) for row in versions(original, "results/samples.png")]
    assert answer["metrics"] == {"fid": values}
    code, answer = ask(original, "diff", jobs[0], jobs[0])
    empty = ("data", "raw", "config", "params", "code", "environment", "metrics")
    assert answer["same_bytes"] and not any(answer[name] for name in empty)
    assert ask(original, "diff", jobs[0], "f" * 64)[0] == UNKNOWN


# rerun


def test_rerun_makes_the_same_bytes_and_leaves_the_results_alone(original, ask, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in (original / "results").glob("*.*")}
    code, answer = ask(original, "rerun", "results/samples.png", "--keep", tmp_path / "again")
    assert (code, answer["status"], answer["identical"]) == (OK, "COMPLETE", True)
    assert [o["path"] for o in answer["outputs"]] == ["results/samples.png"]
    assert list((tmp_path / "again").rglob("samples.png"))
    assert {p: p.stat().st_mtime_ns for p in (original / "results").glob("*.*")} == before


def test_rerun_says_that_a_rule_is_not_deterministic(original, ask, show):
    code, answer = ask(original, "rerun", "results/lucky.txt")
    assert (code, answer["identical"]) == (WRONG, False)
    (reason,) = answer["reasons"]
    assert "not deterministic" in reason


def test_a_repeated_job_that_fails_is_not_identical(original, ask, tmp_path):
    make = original / "make.py"
    before = make.read_text()
    make.write_text(before + "sys.exit(1)\n")
    try:
        code, answer = ask(original, "rerun", "results/samples.png")
    finally:
        make.write_text(before)
    assert (code, answer["status"], answer["identical"]) == (WRONG, "FAILED", False)


def test_rerun_names_an_altered_or_missing_input(toy, ask):
    model = toy / "results/models/a/model.safetensors"
    (toy / "results/manifest.parquet").write_bytes(b"other")
    code, answer = ask(toy, "rerun", model)
    assert code == WRONG
    assert "input results/manifest.parquet is altered" in answer["reasons"]
    (toy / "results/manifest.parquet").unlink()
    code, answer = ask(toy, "rerun", model)
    assert (code, answer["status"]) == (WRONG, "NOT RUN")
    assert answer["reasons"] == ["input results/manifest.parquet is missing"]


def test_rerun_says_that_code_changed(original, ask):
    snakefile = original / "Snakefile"
    before = snakefile.read_text()
    snakefile.write_text(before.replace("c0de", "beef").replace("cfg[epochs]}", "cfg[epochs]}1"))
    try:
        code, answer = ask(original, "rerun", "results/models/a/model.safetensors")
    finally:
        snakefile.write_text(before)
    assert code == WRONG
    assert [r.split(";")[0] for r in answer["reasons"]] == ["code changed: c0de then, beef now"]


def test_rerun_uses_the_sources_that_the_job_ran_with(tmp_path, ask, show):
    folder = tmp_path / "project"
    (folder / "raw").mkdir(parents=True)
    (folder / "raw" / "1.txt").write_text("image")

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)

    for name, text in {"Snakefile": HEAD + RULES, "make.py": MAKE}.items():
        (folder / name).write_text(text)
    (folder / ".gitignore").write_text("results/\nraw/\n.snakemake/\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    # Neither the change nor the new file is committed when the job runs.
    (folder / "make.py").write_text(
        MAKE.replace("digest(Path(rest[0])", "more.word + digest(Path(rest[0])").replace(
            "import hashlib", "import hashlib, more"
        )
    )
    (folder / "more.py").write_text('word = "then"\n')
    model = "results/models/a/model.safetensors"
    done = snakemake(folder, model)
    assert done.returncode == 0, done.stderr
    assert (folder / model).read_text().startswith("then")

    (folder / "more.py").write_text('word = "now"\n')
    git("add", ".")
    git("commit", "-m", "second")
    code, answer = ask(folder, "rerun", model)
    assert (code, answer["identical"], answer["sources"]) == (OK, True, None)
    # The difference is lost: today's sources make other bytes.
    for blob in (folder / "results/lineage/code").iterdir():
        blob.unlink()
    code, answer = ask(folder, "rerun", model)
    assert (code, answer["identical"]) == (WRONG, False)
    assert "is lost" in answer["sources"]
    assert "sources of today" in show(folder, "rerun", model)


def test_rerun_of_raw_data_is_refused(original, ask):
    code, said = ask(original, "rerun", "raw")
    assert code == UNKNOWN and "no job made it" in said


# export


def test_the_crate_describes_every_job_and_names_no_patient(original, ask, tmp_path):
    code, answer = ask(original, "export", tmp_path / "crate")
    assert (code, answer["jobs"], answer["invocations"]) == (OK, 9, 2)
    text = (tmp_path / "crate/ro-crate-metadata.json").read_text()
    assert not any(patient in text for patient in PATIENTS)
    graph = {entity["@id"]: entity for entity in json.loads(text)["@graph"]}

    def references(value):
        if isinstance(value, dict):
            return [value["@id"]] if set(value) == {"@id"} else []
        return [r for v in value for r in references(v)] if isinstance(value, list) else []

    known = graph.keys() | {"https://w3id.org/ro/crate/1.1"}
    for entity in graph.values():
        for key, value in entity.items():
            assert set(references(value)) <= known, (entity["@id"], key)
    of_type = {
        kind: [e for e in graph.values() if e["@type"] == kind]
        for kind in ("CreateAction", "ControlAction", "OrganizeAction", "HowToStep")
    }
    assert {k: len(v) for k, v in of_type.items()} == {
        "CreateAction": 11,
        "ControlAction": 9,
        "OrganizeAction": 2,
        "HowToStep": 5,
    }
    workflow = graph[graph["./"]["mainEntity"]["@id"]]
    assert "ComputationalWorkflow" in workflow["@type"]
    assert {s["@id"] for s in of_type["HowToStep"]} == set(references(workflow["step"]))
    assert sorted(references(graph["./"]["conformsTo"]))[2:3] == [
        "https://w3id.org/ro/wfrun/workflow/0.5"
    ]
    for path in ("results/samples.png", "results/manifest.parquet"):
        for row in versions(original, path):
            data = base64.urlsafe_b64encode(bytes.fromhex(row["sha256"])).decode().rstrip("=")
            assert graph[f"ni:///sha-256;{data}"]["sha256"] == row["sha256"]
            made = graph[f"#job/{row['job']}"]
            assert f"ni:///sha-256;{data}" in references(made["result"])
    assert ask(original, "export", tmp_path / "crate")[0] == UNKNOWN


@pytest.mark.skipif(
    "MEDSYNTH_ROCRATE_VALIDATOR" not in os.environ,
    reason="MEDSYNTH_ROCRATE_VALIDATOR does not name a rocrate-validator, which needs the network",
)
def test_a_validator_accepts_the_crate(original, ask, tmp_path):
    ask(original, "export", tmp_path / "crate")
    validator = [os.environ["MEDSYNTH_ROCRATE_VALIDATOR"], "validate", "--requirement-severity"]
    options = [
        "REQUIRED",
        "--profile-identifier",
        "provenance-run-crate",
        "--verbose",
        "--no-paging",
    ]
    done = subprocess.run(
        [*validator, *options, tmp_path / "crate"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


# rebuild


def test_the_ledger_from_mlflow_is_equal_and_takes_a_lost_ones_place(toy, original, ask):
    recorded = ("--recorded-as", original / "results")
    code, answer = ask(toy, "rebuild", *recorded)
    assert (code, answer["items"]) == (OK, {"invocation": 2, "job": 9})
    assert answer["lacking"] == answer["extra"] == [] and not answer["placed"]
    before = Ledger(ledger_path(toy / "results"))
    rows = before.query("SELECT id, phase, record FROM events ORDER BY id, phase")
    before.close()

    ledger_path(toy / "results").unlink()
    assert ask(toy, "verify")[0] == UNKNOWN
    code, answer = ask(toy, "rebuild", *recorded)
    assert (code, answer["placed"]) == (OK, True)
    after = Ledger(ledger_path(toy / "results"))
    assert after.query("SELECT id, phase, record FROM events ORDER BY id, phase") == rows
    assert after.undelivered() == []
    after.close()
    assert ask(toy, "verify", "--deep")[0] == OK
    assert "--recorded-as" in ask(toy, "rebuild")[1]


def test_rebuild_tells_what_mlflow_and_the_ledger_do_not_share(toy, original, ask, show):
    record = sorted((toy / "results/lineage/mlartifacts").rglob("record.json"))[0]
    item = json.loads(record.read_text())["start"]["id"]
    record.write_text(record.read_text().replace('"COMPLETE"', '"FAILED"'))
    code, answer = ask(toy, "rebuild", "--recorded-as", original / "results")
    assert (code, answer["lacking"], answer["extra"]) == (WRONG, [item], [item])
    assert item in show(toy, "rebuild", "--recorded-as", original / "results")
