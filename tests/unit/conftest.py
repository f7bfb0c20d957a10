"""The small workflow of lineage_questioned.py and how to ask about it; results of tiny models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from lineage_questioned import MAKE, PATIENTS, RULES
from lineage_toy import HEAD, snakemake

from medsynth.commands import main as command
from medsynth.commands.main import UNKNOWN
from tests.shared import made_once


def _run_twice(folder: Path) -> None:
    folder.mkdir()
    (folder / "Snakefile").write_text(HEAD + RULES)
    (folder / "make.py").write_text(MAKE)
    (folder / "raw").mkdir()
    for patient in PATIENTS[:2]:
        (folder / "raw" / f"{patient}.txt").write_text(f"image of {patient}")
    done = snakemake(folder)
    assert done.returncode == 0, done.stderr
    (folder / "raw" / f"{PATIENTS[2]}.txt").write_text("image of one more")
    done = snakemake(folder, "--config", "epochs=2")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def original(tmp_path_factory, worker_id) -> Path:
    """Two runs; between them came a patient and an epoch. Tests leave it as they found it."""
    return made_once("questions", _run_twice, tmp_path_factory, worker_id)


@pytest.fixture
def toy(original, tmp_path) -> Path:
    """A copy to tamper with; symlinks, times and all."""
    return Path(shutil.copytree(original, tmp_path / "toy", symlinks=True))


@pytest.fixture
def ask(capsys, monkeypatch):
    def ask(folder: Path, verb: str, *arguments: str | Path) -> tuple[int, dict]:
        monkeypatch.chdir(folder)
        code = command.main([verb, *map(str, arguments), "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if code != UNKNOWN else said.err

    return ask


@pytest.fixture
def show(capsys, monkeypatch):
    def show(folder: Path, verb: str, *arguments: str | Path) -> str:
        monkeypatch.chdir(folder)
        command.main([verb, *map(str, arguments)])
        return capsys.readouterr().out

    return show


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A working folder with results/ of tiny_results.py in it."""
    from tiny_results import make_results  # torch, which few modules need

    folder = tmp_path_factory.mktemp("made")
    make_results(folder / "results")
    return folder
