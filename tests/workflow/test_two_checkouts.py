"""Two checkouts that share one environment: each runs its own library, whichever is installed."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.checkout import Checkout


@pytest.fixture
def second(checkout, tmp_path) -> Checkout:
    """A checkout in an environment with another one's library, in which nothing works."""
    other = tmp_path / "other"
    shutil.copytree(checkout.folder / "workflow_scripts", other)
    for module in ("runtime/logs.py", "commands/status.py"):
        with (other / "medsynth" / module).open("a") as file:
            file.write('\nraise ImportError("the library of another checkout")\n')
    checkout.environment["PYTHONPATH"] = os.fspath(other)
    return checkout


def test_every_process_runs_the_library_of_the_checkout_it_is_called_in(second):
    done = second.snakemake("--", "results/demo/tcga-ct")
    assert "another checkout" not in done.stdout and "not yet in MLflow" not in done.stdout
    status = second.medsynth("status")
    assert status.returncode == 0, status.stderr
    documented = second.medsynth("--help")
    assert documented.returncode == 0, documented.stderr


def test_a_workflow_can_be_linted_beside_another(second):
    done = second.snakemake("--lint", check=False)
    assert "Congratulations" in done.stdout, done.stdout
