"""How far the ledger and MLflow lag behind very many very short jobs, 64 at a time.

MEDSYNTH_MANY_JOBS sets how many.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool

LIBRARY = Path(spool.__file__).parents[3]
JOBS = int(os.environ.get("MEDSYNTH_MANY_JOBS", "5000"))
AT_ONCE = 64
LEDGER_LAG_S, MLFLOW_LAG_S = 5.0, 60.0
SNAKEFILE = """
from pathlib import Path
from types import SimpleNamespace
from medsynth.lineage.recording import capture

rule all:
    input: expand("results/{{i}}.txt", i=range({jobs}))

rule work:
    input: "raw.txt"
    output: "results/{{i}}.txt"
    params: cfg={{"seed": 1}}
    shell: "cp {{input}} {{output}}; echo {{wildcards.i}} >> {{output}}"

capture.install(workflow, SimpleNamespace(
    results_dir=Path("results"),
    lineage=SimpleNamespace(study="toy", tracking_uri=None, artifact_uri=None),
    model_dump=lambda mode: {{}},
))
"""


def _oldest_s(results: Path) -> float:
    """How long the oldest waiting record has waited."""
    times = []
    for path in spool.waiting(results):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:
            continue
    return time.time() - min(times) if times else 0.0


def _undelivered(results: Path) -> int:
    with closing(Ledger(ledger_path(results))) as ledger:
        return len(ledger.undelivered())


def rows():
    with tempfile.TemporaryDirectory() as name:
        folder, results = Path(name), Path(name, "results")
        (folder / "Snakefile").write_text(SNAKEFILE.format(jobs=JOBS))
        (folder / "raw.txt").write_text("raw\n")
        command = ["--cores", str(AT_ONCE), "--nolock", "--quiet", "all"]
        begun = time.monotonic()
        with open(folder / "said.txt", "w") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *command],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(LIBRARY)},
                stderr=said,
            )
            lag, ended, late = 0.0, None, 0
            while process.poll() is None or spool.waiting(results):
                lag = max(lag, _oldest_s(results))
                done = "Lineage: waiting" in (folder / "said.txt").read_text()
                if done and ended is None:
                    ended, late = time.monotonic(), _undelivered(results)
                time.sleep(0.5)
        ended = ended or time.monotonic()
        while _undelivered(results):  # the collector goes on after its workflow
            time.sleep(0.5)
        over = time.monotonic()
    print(f"{JOBS} jobs in {ended - begun:.0f} s; {late} runs were late", file=sys.stderr)
    for what, ours, limit in (
        ("ledger", lag, LEDGER_LAG_S),
        ("MLflow complete after the end", over - ended, MLFLOW_LAG_S),
    ):
        yield {
            "name": f"{what}, {JOBS} jobs, {AT_ONCE} at once / limit",
            "unit": "s",
            "ours": ours,
            "peer": limit,
            "ratio": ours / limit,
            "goal": "<= 1",
        }
