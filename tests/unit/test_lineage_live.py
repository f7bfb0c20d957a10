"""Curves reach MLflow while a training runs, and every point exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest
from lineage_toy import HEAD, client, collectors, jobs, kill, runs, start_snakemake, wait_until

from medsynth.lineage.collector import collect
from medsynth.lineage.mlflow.measurements import Point, read_points

# Two trainings at once, as scripts that run the true loop: it waits at step 4 for `go`.
SNAKEFILE = (
    HEAD
    + """
rule all:
    input: expand("results/{x}/history.csv", x=["a", "b"])

rule train:
    output: "results/{x}/history.csv"
    log: "results/logs/{x}.log"
    script: "train.py"

lineage.install(workflow, settings)
"""
)
SCRIPT = """
import time
from pathlib import Path

from medsynth.runtime.settings import Loop
from medsynth.runtime.logs import configure_logging
from medsynth.runtime.loop import run_steps
from medsynth.store.atomic import publish

def step(i):
    while i == 4 and not Path("go").exists():
        time.sleep(0.05)
    return {"loss": i + ord(snakemake.wildcards.x), "rate": 0.5}

with configure_logging(snakemake.log[0]):
    work = Path("results/work", snakemake.wildcards.x)
    work.mkdir(parents=True)
    settings = Loop(steps=6, batch=1, log_every=2, checkpoint_every=6)
    publish(run_steps(step, state={}, settings=settings, work=work), snakemake.output[0])
"""


def curve(folder: Path, wildcard: str, metric: str) -> list[tuple[int, float]]:
    found = [r.info.run_id for r in runs(folder) if r.info.run_name == f"{wildcard}/train"]
    points = client(folder).get_metric_history(found[0], metric) if found else []
    return sorted((p.step, p.value) for p in points)


@pytest.mark.parametrize("killed", [False, True])
def test_points_are_there_while_the_job_runs_and_once_afterwards(tmp_path, killed):
    """A new collector, which has to ask MLflow what is there, sends nothing twice either."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "train.py").write_text(SCRIPT)
    process = start_snakemake(tmp_path)
    database = tmp_path / "results/lineage/mlflow.db"
    wait_until(lambda: database.exists() or process.poll(), "the database")
    early = {"a": [(2, 97.5), (4, 99.5)], "b": [(2, 98.5), (4, 100.5)]}
    for x, points in early.items():
        wait_until(
            lambda x=x, points=points: curve(tmp_path, x, "loss") == points, f"points of {x}"
        )
    assert [job["status"] for job in jobs(tmp_path)] == ["RUNNING", "RUNNING"]
    if killed:
        kill(collectors(tmp_path)[0])
    (tmp_path / "go").touch()
    assert process.wait() == 0, (tmp_path / "stderr.txt").read_text()
    assert collect(tmp_path / "results") == 0
    for x, points in early.items():
        last = (6, points[1][1] + 2)
        assert curve(tmp_path, x, "loss") == [*points, last]
        assert curve(tmp_path, x, "rate") == [(2, 0.5), (4, 0.5), (6, 0.5)]


def test_a_row_that_is_being_written_is_read_the_next_time(tmp_path):
    path = tmp_path / "history.csv"
    path.write_bytes(b"step,name,value\r\n1,loss,0.5\r\n2,lo")
    points, end = read_points(path)
    assert points == [Point(1, "loss", 0.5)]
    assert read_points(path, end) == ([], end)
    with open(path, "ab") as file:
        file.write(b"ss,0.25\r\n")
    assert read_points(path, end)[0] == [Point(2, "loss", 0.25)]
    assert read_points(path)[0] == [Point(1, "loss", 0.5), Point(2, "loss", 0.25)]
