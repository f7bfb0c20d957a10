"""Nothing is lost: 64 jobs at once, kills at random moments, a server that goes and comes back.

MEDSYNTH_KILL_ROUNDS sets the number of rounds of kills; each has its own seed.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import random
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from lineage_toy import (
    HEAD,
    MLFLOW_STATUS,
    collectors,
    free_port,
    job_processes,
    jobs,
    kill,
    mlflow_server,
    runs,
    snakemake,
    start_snakemake,
    wait_until,
)

from medsynth.lineage.collector import collect
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.invocation import TRACKING_URI

ROUNDS = int(os.environ.get("MEDSYNTH_KILL_ROUNDS", "3"))

# Each execution leaves a line in `executed`, whoever is killed when.
SNAKEFILE = (
    HEAD
    + """
import time

JOBS, HOLD = int(config.get("jobs", 8)), config.get("hold", 0)

rule all:
    input: "results/sum.txt"

rule work:
    output: "results/{i}.txt"
    shell:
        "echo work {wildcards.i} >> executed; sleep 0.4;"
        " while [ {HOLD} = 1 -a ! -e go ]; do sleep 0.1; done; echo {wildcards.i} > {output}"

rule total:
    input: expand("results/{i}.txt", i=range(JOBS))
    output: "results/sum.txt"
    run:
        with open("executed", "a") as file:
            file.write("total\\n")
        time.sleep(0.5)
        Path(output[0]).write_text(str(sum(int(Path(i).read_text()) for i in input)))

