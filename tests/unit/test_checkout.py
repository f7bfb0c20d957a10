"""Which checkout's library a command runs."""

from __future__ import annotations

import os

import pytest

from medsynth.store.source import checkout


@pytest.fixture
def started(monkeypatch):
    """What is started anew, as [library]."""
    found = []
    monkeypatch.setattr(
        os, "execv", lambda *_: found.append(os.environ["PYTHONPATH"].split(os.pathsep)[0])
    )
    monkeypatch.setenv("PYTHONPATH", "")
    return found


@pytest.mark.parametrize("below", [".", "results", "results/experiments/x"])
def test_a_command_below_a_checkouts_top_runs_its_library(tmp_path, monkeypatch, started, below):
    library = tmp_path / "workflow_scripts"
    (library / "medsynth").mkdir(parents=True)
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    checkout.follow_checkout("medsynth.commands.main")
    assert started == [str(library)]
    checkout.follow_checkout("medsynth.commands.main")  # it was tried
    assert len(started) == 1


def test_outside_of_checkouts_and_in_its_own_nothing_is_started(tmp_path, monkeypatch, started):
    monkeypatch.chdir(tmp_path)
    checkout.follow_checkout("medsynth.commands.main")
    monkeypatch.chdir(checkout.LIBRARY / "medsynth")
    checkout.follow_checkout("medsynth.commands.main")
    assert started == []
