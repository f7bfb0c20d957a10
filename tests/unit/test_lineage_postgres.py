"""MLflow on PostgreSQL, artifacts on a second store; skipped without a server (see README)."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from lineage_toy import HEAD, MLFLOW_STATUS, client, jobs, runs, snakemake

from medsynth.lineage.collector import collect
from medsynth.lineage.mlflow.store import open_store
from medsynth.lineage.recording.invocation import ARTIFACT_URI, TRACKING_URI

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.skipif(
    not BINARIES, reason="no PostgreSQL server: apt-get install postgresql"
)
PASSWORD = "open-sesame-4711"

SNAKEFILE = (
    HEAD
    + """
rule work:
    output: metrics="results/{i}/metrics.json"
    shell: "echo '{{\\"fid\\": {wildcards.i}}}' > {output}"

lineage.install(workflow, settings)
"""
)


class Server:
    """A PostgreSQL server on loopback, owned by an unprivileged user."""

    def __init__(self, folder: Path):
        self._folder = folder
        # The server refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._call(
            *("initdb", "--auth=scram-sha-256", "--username=medsynth", f"--pwfile={password}"),
            *("--no-sync", f"--pgdata={folder}/data"),
        )

    def _call(self, binary: str, *arguments: str) -> None:
        subprocess.run(
            [*self._as, str(BINARIES[-1] / binary), *arguments],
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={self._port} -c unix_socket_directories="
        data, log = f"--pgdata={self._folder}/data", f"--log={self._folder}/log"
        self._call("pg_ctl", "start", "--wait", data, log, f"--options={options}")

    def stop(self) -> None:
        self._call("pg_ctl", "stop", "--mode=immediate", f"--pgdata={self._folder}/data")

    def create(self, database: str) -> str:
        """Make a database; its URI as the configuration takes it."""
        import psycopg2

        base = f"postgresql://medsynth:{PASSWORD}@127.0.0.1:{self._port}"
        connection = psycopg2.connect(f"{base}/postgres")
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {database}")
        connection.close()
        return f"{base}/{database}"


@pytest.fixture(scope="module")
def server():
    folder = Path(tempfile.mkdtemp())  # pytest's own are closed to other users
    made = Server(folder)
    made.start()
    yield made
    made.stop()
    shutil.rmtree(folder)


def test_runs_go_to_the_server_and_files_to_the_second_store(server, tmp_path, monkeypatch):
    uri, elsewhere = server.create("mlflow"), tmp_path / "elsewhere"
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "own.json").write_text(json.dumps({"uri": uri, "artifacts": elsewhere.as_uri()}))
    own = ["--configfile", "own.json", "--"]
    done = snakemake(tmp_path, *own, "results/1/metrics.json")
    assert done.returncode == 0, done.stderr
    (run,) = [r for r in runs(tmp_path, uri) if r.data.tags["medsynth.kind"] == "job"]
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"fid": 1.0})
    names = {path.name for path in elsewhere.rglob("*.json")}
    assert names == {"record.json", "metrics.json"}
    lineage = tmp_path / "results/lineage"
    assert not (lineage / "mlflow.db").exists() and not (lineage / "mlartifacts").exists()

    server.stop()
    try:
        done = snakemake(tmp_path, *own, "results/2/metrics.json")
    finally:
        server.start()
    assert done.returncode == 0, done.stderr
    assert "not yet in MLflow" in done.stderr
    monkeypatch.setenv(TRACKING_URI, uri)
    monkeypatch.setenv(ARTIFACT_URI, elsewhere.as_uri())
    assert collect(tmp_path / "results") == 0
    delivered = {r.data.tags["medsynth.id"]: r.info.status for r in runs(tmp_path, uri)}
    assert len(delivered) == len(runs(tmp_path, uri)) == 4  # two calls with a job each
    assert {job["id"] for job in jobs(tmp_path)} <= set(delivered)
    assert set(delivered.values()) == {MLFLOW_STATUS["COMPLETE"]}

    files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert (lineage / "ledger.db") in files
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def _opens(results: Path, uri: str, barrier) -> None:
    barrier.wait()
    open_store(results, uri).create_experiment(results.name)


def test_16_results_folders_share_a_fresh_database(server, tmp_path):
    import mlflow  # noqa: F401  (the forked processes have it then)

    uri = server.create("fresh")
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(16)
    processes = [
        context.Process(target=_opens, args=(tmp_path / f"study{n}", uri, barrier))
        for n in range(16)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 16
    found = {e.name for e in client(tmp_path, uri).search_experiments()}
    assert found == {"Default"} | {f"study{n}" for n in range(16)}
