"""Which configuration snakemake takes, and what it says to whoever forgot to name one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from medsynth.config.chosen import DEMO, VARIABLE, overlooked

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    return tmp_path


def snakemake(*arguments: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"),
            *("--workflow-profile", "none", "--list-target-rules", *arguments),
        ],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def test_the_environment_names_the_configuration(folder):
    Path("mine.yaml").write_text("nonsense: 1\n")
    code, text = snakemake(**{VARIABLE: "mine.yaml"})
    assert code and "nonsense: " in text


def test_the_demo_beside_another_configuration_says_so_once(folder):
    Path("mine.yaml").write_text("cohorts: {}\n")
    code, text = snakemake()
    assert code == 0 and text.count("export MEDSYNTH_CONFIG=mine.yaml") == 1
    code, text = snakemake("--mode", "subprocess", "--cores", "1")
    assert code == 0 and "MEDSYNTH_CONFIG" not in text


def test_a_new_user_is_told_nothing(folder):
    Path("results/lineage").mkdir(parents=True)
    Path("results/cohorts/cxr").mkdir(parents=True)
    Path("environment.yaml").write_text("dependencies: [python]\n")
    assert overlooked(Path("results"), ["cxr"]) is None


@pytest.mark.parametrize(
    "made", ["results/lungs/lineage/", "results/cohorts/lungs/", "lungs.yaml", "config/lungs.yml"]
)
def test_another_study_is_named_on_one_line(folder, made):
    if made.endswith("/"):
        Path(made).mkdir(parents=True)
    else:
        Path(made).write_text("seed: 1\ncohorts:\n  lungs: {}\n")
    line = overlooked(Path("results"), ["cxr"])
    assert line and str(DEMO) in line and made.removesuffix("/lineage/").rstrip("/") in line
    assert "--configfile" in line and "\n" not in line
