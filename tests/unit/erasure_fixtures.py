"""Fixtures of the tests that withdraw a patient from a small study."""

from __future__ import annotations

import pytest

from medsynth.lineage.collector import drain
from medsynth.lineage.erasure import erase as erasure
from tests.unit.erasure_study import Study


@pytest.fixture
def study(tmp_path, monkeypatch):
    study = Study(tmp_path)
    # MLflow is in the workflow tests; here the tombstone comes as far as the ledger.
    monkeypatch.setattr(erasure, "collect", lambda results: drain(results, study.ledger))
    return study
