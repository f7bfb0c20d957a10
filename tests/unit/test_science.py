"""`make science`: every configuration in turn, on real data, in a folder that nothing cleans."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from medsynth.config.loading import parse_config

ROOT = Path(__file__).parents[2]
CONFIGURATIONS = sorted((ROOT / "config" / "science").glob("*.yaml"))


@pytest.fixture
def project(tmp_path):
    """The Makefile, with an environment that is ready and a Snakemake that says its arguments."""
    for file in ("Makefile", "pyproject.toml", "envs/requirements.txt", "envs/torch.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "ready").touch()
    for name in ("first", "second"):
        (tmp_path / "config" / "science").mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / "science" / f"{name}.yaml").touch()
    return tmp_path


def make(project, *arguments):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=project, env=environment, text=True, capture_output=True
    )


def test_one_configuration_follows_the_other_and_an_error_does_not_keep_the_next_from_running(
    project,
):
    (project / "snakemake").write_text(
        'echo "$@ $MEDSYNTH_REAL_DATA"; case $* in *first*) exit 1; esac'
    )
    done = make(project, "science", "SNAKEMAKE=sh snakemake", "MEDSYNTH_REAL_DATA=config")
    assert [line for line in done.stdout.splitlines() if line.startswith("--")] == [
        "--configfile config/science/first.yaml config",
        "--configfile config/science/second.yaml config",
    ]
    assert done.returncode


def test_without_the_data_it_says_so(project):
    done = make(project, "science/first", "SNAKEMAKE=false", "MEDSYNTH_REAL_DATA=none")
    assert done.stdout.startswith("science/first: skipped, there is no folder none")
    assert done.returncode == 0


def test_a_name_that_is_none_is_told_with_those_that_there_are(project):
    done = make(project, "science/frist", "SNAKEMAKE=false", "MEDSYNTH_REAL_DATA=config")
    assert done.stdout == (
        "science/frist: there is no config/science/frist.yaml; there are science/first"
        " science/second\n"
    )
    assert done.returncode


def test_clean_leaves_its_results_and_what_snakemake_knows_of_them(project):
    for file in ("results/report/index.html", ".snakemake/incomplete", "results/README.md"):
        (project / file).parent.mkdir(parents=True, exist_ok=True)
        (project / file).touch()
    checkpoint = project / "results/science/first/unfinished/checkpoint"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.touch()
    assert make(project, "clean").returncode == 0
    assert checkpoint.exists() and (project / ".snakemake").exists()
    assert {file.name for file in (project / "results").iterdir()} == {"README.md", "science"}

    shutil.rmtree(project / "results/science")
    assert make(project, "clean").returncode == 0
    assert not (project / ".snakemake").exists()


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=lambda file: file.stem)
def test_every_configuration_is_right_and_has_a_folder_of_its_own(file, monkeypatch):
    monkeypatch.setenv("MEDSYNTH_REAL_DATA", "/data")
    config = parse_config(yaml.safe_load(file.read_text()))
    assert config.results_dir == Path("results", "science", file.stem)
    for cohort in config.cohorts.values():
        for paths in cohort.raw_paths().values():
            assert all(path.is_relative_to("/data") for path in paths), "not $MEDSYNTH_REAL_DATA/…"
