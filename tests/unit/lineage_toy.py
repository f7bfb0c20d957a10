"""Small workflows run by `python -m snakemake` as users do, and what they leave behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from medsynth.lineage.ledger.database import ledger_path
from medsynth.lineage.ledger.ledger import Ledger
from medsynth.lineage.recording import spool
from medsynth.lineage.recording.leftovers import INVOCATION

LIBRARY = Path(spool.__file__).parents[3]
MLFLOW_STATUS = {"COMPLETE": "FINISHED", "FAILED": "FAILED", "KILLED": "KILLED"}

# The first lines of a toy Snakefile; `lineage.install(workflow, settings)` is its last.
HEAD = """
import gc
from pathlib import Path
from types import SimpleNamespace
from medsynth.lineage.recording import capture as lineage

gc.freeze()  # as rules/common.smk does
settings = SimpleNamespace(
    results_dir=Path("results"),
    lineage=SimpleNamespace(
        study="toy", tracking_uri=config.get("uri"), artifact_uri=config.get("artifacts")
    ),
    model_dump=lambda mode: {"seed": 3},
)
"""


def environ(**more: str) -> dict[str, str]:
    return os.environ | more


def command(*arguments: str) -> list[str]:
    """With what the default profile sets: the lock is medsynth's own."""
    options = ["--cores", "2", "--nolock", "--rerun-incomplete", "--keep-going", *arguments]
    return [sys.executable, "-m", "snakemake", *options]


def start_snakemake(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A running workflow, the leader of its own process group; it talks into stderr.txt."""
    with open(folder / "stderr.txt", "w") as said:
        return subprocess.Popen(
            command(*arguments), cwd=folder, env=environ(), stderr=said, start_new_session=True
        )


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environ(), capture_output=True, text=True
    )


def jobs(folder: Path) -> list[dict]:
    """Every recorded job, oldest first."""
    ledger = Ledger(ledger_path(folder / "results"))
    rows = ledger.query("SELECT id FROM items WHERE kind='job' ORDER BY seq")
    found = [ledger.item(row["id"]) for row in rows]
    ledger.close()
    return found


def client(folder: Path, uri: str | None = None):
    from mlflow import MlflowClient  # takes seconds

    return MlflowClient(uri or f"sqlite:///{folder}/results/lineage/mlflow.db")


def runs(folder: Path, uri: str | None = None) -> list:
    """Every MLflow run of the study, as far as they have arrived."""
    mlflow = client(folder, uri)
    study = mlflow.get_experiment_by_name("toy")
    return mlflow.search_runs([study.experiment_id], max_results=5000) if study else []


def _words(pid: int, file: str) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def _processes(folder: Path, test: Callable[[int], bool]) -> list[int]:
    """Pids of live processes at work in `folder` that pass the test."""
    found = []
    for pid in sorted(int(p.name) for p in Path("/proc").glob("[0-9]*")):
        try:
            if os.readlink(f"/proc/{pid}/cwd") == str(folder) and test(pid):
                found.append(pid)
        except (PermissionError, FileNotFoundError, ProcessLookupError):
            continue
    return found


def collectors(folder: Path) -> list[int]:
    return _processes(folder, lambda pid: b"medsynth.lineage.collector" in _words(pid, "cmdline"))


def job_processes(folder: Path) -> list[int]:
    mark = f"{INVOCATION}=".encode()
    return _processes(folder, lambda pid: any(w.startswith(mark) for w in _words(pid, "environ")))


def kill(pid: int) -> None:
    """SIGKILL; one that has just ended is as dead as wanted."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wait_until(true: Callable[[], object], what: str, seconds: float = 180) -> None:
    """Wait for something that must come; the time limit only keeps a broken test from hanging."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.2)  # to ask MLflow costs more than to wait


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def mlflow_server(folder: Path, port: int) -> Iterator[None]:
    """An `mlflow server` on loopback for the block; it is killed, not shut down."""
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--workers=1", f"--port={port}"),
            *("--host=127.0.0.1", f"--backend-store-uri=sqlite:///{folder}/server.db"),
            f"--artifacts-destination={folder}/files",
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(answers, "the MLflow server")
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
