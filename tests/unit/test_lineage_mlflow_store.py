"""MLflow's store: created whole or not at all, files where they belong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medsynth.lineage.mlflow import store as mlflow_store
from medsynth.lineage.mlflow.store import artifact_root, open_store


def test_a_database_cut_off_while_it_is_made_is_made_again(tmp_path):
    from mlflow.store.db import utils

    def dies_with_half_the_tables(_engine) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def opens() -> None:
        utils._upgrade_db = dies_with_half_the_tables
        open_store(tmp_path)

    child = multiprocessing.get_context("fork").Process(target=opens)
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    (left,) = (tmp_path / "lineage").glob("*.db")
    assert left.stat().st_size > 0 and left.name.startswith(".mlflow-")
    assert open_store(tmp_path).search_experiments(max_results=1)


@pytest.mark.parametrize("module", ["sink", "records", "store", "checks"])
def test_telemetry_is_off_before_mlflow_is_imported(module):
    program = f"""
import os, sys
class Watch:
    def find_spec(self, name, *_):
        if name == "mlflow":
            print(os.environ.get("MLFLOW_DISABLE_TELEMETRY"), os.environ.get("DO_NOT_TRACK"))
            os._exit(0)  # mlflow itself takes seconds
sys.meta_path.insert(0, Watch())
import medsynth.lineage.mlflow.{module}
"""
    quiet = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK")
    environ = {k: v for k, v in os.environ.items() if k not in quiet}
    environ["PYTHONPATH"] = str(Path(mlflow_store.__file__).parents[3])
    command = [sys.executable, "-u", "-c", program]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.stdout == "true true\n", done.stderr


@pytest.mark.parametrize(
    ("tracking", "artifacts", "expected"),
    [
        (None, None, "file:///r/lineage/mlartifacts"),
        ("postgresql://host/db", None, "file:///r/lineage/mlartifacts"),
        ("postgresql://host/db", "s3://bucket/x", "s3://bucket/x"),
        ("http://host:5000", None, None),
        ("http://host:5000", "s3://bucket/x", "s3://bucket/x"),
    ],
)
def test_files_lie_where_configured_else_with_the_server_else_in_results(
    tracking, artifacts, expected
):
    assert artifact_root("/r", tracking, artifacts) == expected


def test_the_store_lies_in_the_results_folder_whatever_its_name_and_moves_with_it(tmp_path):
    old, new, away = tmp_path / "50 % of #1?b=c&d", tmp_path / "it's ünï; [x]?", tmp_path / "away"
    client = open_store(old)
    assert [p.name for p in tmp_path.iterdir()] == [old.name]
    assert [p.name for p in (old / "lineage").iterdir()] == ["mlflow.db"]
    study = client.create_experiment("study", artifact_root(old, None, None))
    other = client.create_experiment("other", away.as_uri())
    run, kept = (client.create_run(e).info.run_id for e in (study, other))
    client.log_text(run, "old", "said.txt")
    model = client.create_logged_model(study, name="m", source_run_id=run)
    client.create_registered_model("r")
    client.create_model_version("r", model.artifact_location, run)
    old.rename(new)

    moved = open_store(new)
    here = (new / "lineage/mlartifacts").as_uri()
    assert moved.get_experiment(study).artifact_location == here
    assert moved.get_run(run).info.artifact_uri == f"{here}/{run}/artifacts"
    assert moved.get_logged_model(model.model_id).artifact_location.startswith(f"{here}/")
    assert moved.get_model_version("r", "1").source.startswith(f"{here}/")
    assert moved.get_model_version_download_uri("r", "1").startswith(f"{here}/")
    moved.log_text(moved.create_run(study).info.run_id, "new", "said.txt")
    assert not old.exists() and len(list(new.rglob("said.txt"))) == 2
    # A place of its own stays where it is.
    assert moved.get_run(kept).info.artifact_uri.startswith(away.as_uri())
