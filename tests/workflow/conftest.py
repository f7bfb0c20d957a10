"""Source trees in which tests run the public command line."""

from __future__ import annotations

import pytest

from tests.checkout import Checkout


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Checkout:
    """A checkout in which the tiny demo has run once; tests leave it as they found it."""
    checkout = Checkout(tmp_path_factory.mktemp("finished") / "medsynth")
    checkout.snakemake()
    return checkout


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    """A checkout in which nothing has run."""
    return Checkout(tmp_path / "medsynth")