lineage.install(workflow, settings)
"""
)


@pytest.fixture
def toy(tmp_path) -> Path:
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    return tmp_path


def name(job: dict) -> str:
    return " ".join([job["rule"], *job["start"]["wildcards"].values()])


def check_complete(toy: Path, uri: str | None = None) -> None:
    """Every attempt once in ledger and MLflow, with its status; every output as recorded."""
    found = jobs(toy)
    records = Counter(map(name, found))
    executed = Counter((toy / "executed").read_text().splitlines())
    assert executed - records == Counter(), "a job ran without a record"

    ledger = Ledger(ledger_path(toy / "results"))
    assert ledger.broken_links() == []
    items = ledger.query("SELECT id, status FROM items")
    ledger.close()
    assert list(spool.read(toy / "results")) == []
    delivered = sorted((r.data.tags["medsynth.id"], r.info.status) for r in runs(toy, uri))
    assert delivered == sorted((i["id"], MLFLOW_STATUS[i["status"]]) for i in items)

    for job in found:
        if job["status"] == "COMPLETE":
            (output,) = job["end"]["outputs"]
            data = (toy / output["path"]).read_bytes()
            assert output["sha256"] == hashlib.sha256(data).hexdigest()
    complete = Counter(name(job) for job in found if job["status"] == "COMPLETE")
    # Two are possible: the kill came between a job's end and Snakemake's note of it.
    assert set(complete) == set(records) and max(complete.values()) <= 2


def test_64_jobs_at_once_are_all_recorded(toy):
    done = snakemake(toy, "--cores", "64", "--config", "jobs=64")
    assert done.returncode == 0, done.stderr
    found = jobs(toy)
    assert len(found) == 65 and {job["status"] for job in found} == {"COMPLETE"}
    check_complete(toy)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_kills_at_random_moments_lose_nothing(toy, seed):
    chance = random.Random(seed)
    process = start_snakemake(toy)
    victims = {
        "job": lambda: job_processes(toy),
        "collector": lambda: collectors(toy),
        "workflow": lambda: [process.pid] if process.poll() is None else [],
    }
    wait_until(lambda: collectors(toy), "the workflow starts")
    killed = []
    for victim in chance.sample(sorted(victims), 3):
        time.sleep(chance.uniform(0, chance.choice([0.1, 1, 3])))
        wait_until(lambda v=victim: victims[v]() or process.poll() is not None, f"a {victim}")
        if alive := victims[victim]():
            kill(chance.choice(alive))
            killed.append(victim)
    print("killed:", *killed)  # pytest shows it when the round fails
    process.wait()

    done = snakemake(toy)
    assert done.returncode == 0, done.stderr
    assert collect(toy / "results") == 0
    check_complete(toy)
    invocations = [r for r in runs(toy) if r.data.tags["medsynth.kind"] == "invocation"]
    assert len(invocations) <= 2


def running(toy: Path) -> subprocess.Popen[bytes]:
    """A workflow with a job at work; the job waits until told to go on."""
    process = start_snakemake(toy, "--config", "hold=1", "--", "results/0.txt")
    wait_until((toy / "executed").exists, "the job starts")
    return process


def test_a_second_call_on_the_same_results_is_refused_until_the_first_is_over(toy):
    first = running(toy)
    second = snakemake(toy, "results/1.txt")
    assert second.returncode == 1
    assert f"another snakemake is at work on {toy}/results; wait for it" in second.stderr
    assert "Traceback" not in second.stderr
    assert (toy / "executed").read_text() == "work 0\n"
    (toy / "go").touch()
    assert first.wait() == 0, (toy / "stderr.txt").read_text()
    assert snakemake(toy, "results/0.txt").returncode == 0


def test_what_a_killed_workflow_left_running_is_stopped_and_keeps_no_lock(toy):
    first = running(toy)
    kill(first.pid)
    first.wait()
    assert job_processes(toy) and collectors(toy)
    done = snakemake(toy, "results/0.txt")
    assert done.returncode == 0, done.stderr
    assert "processes that a killed workflow left running" in done.stderr
    assert job_processes(toy) == []  # else it would wait for ever
    assert collect(toy / "results") == 0
    assert [job["status"] for job in jobs(toy)] == ["KILLED", "COMPLETE"]
    check_complete(toy)


def test_a_server_that_goes_down_fails_no_job_and_gets_all_later(toy, tmp_path, monkeypatch):
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    server = tmp_path / "server"
    server.mkdir()
    with mlflow_server(server, port):
        process = start_snakemake(toy, "--config", "jobs=2", "hold=1", f"uri={uri}")
        wait_until(lambda: len(runs(toy, uri)) == 3, "runs of the workflow and two jobs")
    (toy / "go").touch()
    assert process.wait() == 0, (toy / "stderr.txt").read_text()
    assert "not yet in MLflow" in (toy / "stderr.txt").read_text()
    assert {job["status"] for job in jobs(toy)} == {"COMPLETE"}

    monkeypatch.setenv(TRACKING_URI, uri)
    assert collect(toy / "results") > 0  # it is still away
    with mlflow_server(server, port):
        assert collect(toy / "results") == 0
        check_complete(toy, uri)
    assert len(list((server / "files").rglob("record.json"))) == 4


def _first_start(results: Path, item: str, barrier) -> None:
    from medsynth.lineage.mlflow import sink as mlflow_sink  # noqa: F401  (what takes seconds, before the race)

    process = spool.this_process()
    record = {"kind": "invocation", "id": item, "phase": "start", "study": "toy", "config": {}}
    record |= {"process": process, "time": 1.0, "arguments": [], "snakefile": "s"}
    record |= {"workdir": str(results.parent), "results": str(results)}
    record |= {"git": {"head": None, "dirty": None}, "config_sha256": ""}
    record |= {"environment": {"packages_sha256": "", "lock_sha256": None}}
    barrier.wait()
    spool.write(results, record)
    if collect(results):
        raise SystemExit(1)


def test_16_processes_start_on_a_fresh_database_without_an_error(tmp_path):
    import mlflow  # noqa: F401  (the forked processes have it then)

    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(16)
    processes = [
        context.Process(target=_first_start, args=(tmp_path / "results", f"i{n}", barrier))
        for n in range(16)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 16
    assert collect(tmp_path / "results") == 0
    found = sorted((r.data.tags["medsynth.id"], r.info.status) for r in runs(tmp_path))
    assert found == sorted((f"i{n}", "KILLED") for n in range(16))
