"""The workflow in a real Slurm, where jobs are cancelled and killed: ``pytest --slurm``."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import yaml

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from tests.checkout import Checkout
from tests.workflow.slurm_cluster import Cluster, NoSlurm

PAGE = "results/report/index.html"
WAIT_SECONDS = 900.0
# Python imports this in every process. In the first attempt of one training, as soon as that has a
# checkpoint, it takes more memory than the job has asked for.
LEAK = """
import os, sys, threading, time
from pathlib import Path

def leak():
    while not Path("leaked").exists():
        time.sleep(0.1)
        files = []
        for fd in Path("/proc/self/fd").iterdir():
            try:
                files.append(os.readlink(fd))
            except OSError:
                continue
        if any(file.endswith("/train_model/ct_cyclegan.log") for file in files) and list(
            Path("results/work").glob("ct_cyclegan-*/checkpoint.pt")
        ):
            Path("leaked").touch()
            taken = b"x" * 2**30
            time.sleep(600)

if any(argument.endswith("train_model.py") for argument in sys.orig_argv):
    threading.Thread(target=leak, daemon=True).start()
"""


@pytest.fixture
def cluster(tmp_path, request) -> Iterator[Cluster]:
    if not request.config.getoption("--slurm"):
        pytest.skip("takes many minutes: pytest --slurm")
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="of the extra slurm")
    try:
        with Cluster(tmp_path / "slurm") as cluster:
            yield cluster
    except NoSlurm as error:
        pytest.skip(str(error))


@pytest.fixture
def checkout(tmp_path, cluster) -> Checkout:
    found = Checkout(tmp_path / "medsynth")
    config = yaml.safe_load((found.folder / "tiny.yaml").read_text())
    for experiment in config["experiments"]:
        experiment["train"] |= {"checkpoint_every": 10, "log_every": 10}
        if experiment["family"] != "progan":
            experiment["train"]["steps"] = max(experiment["train"]["steps"], 60)
    (found.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "leak").mkdir()
    (tmp_path / "leak" / "sitecustomize.py").write_text(LEAK)
    found.environment |= cluster.environment
    found.environment["PYTHONPATH"] = f"{tmp_path / 'leak'}:{found.environment['PYTHONPATH']}"
    found.environment["OMP_NUM_THREADS"] = "1"
    return found


def start(checkout: Checkout) -> subprocess.Popen[str]:
    """The workflow to its page; each job asks for little, as the node is this machine."""
    options = ["--workflow-profile", "profiles/slurm", "--configfile", "tiny.yaml"]
    options += ["--slurm-init-seconds-before-status-checks", "5"]
    options += ["--default-resources", "gpu=0", "mem_mb=900", "runtime=30", "--set-resources"]
    options += ["train_model:mem_mb=900*attempt", "sample_model:gpu=1", "shard_cohort:mem_mb=2000"]
    options += ["index_cohort:threads=1", "--set-threads", "index_cohort=1", "shard_cohort=1"]
    return subprocess.Popen(
        [*checkout.command("--workflow-profile")[:3], *options, "--", PAGE],
        cwd=checkout.folder,
        env=checkout.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def wait_for(found: Callable[[], Any], workflow: subprocess.Popen[str]) -> Any:
    """What is found in the end, while the workflow runs."""
    until = time.monotonic() + WAIT_SECONDS
    while not (value := found()):
        assert time.monotonic() < until and workflow.poll() is None, workflow.communicate()[0]
        time.sleep(0.5)
    return value


def test_the_tiny_study_reaches_its_page_through_kills(cluster, checkout):
    def running(job: str) -> list[str]:
        return [
            found["JobId"]
            for found in cluster.jobs()
            if found["Comment"] == job and found["JobState"] == "RUNNING"
        ]

    # The workflow itself is killed, and leaves a job behind.
    first = start(checkout)
    wait_for(lambda: running("rule_make_demo_data_wildcards_mimic-cxr"), first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    left = [job["JobId"] for job in cluster.jobs()]

    second = start(checkout)
    try:
        work = checkout.folder / "results" / "work"
        wait_for(lambda: list(work.glob("cxr_ddpm-*/checkpoint.pt")), second)
        [cancelled] = running("rule_train_model_wildcards_cxr_ddpm")
        cluster.ask("scancel", cancelled)
        printed = second.communicate()[0]
    finally:
        second.kill()
    jobs = cluster.jobs()
    table = [
        f"{job['JobId']:>4} {job['JobState']:<10} {job['ExitCode']:<5} {job['RunTime']}"
        f" {job.get('MinMemoryNode', ''):>6} {job.get('TresPerJob', ''):<10} {job['Comment']}"
        for job in jobs
    ]
    print(printed, *table, sep="\n")
    assert second.returncode == 0
    assert (checkout.folder / PAGE).exists()

    ended = [job for job in jobs if job["JobId"] in left and job["JobState"] == "CANCELLED"]
    assert ended, "all that the killed workflow left had ended before the next one looked"
    assert f"cancelled {len(ended)} Slurm job" in printed
    assert f"✗ train_model cxr_ddpm, Slurm job {cancelled}: CANCELLED" in printed
    [killed] = [
        job["JobId"]
        for job in jobs
        if job["Comment"] == "rule_train_model_wildcards_ct_cyclegan"
        and job["JobState"] == "FAILED"
    ]
    assert f"✗ train_model ct_cyclegan, Slurm job {killed}: OUT_OF_MEMORY" in printed
    assert {job["TresPerJob"] for job in jobs if "sample_model" in job["Comment"]} == {"gres:gpu:1"}

    # A job that is cancelled has seconds to say so; one that is killed says nothing.
    for experiment, ends in (("cxr_ddpm", ("FAILED", "KILLED")), ("ct_cyclegan", ("KILLED",))):
        first_try, second_try = attempts(checkout, experiment)
        assert first_try in [(1, end) for end in ends] and second_try == (2, "COMPLETE")
        log = (checkout.folder / f"results/logs/train_model/{experiment}.log").read_text()
        assert "resuming after step" in log
    status = checkout.medsynth("status").stdout
    assert "ledger: intact" in status and "RUNNING" not in status
    verified = checkout.medsynth("verify", "--deep")
    assert verified.returncode == 0, verified.stdout
    assert "train_model experiment=cxr_ddpm" in checkout.medsynth("trace", PAGE).stdout


def attempts(checkout: Checkout, experiment: str) -> list[tuple[int, str]]:
    """Which attempt at a training ended how, as the ledger has it."""
    with closing(Ledger(ledger_path(checkout.folder / "results"))) as ledger:
        rows = ledger.query("SELECT id, status FROM items WHERE rule='train_model' ORDER BY seq")
        starts = [(ledger.job_start(row["id"]), row["status"]) for row in rows]
    return [
        (start["attempt"], status)
        for start, status in starts
        if start and start["wildcards"] == {"experiment": experiment}
    ]
