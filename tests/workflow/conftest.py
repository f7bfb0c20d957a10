"""Source trees in which tests run the public command line."""

from __future__ import annotations

import fcntl

import pytest

from tests.checkout import Checkout


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Checkout:
    """A checkout in which the tiny demo has run once; tests leave it as they found it.

    All workers share it: the first one to come runs it while the others wait.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "ran").exists():
            return Checkout(folder / "medsynth", exists=True)
        checkout = Checkout(folder / "medsynth")
        checkout.snakemake()
        (folder / "ran").touch()
        return checkout


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A checkout in which nothing has run."""
    return Checkout(tmp_path / "medsynth")
