"""Fixtures of the tests that fetch from a local archive."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from medsynth.fetch import connection as connections
from medsynth.fetch.archive import fetch
from medsynth.store.digest_cache import DigestCache
from tests.unit.archive_stub import Archive, serving


@pytest.fixture
def archive(monkeypatch):
    monkeypatch.setattr(connections, "time", SimpleNamespace(sleep=lambda _: None))
    for name in ("PHYSIONET_USERNAME", "PHYSIONET_PASSWORD", "GDC_TOKEN_FILE", "TCIA_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    with serving(Archive()) as stub:
        yield stub


@pytest.fixture
def run(tmp_path):
    """Fetch from one of the three archives."""
    (tmp_path / "data").mkdir()
    cache = DigestCache(tmp_path / "digests.db")

    def call(archive, settings, max_quarantined=0.0):
        return fetch(
            archive(settings), cache, listing="list.tsv", threads=3, max_quarantined=max_quarantined
        )

    return call
