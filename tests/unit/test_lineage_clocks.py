"""The record is whole whatever the clocks say: they step by seconds, during jobs and between.

MEDSYNTH_CLOCK_ROUNDS sets the number of rounds; each has its own seed.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import subprocess
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from lineage_records import whole
from lineage_toy import HEAD, LIBRARY, command, jobs
from snakemake.iocontainers import InputFiles, Log, OutputFiles, Params, ResourceList, Wildcards

from medsynth.commands.lineage import verify
from medsynth.lineage.collector import collect, drain
from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.queries.trace import trace
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.capture import JobRecorder

ROUNDS = int(os.environ.get("MEDSYNTH_CLOCK_ROUNDS", "20"))
STEP_S = 5.0
FORK = multiprocessing.get_context("fork")


class Study:
    """Jobs with their true capture, each in a process of its own, and a drain now and then."""

    def __init__(self, folder: Path, chance: random.Random, monkeypatch):
        self.chance, self.results = chance, folder / "results"
        monkeypatch.chdir(folder)
        self.real_time = time.time
        monkeypatch.setattr(time, "time", self.clock)
        monkeypatch.setattr(time, "time_ns", lambda: int(self.clock() * 1e9))
        nobody = SimpleNamespace(named_in=lambda given: set())
        self.recorder = JobRecorder(self.results, SimpleNamespace(attempt=1), nobody)
        flow = {"kind": "invocation", "phase": "start", "id": "flow"}
        spool.write(self.results, whole(flow | {"workdir": str(folder)}) | self.where())
        self.ledger = Ledger(ledger_path(self.results))
        self.late: list[tuple[Path, Path]] = []

    def where(self) -> dict:
        return {"results": str(self.results), "time": time.time()}

    def clock(self) -> float:
        return self.real_time() + self.chance.uniform(-STEP_S, STEP_S)

    def job(self, rule: str, inputs: list[str], output: str, content: str) -> None:
        """Run a job to its end, then maybe show its records late or drain what there is."""

        def run(input, output, params, wildcards, threads, resources, log, jobid):
            Path(output[0]).parent.mkdir(exist_ok=True)
            Path(output[0]).write_text(content + "".join(Path(i).read_text() for i in input))

        named = SimpleNamespace(name=rule, run_func=run, output=[])
        lists = (InputFiles(inputs), OutputFiles([output]), Params(), Wildcards())
        process = FORK.Process(
            target=self.recorder.recording(named), args=(*lists, 1, ResourceList(), Log(), 1)
        )
        before = set(spool.waiting(self.results))
        process.start()
        process.join()
        assert process.exitcode == 0
        made = [path for path in spool.waiting(self.results) if path not in before]
        assert len(made) == 2
        for path in made:
            if self.chance.random() < 0.3:  # as a file server may show it to another machine
                hidden = path.with_suffix(".late")
                self.late.append((path.rename(hidden), path))
        if self.chance.random() < 0.7:
            drain(self.results, self.ledger)
            if self.chance.random() < 0.7:
                self.show()

    def show(self) -> None:
        for hidden, path in self.late:
            hidden.rename(path)
        self.late = []


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_clocks_that_step_and_records_that_come_late_lose_nothing(tmp_path, monkeypatch, seed):
    study = Study(tmp_path, random.Random(seed), monkeypatch)
    Path("raw").write_text("raw")
    ends = []
    for version in "12":
        study.job("first", ["raw"], "results/a", version)
        study.job("second", ["raw", "results/a"], "results/b", version)
        study.job("third", ["results/a", "results/b"], "results/c", "")
        study.show()  # before anything is made anew
        drain(study.results, study.ledger)
        ends.append(study.ledger.head()[0])
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)

    rows = study.ledger.query("SELECT status FROM items WHERE kind='job'")
    assert [row["status"] for row in rows] == ["COMPLETE"] * 6
    assert study.ledger.broken_links() == study.ledger.headless() == []
    made = study.ledger.query("SELECT path, sha256 FROM artifacts WHERE role='outputs'")
    assert len({row["sha256"] for row in made}) == 6
    for row in made:
        answer = trace(study.results, row["sha256"])
        inputs = [f for job in answer["jobs"].values() for f in job["inputs"]]
        assert {f["path"] for f in inputs if not f["producer"]} == {"raw"}
        assert len(answer["jobs"]) == "abc".index(row["path"][-1]) + 1
        # All of one version: none was taken for the other.
        assert len({job["seq"] <= ends[0] for job in answer["jobs"].values()}) == 1
        assert all(job["seconds"] >= 0 for job in answer["jobs"].values())
    answer = verify.answer(study.results, deep=False)
    assert (answer["artifacts"], answer["wrong"]) == ({"identical": 4}, [])
    study.ledger.close()


SNAKEFILE = (
    HEAD
    + """
rule all:
    input: "results/sum.txt"

rule shell:
    input: "raw.txt"
    output: "results/{i}.txt"
    shell: "cat {input} > {output}; echo {wildcards.i} >> {output}"

rule script:
    input: "results/{i}.txt"
    output: "results/{i}.out"
    run:
        Path(output[0]).write_text(Path(input[0]).read_text() * 2)

rule total:
    input: expand("results/{i}.out", i=range(3))
    output: "results/sum.txt"
    shell: "cat {input} > {output}"

lineage.install(workflow, settings)
"""
)
# Preloaded by every Python process of the workflow, the collector's included.
SHIM = f"""
import random, time
real = time.time
time.time = lambda: real() + random.uniform(-{STEP_S}, {STEP_S})
time.time_ns = lambda: int(time.time() * 1e9)
"""


def test_a_workflow_on_a_machine_with_a_stepping_clock_is_recorded_whole(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "raw.txt").write_text("raw")
    (tmp_path / "shim").mkdir()
    (tmp_path / "shim/sitecustomize.py").write_text(SHIM)
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}/shim:{LIBRARY}"}
    done = subprocess.run(command(), cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert collect(tmp_path / "results") == 0
    found = jobs(tmp_path)
    assert [job["status"] for job in found] == ["COMPLETE"] * 7
    answer = trace(tmp_path / "results", tmp_path / "results/sum.txt")
    assert len(answer["jobs"]) == 7
    raw = {f["path"] for j in answer["jobs"].values() for f in j["inputs"] if not f["producer"]}
    assert raw == {"raw.txt"}
    with closing(Ledger(ledger_path(tmp_path / "results"))) as ledger:
        assert ledger.broken_links() == []
