"""Source trees in which tests run the public command line."""

from __future__ import annotations

import pytest

from tests.checkout import Checkout
from tests.shared import made_once


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id) -> Checkout:
    """A checkout in which the tiny demo has run once; tests leave it as they found it."""
    folder = made_once("finished", lambda f: Checkout(f).snakemake(), tmp_path_factory, worker_id)
    return Checkout(folder, exists=True)


@pytest.fixture
def copy(finished, tmp_path) -> Checkout:
    """A copy of the finished tiny demo."""
    return finished.copy(tmp_path / "medsynth")


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A checkout in which nothing has run."""
    return Checkout(tmp_path / "medsynth")
