"""Lineage end to end: a small workflow run by `python -m snakemake`, read back from MLflow."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from lineage_toy import (
    HEAD,
    MLFLOW_STATUS,
    client,
    environ,
    jobs,
    runs,
    snakemake,
    start_snakemake,
)

from medsynth.commands import main as command
from medsynth.lineage.collector import collect
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.invocation import TRACKING_URI

SNAKEFILE = (
    'configfile: "own.yaml"\n'
    + HEAD
    + """
rule all:
    input: "results/out/metrics.json", "results/ran.txt", "results/retried.txt"

rule make:
    input: "raw"
    output: text="results/{x}.part"
    params:
        cfg={"seed": 5, "shape": (1, 2), "path": Path("u")},
        config={"uri": "postgresql://alice:hun/ter2@db/mlflow", "steps(max)": 1},
        code="c0de",
    log: "results/logs/make/{x}.log"
    wildcard_constraints: x="[ab]"
    shell: "echo '{{\\"device\\": \\"cpu\\", \\"usage\\": {{\\"seconds\\": [0.5, 2], "
           "\\"cpu_utilization_percentage\\": [5, 7.5]}}}}' > {log}.run.json;"
           " cat {input}/* > {output}; echo {wildcards.x} >> {output}"

rule join:
    input: parts=["results/a.part", "results/b.part"]
    output: "results/joined.txt", folder=directory("results/folder"), mark=touch("results/mark")
    shell: "cat {input} > {output[0]}; mkdir {output.folder}; echo 1 > {output.folder}/1"

rule script:
    input: table="results/joined.txt", folder="results/folder"
    output:
        metrics="results/out/metrics.json",
        history="results/out/history.csv",
        table="results/out/table.parquet",
        weights="results/out/model.safetensors",
    script: "make_out.py"

rule run:
    input: table="results/out/table.parquet", model="results/out/model.safetensors"
    output: "results/ran.txt"
    run:
        Path(output[0]).write_text("ran")

rule retry:
    output: "results/retried.txt"
    retries: 2
    shell: "if [ -e once ]; then echo ok > {output}; else touch once; exit 3; fi"

rule fail:
    output: "results/failed.txt"
    run:
        raise ValueError("Doe^Jane has no scan")

rule slow:
    output: "results/slow.txt"
    shell: "touch started; sleep $(cat seconds); echo slow > {output}"

lineage.install(workflow, settings)
"""
)

SCRIPT = """
import json
from pathlib import Path

