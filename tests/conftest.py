"""Settings of all tests."""

import os
from pathlib import Path

import pytest

# One thread a worker: two workers with two threads each would wait for each other. Set before
# torch and OpenMP start; child processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Programs that tests start run this checkout's library, even if another one is installed.
os.environ["PYTHONPATH"] = os.fspath(Path(__file__).parents[1] / "workflow_scripts")
# Whatever study the developer works on.
os.environ.pop("MEDSYNTH_CONFIG", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--notebooks", action="store_true", help="also run docs/notebooks")
    parser.addoption("--slurm", action="store_true", help="also run the workflow in a real Slurm")
