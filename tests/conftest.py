"""Settings of all tests."""

import gc
import os
import random
import sys
from pathlib import Path

import pytest

# One thread a worker: two workers with two threads each would wait for each other. Set before
# torch and OpenMP start; child processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Programs that tests start run this checkout's library, even if another one is installed.
TESTS = Path(__file__).parent
os.environ["PYTHONPATH"] = f"{TESTS.parent / 'workflow_scripts'}{os.pathsep}{TESTS / 'children'}"
# Whatever study the developer works on.
os.environ.pop("MEDSYNTH_CONFIG", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--notebooks", action="store_true", help="also run docs/notebooks")
    parser.addoption("--kills", action="store_true", help="also kill the workflow in many moments")
    parser.addoption("--slurm", action="store_true", help="also run the workflow in a real Slurm")


def pytest_configure() -> None:
    gc.disable()


def pytest_collection_finish() -> None:
    """What was imported stays to the end: no test looks through it for garbage."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """What a test draws without a generator of its own hangs on no test before it."""
    random.seed(0)
    if "numpy" in sys.modules:  # which not every test needs, nor torch
        sys.modules["numpy"].random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
