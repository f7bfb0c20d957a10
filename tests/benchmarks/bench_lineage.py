"""What recording costs a job of the demo, and a question to a ledger of 100,000 jobs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import mean, median

import pandas as pd

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool

LIBRARY = Path(spool.__file__).parents[3]
DEMO = Path("results/benchmarks")

# A job reads and writes what a job of the demo does on average: 6 inputs and 3 outputs, 1 MB each.
JOBS, ROUNDS = 20, 3
TOY = """
rule all:
    input: expand("results/{{i}}/2", i=range({jobs}))

rule work:
    input: expand("raw/{{{{i}}}}/{{n}}", n=range(6))
    output: expand("results/{{{{i}}}}/{{n}}", n=range(3))
    shell: "date +%s.%N >> times; head -qc 180000 {{input}} | tee {{output}} > /dev/null"
"""
CAPTURE = """
from types import SimpleNamespace
from medsynth.lineage.recording import capture

capture.install(workflow, SimpleNamespace(
    results_dir=Path("results"),
    lineage=SimpleNamespace(study="toy", tracking_uri=None, artifact_uri=None),
    model_dump=lambda mode: {},
))
"""
INVOCATIONS, JOBS_A_FLOW, LIMIT_S = 1000, 100, 2.0


def _seconds_a_job(snakefile: str) -> float:
    """From the start of one job to the start of the next, one at a time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Snakefile").write_text("from pathlib import Path\n" + snakefile)
        for job in range(JOBS):
            (folder / f"raw/{job}").mkdir(parents=True)
            for file in range(6):
                (folder / f"raw/{job}/{file}").write_bytes(os.urandom(1_000_000))
        subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", "--nolock", "--quiet", "all"],
            check=True,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(LIBRARY)},
            stderr=subprocess.DEVNULL,
        )
        times = [float(line) for line in (folder / "times").read_text().split()]
    return median(b - a for a, b in zip(times, times[1:], strict=False))


def _recording():
    files = sorted(DEMO.glob("**/*.tsv"))
    if not files:
        raise SystemExit("no demo has run here: call `make demo` first")
    job = float(mean(pd.read_csv(file, sep="\t")["s"].mean() for file in files))
    toy = TOY.format(jobs=JOBS)
    without, recorded = [], []
    for _ in range(ROUNDS):
        without.append(_seconds_a_job(toy))
        recorded.append(_seconds_a_job(toy + CAPTURE))
    cost = median(recorded) - median(without)
    yield {
        "name": "capture and hashing / mean job of the demo",
        "unit": "s",
        "ours": cost,
        "peer": job,
        "ratio": cost / job,
        "goal": "<= 0.05",
    }


def _file(path: str, version: int) -> spool.Record:
    sha256 = hashlib.sha256(f"{path} {version}".encode()).hexdigest()
    return {"name": None, "path": path, "sha256": sha256, "bytes": 1}


def _flow(number: int):
    """Records of one workflow: shards, a manifest of them, trainings, their evaluations."""
    clock = float(number * JOBS_A_FLOW)
    process = spool.this_process()
    environment = ("python", "packages_sha256", "lock_sha256", "snakemake")
    flow = {"kind": "invocation", "phase": "start", "id": f"flow{number}", "process": process}
    flow |= {"time": clock, "arguments": [], "config": {}, "workdir": "/x", "results": "/x/results"}
    flow |= {"git": {"head": None, "dirty": None}, "config_sha256": None}
    yield flow | {"environment": dict.fromkeys(environment)}
    shards = [f"results/shards/{i}.h5" for i in range(60)]
    models = [f"results/models/{i}.safetensors" for i in range(20)]
    metrics = [f"results/metrics/{i}.json" for i in range(18)]
    steps = [([f"raw/{i}"], shard) for i, shard in enumerate(shards)]
    steps += [(shards, "results/manifest.parquet")]
    steps += [(["results/manifest.parquet", *shards], model) for model in models]
    steps += [([model, *shards], path) for model, path in zip(models, metrics, strict=False)]
    steps += [(metrics, "results/report.html")]
    for step, (inputs, output) in enumerate(steps):
        job = {"kind": "job", "id": f"job{number}-{step}", "invocation": flow["id"]}
        start = {"phase": "start", "rule": "work", "wildcards": {}, "params": {"seed": 1}}
        start |= {"code": None, "seed": 1, "attempt": 1, "process": process, "log": []}
        files = [_file(i, 0 if i.startswith("raw") else number) for i in inputs]
        yield job | start | {"inputs": files, "time": clock + step}
        end = {"phase": "end", "status": "COMPLETE", "error": None, "device": "cpu"}
        yield job | end | {"outputs": [_file(output, number)], "time": clock + step + 0.9}


def _asking():
    with tempfile.TemporaryDirectory() as name:
        results = Path(name, "results")
        spool.lineage_dir(results).mkdir(parents=True)
        ledger = Ledger(ledger_path(results))
        with ledger.transaction():
            for number in range(INVOCATIONS):
                for record in _flow(number):
                    ledger.append(record)
        ledger.close()
        command = [sys.executable, "-m", "medsynth.commands.main", "--results", str(results)]
        seconds = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            subprocess.run(
                [*command[:3], "trace", "results/report.html", *command[3:], "--json"],
                check=True,
                cwd=name,
                env=os.environ | {"PYTHONPATH": str(LIBRARY)},
                stdout=subprocess.DEVNULL,
            )
            seconds.append(time.perf_counter() - start)
    yield {
        "name": "trace in a ledger of 100,000 jobs / limit",
        "unit": "s",
        "ours": median(seconds),
        "peer": LIMIT_S,
        "ratio": median(seconds) / LIMIT_S,
        "goal": "<= 1",
    }


def rows():
    yield from _asking()
    yield from _recording()