out = snakemake.output
metrics = {"n_real": 3, "metrics": {"fid": {"value": 1.5, "interval": [1, 2], "reason": None}}}
Path(out.metrics).write_text(json.dumps(metrics))
Path(out.history).write_text("step,name,value\\n0,loss,1.0\\n7,loss,0.5\\n")
Path(out.table).write_bytes(b"patient 10000032")
Path(out.weights).write_bytes(b"weights")
"""


def write_workflow(folder: Path) -> Path:
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "make_out.py").write_text(SCRIPT)
    (folder / "own.yaml").write_text("{}\n")
    (folder / "raw").mkdir()
    (folder / "raw/1.txt").write_text("raw\n")
    return folder


def ask(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "medsynth.commands.main", *arguments],
        cwd=folder,
        env=environ(),
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """The workflow after a dry run and one whole run; creating MLflow's database is slow."""
    folder = write_workflow(tmp_path_factory.mktemp("toy"))
    dry = snakemake(folder, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert not (folder / "results").exists(), "a dry run wrote something"
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    assert "mlflow ui --workers 1 --backend-store-uri sqlite:///results/lineage" in done.stderr
    assert "5000/#/experiments/1/runs?workflowType=machine_learning\n" in done.stderr
    return folder


def test_every_attempt_has_one_record_with_its_status(toy):
    found = sorted((j["rule"], j["start"]["attempt"], j["status"]) for j in jobs(toy)[:7])
    assert found == [
        ("join", 1, "COMPLETE"),
        ("make", 1, "COMPLETE"),
        ("make", 1, "COMPLETE"),
        ("retry", 1, "FAILED"),
        ("retry", 2, "COMPLETE"),
        ("run", 1, "COMPLETE"),
        ("script", 1, "COMPLETE"),
    ]


def test_a_configuration_that_the_call_did_not_name_is_recorded_with_the_call(toy):
    code, said = ask(toy, "status", "--json")
    assert code == command.OK
    assert "--configfile=own.yaml" in json.loads(said)["invocations"][-1]["arguments"]


def test_every_output_is_recorded_with_its_bytes(toy):
    outputs = {o["path"]: o for j in jobs(toy)[:7] if j["end"] for o in j["end"]["outputs"]}
    files = [
        *("results/a.part", "results/b.part", "results/joined.txt", "results/ran.txt"),
        *("results/out/metrics.json", "results/out/history.csv", "results/out/table.parquet"),
        *("results/out/model.safetensors", "results/retried.txt"),
    ]
    assert sorted(outputs) == sorted([*files, "results/folder", "results/mark"])
    for path in files:
        data = (toy / path).read_bytes()
        expected = (hashlib.sha256(data).hexdigest(), len(data))
        assert (outputs[path]["sha256"], outputs[path]["bytes"]) == expected
    listing = f"1, 2, {hashlib.sha256(b'1' + os.linesep.encode()).hexdigest()}"
    assert outputs["results/folder"]["sha256"] == hashlib.sha256(listing.encode()).hexdigest()
    assert outputs["results/mark"]["sha256"] is None  # Snakemake touches it after the job


def test_a_record_says_how_the_job_ran(toy):
    start, end = next((j["start"], j["end"]) for j in jobs(toy) if j["rule"] == "make")
    assert start["params"] == {
        "cfg": {"seed": 5, "shape": [1, 2], "path": "u"},
        "config": {"uri": "postgresql://***@db/mlflow", "steps(max)": 1},
        "code": "c0de",
    }
    files = [path for path in (toy / "results").rglob("*") if path.is_file()]
    assert not any(b"hun/ter2" in path.read_bytes() for path in files)
    assert (start["seed"], start["code"], start["threads"], end["device"]) == (5, "c0de", 1, "cpu")
    assert [(i["name"], i["path"]) for i in start["inputs"]] == [(None, "raw")]
    script = next(j["start"] for j in jobs(toy) if j["rule"] == "script")
    assert [i["name"] for i in script["inputs"]] == ["table", "folder"]


def test_mlflow_holds_exactly_one_run_an_attempt(toy):
    found = runs(toy)
    by_id = {r.data.tags["medsynth.id"]: r for r in found}
    assert len(by_id) == len(found)
    for job in jobs(toy)[:7]:
        run = by_id[job["id"]]
        assert run.info.status == MLFLOW_STATUS[job["status"]]
        assert run.info.start_time == round(job["start"]["time"] * 1000)
        assert run.info.end_time == round(job["end"]["time"] * 1000)
        assert by_id[job["invocation"]].info.run_id == run.data.tags["mlflow.parentRunId"]
        record = json.loads(
            Path(client(toy).download_artifacts(run.info.run_id, "record.json")).read_text()
        )
        assert record == {"start": job["start"], "end": job["end"]}


def test_mlflow_holds_params_curves_datasets_and_weights_but_no_tables(toy):
    mlflow, found = client(toy), runs(toy)
    by_name = {r.info.run_name: r for r in found}
    assert by_name["a/make"].data.params["cfg.shape"] == "[1, 2]"
    assert by_name["a/make"].data.params["config.steps_max_"] == "1"
    script = by_name["script"]
    assert script.data.metrics["fid"] == 1.5 and script.data.metrics["fid.interval.1"] == 2
    curve = mlflow.get_metric_history(script.info.run_id, "loss")
    assert sorted((m.step, m.value) for m in curve) == [(0, 1.0), (7, 0.5)]
    uploaded = {a.path for a in mlflow.list_artifacts(script.info.run_id, "results/out")}
    assert uploaded == {"results/out/metrics.json", "results/out/history.csv"}

    run = mlflow.get_run(by_name["run"].info.run_id)  # a search leaves the models out
    dataset, model = run.inputs.dataset_inputs
    table = hashlib.sha256(b"patient 10000032").hexdigest()
    assert (dataset.dataset.name, dataset.dataset.digest) == ("table", table[:36])
    weights = hashlib.sha256(b"weights").hexdigest()
    assert (model.dataset.name, model.dataset.digest) == ("model", weights[:36])
    # Nothing is shown as a model that nobody could load; the run tells where the weights lie.
    assert mlflow.search_logged_models([run.info.experiment_id]) == []
    note = script.data.tags["mlflow.note.content"]
    assert "`results/out/model.safetensors`" in note and weights in note


def test_mlflow_shows_what_the_machine_did_as_system_metrics(toy):
    run = next(r for r in runs(toy) if r.info.run_name == "a/make")
    name = "system/cpu_utilization_percentage"
    curve = client(toy).get_metric_history(run.info.run_id, name)
    found = sorted((m.step, m.value, m.timestamp - run.info.start_time) for m in curve)
    assert [(step, value) for step, value, _ in found] == [(0, 5), (1, 7.5)]
    assert [round(at / 10) for _, _, at in found] == [50, 200]


def test_mlflow_tells_what_a_study_and_an_invocation_are(toy):
    mlflow = client(toy)
    study = mlflow.get_experiment_by_name("toy")
    assert "figures" in study.tags["mlflow.note.content"]
    (first, *_) = sorted(runs(toy), key=lambda run: run.info.start_time)
    call = "--configfile=own.yaml --cores 2 --nolock --rerun-incomplete --keep-going"
    assert first.info.run_name == f"snakemake {call}"
    assert first.info.run_name in first.data.tags["mlflow.note.content"]


def test_mlflow_finds_the_run_that_made_a_file_by_its_digest(toy):
    mlflow = client(toy)
    study = mlflow.get_experiment_by_name("toy").experiment_id
    digest = hashlib.sha256((toy / "results/out/metrics.json").read_bytes()).hexdigest()
    found = mlflow.search_runs([study], f"tags.`medsynth.outputs` LIKE '%{digest[:12]}%'")
    assert [run.info.run_name for run in found] == ["script"]


def test_a_run_with_nothing_to_do_is_recorded_without_jobs(toy):
    before = len(jobs(toy))
    assert snakemake(toy).returncode == 0
    assert collect(toy / "results") == 0
    code, said = ask(toy, "status", "--json")
    answer = json.loads(said)
    assert (code, answer["ok"], answer["undelivered"]) == (0, True, 0)
    (latest, *_) = answer["invocations"]
    assert (latest["status"], latest["jobs"]) == ("COMPLETE", {})
    (run,) = [r for r in runs(toy) if r.data.tags["medsynth.id"] == latest["id"]]
    assert (run.info.status, run.data.tags["medsynth.jobs"]) == ("FINISHED", "0")
    assert len(jobs(toy)) == before


def test_trace_goes_up_to_the_raw_folder(toy):
    code, said = ask(toy, "trace", "results/ran.txt", "--json")
    answer = json.loads(said)
    assert code == 0
    assert sorted(j["rule"] for j in answer["jobs"].values()) == [
        "join",
        "make",
        "make",
        "run",
        "script",
    ]
    raw = [i for j in answer["jobs"].values() for i in j["inputs"] if not i["producer"]]
    assert {i["path"] for i in raw} == {"raw"}
    assert all(j["run_id"] for j in answer["jobs"].values())
    code, said = ask(toy, "trace", str(toy / "results/ran.txt"))
    assert code == 0 and said.count("make x=a") == 1 and "raw: no job made it" in said


def test_trace_tells_unknown_and_altered_artifacts(toy):
    code, said = ask(toy, "trace", "results/nothing.txt")
    assert code == command.UNKNOWN and "no recorded job made or read it" in said
    path = toy / "results/retried.txt"
    before, stat = path.read_bytes(), path.stat()
    path.write_bytes(b"oK\n")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    code, said = ask(toy, "trace", "results/retried.txt")
    path.write_bytes(before)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert code == command.WRONG and "ALTERED" in said
    assert ask(toy, "trace", "results/retried.txt")[0] == command.OK


def test_a_failed_job_is_recorded_without_its_message(toy):
    assert snakemake(toy, "results/failed.txt").returncode == 1
    failed = jobs(toy)[-1]
    assert (failed["rule"], failed["status"]) == ("fail", "FAILED")
    assert failed["end"]["error"] == "ValueError"
    assert b"Doe^Jane" not in ledger_path(toy / "results").read_bytes()
    run = next(r for r in runs(toy) if r.info.run_name == "fail")
    assert run.info.status == "FAILED"


def test_a_killed_workflow_becomes_killed_and_the_next_run_goes_on(toy):
    (toy / "seconds").write_text("600")
    (toy / "started").unlink(missing_ok=True)
    process = start_snakemake(toy, "results/slow.txt")
    while not (toy / "started").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert collect(toy / "results") == 0
    assert [(j["rule"], j["status"]) for j in jobs(toy)[-1:]] == [("slow", "KILLED")]

    (toy / "seconds").write_text("0")
    done = snakemake(toy, "results/slow.txt")
    assert done.returncode == 0, done.stderr
    found = [r.info.status for r in runs(toy) if r.info.run_name == "slow"]
    assert sorted(found) == ["FINISHED", "KILLED"]
    assert ask(toy, "status")[0] == command.OK


def test_no_job_fails_when_mlflow_is_down_and_all_arrives_later(toy, tmp_path, monkeypatch):
    folder = write_workflow(tmp_path)
    done = snakemake(folder, "--config", "uri=http://127.0.0.1:9", "--", "results/joined.txt")
    assert done.returncode == 0, done.stderr
    assert "not yet in MLflow" in done.stderr
    code, said = ask(folder, "status")
    assert code == command.WRONG and "waiting: 0 for the ledger, 4 for MLflow" in said
    # Into the other workflow's database, because creating one is slow.
    monkeypatch.setenv(TRACKING_URI, f"sqlite:///{toy}/results/lineage/mlflow.db")
    assert collect(folder / "results") == 0
    assert collect(folder / "results") == 0
    ids = [job["id"] for job in jobs(folder)]
    delivered = [r.data.tags["medsynth.id"] for r in runs(toy)]
    assert [delivered.count(i) for i in ids] == [1, 1, 1]


def test_a_run_made_by_a_collector_that_died_is_found_again(toy):
    ledger = Ledger(ledger_path(toy / "results"))
    before = len(runs(toy))
    ledger._db.execute("DELETE FROM deliveries")  # as if it died after making each run
    ledger.close()
    assert collect(toy / "results") == 0
    assert len(runs(toy)) == before


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lineage.install(workflow, settings)", "", None),
        ("rule retry:", "rule retry:\n    cache: True", "uses cache:"),
        (
            "",
            "\nrule late:\n    output: 'results/late'\n    shell: 'touch {output}'\n",
            "unrecorded",
        ),
    ],
)
def test_what_cannot_be_recorded_does_not_run(tmp_path, old, new, says):
    folder = write_workflow(tmp_path)
    text = SNAKEFILE.replace(old, new) if old else SNAKEFILE + new
    (folder / "Snakefile").write_text(text)
    done = snakemake(folder, "results/a.part", "--rerun-triggers", "mtime")
    if says:
        assert done.returncode == 1 and says in done.stderr
        assert not spool.lineage_dir(folder / "results").exists()
    else:
        assert done.returncode == 0  # the control: the same call runs without lineage
