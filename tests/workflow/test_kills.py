"""The workflow killed again and again, which ends with the same bytes: ``pytest --kills``."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml

from medsynth.models.ddpm.settings import DdpmSampling
from medsynth.models.families import FAMILY
from tests.checkout import Checkout
from tests.unit.image_files import encoded

ARMS = Path(__file__).with_name("arms.yaml")
CONFIGURED = ("--configfile", "arms.yaml")
# Python imports this in every process: the first that publishes a file of a name that is waited for
# kills the whole workflow with all its jobs.
KILL = """
import os, signal
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from medsynth.store import atomic

whole = atomic.replacing

@contextmanager
def replacing(path):
    with whole(path) as temporary:
        yield temporary
    for moment in Path("moments").glob("*"):
        if fnmatch(str(path), moment.read_text()):
            moment.rename(f"killed/{moment.name}")
            os.killpg(os.getpgrp(), signal.SIGKILL)

atomic.replacing = replacing
"""
TRAINED = ("text", "reports", "diagnosis", "cascade", "noisy", "guided")
DRAWN = ("text", "cascade", "small", "guided", "sde_vp", "sde_ve")
MOMENTS = (
    *(f"*results/work/{name}-*/checkpoint.pt" for name in TRAINED),  # in the middle of the training
    *(f"*results/work/{name}-*/batches/*0.npy" for name in DRAWN),  # the first images, more to come
    "*results/work/reports-*/tokens/*0.npy",
    "*/experiments/cascade/model.json",  # weights and card, but no curves
    "*/experiments/diagnosis/history.csv",  # all, but the checkpoint is still there
    "*/experiments/text/samples.h5",  # images without their table
    "*/experiments/reports/reports.parquet",
    "*/experiments/diagnosis/predictions.parquet",
    "*/kept/.new-*/outputs.json",
    "*/cohorts/images/spectrum.json",
    "*/cohorts/images/tokenizer.json",
)
RECORDS = {"lineage", "logs", "benchmarks"}


def experiments() -> list[dict]:
    return yaml.safe_load(ARMS.read_text())["experiments"]


def test_every_family_and_sampler_is_killed_here_or_in_the_tiny_study():
    tiny = yaml.safe_load(ARMS.with_name("tiny.yaml").read_text())["experiments"]
    assert FAMILY.keys() == {one["family"] for one in (*experiments(), *tiny)}
    drawn = {one.get("sample", {}).get("sampler") for one in experiments()} - {None}
    assert drawn == set(get_args(DdpmSampling.model_fields["sampler"].annotation))


def published(checkout: Checkout) -> dict[str, bytes]:
    """The bytes of every file that is no record."""
    results = checkout.folder / "results"
    return {
        path.relative_to(results).as_posix(): path.read_bytes()
        for path in results.rglob("*")
        if path.is_file() and path.relative_to(results).parts[0] not in RECORDS
    }


def write_raw(folder: Path) -> None:
    """80 patients with an image each: bright on the left, on the right, on both sides or none."""
    rng = np.random.default_rng(0)
    (folder / "files").mkdir(parents=True)
    with open(folder / "images.csv", "w", newline="") as file:
        writer = csv.writer(file)
        findings = ("left", "right", "No Finding")
        writer.writerow(["image", "patient", *findings, "sex", "age", "class", "report"])
        for i in range(80):
            left, right = i // 2 % 2, i % 2
            image = rng.integers(0, 60, (8, 8), dtype=np.uint8)
            image[2:6, :3] += 150 * np.uint8(left)
            image[2:6, 5:] += 150 * np.uint8(right)
            (folder / "files" / f"{i}.png").write_bytes(encoded(image))
            said = left * ["An effusion on the left."] + right * ["The heart is enlarged."]
            writer.writerow(
                [f"{i}.png", f"p{i}", left, right, int(not said), ["female", "male", ""][i % 3]]
                + [20 + i, ["mild", "grave"][left], " ".join(said) or "No acute disease."]
            )


@pytest.fixture
def checkouts(tmp_path, request) -> list[Checkout]:
    """Two, with the configuration of all arms."""
    if not request.config.getoption("--kills"):
        pytest.skip("takes many minutes: pytest --kills")
    found = [Checkout(tmp_path / name / "medsynth") for name in ("whole", "killed")]
    for checkout in found:
        shutil.copyfile(ARMS, checkout.folder / "arms.yaml")
        write_raw(checkout.folder / "raw")
        checkout.environment["OMP_NUM_THREADS"] = "1"
    return found


def test_a_workflow_that_is_killed_in_every_arm_makes_the_same_bytes(checkouts, tmp_path):
    whole, killed = checkouts
    whole.snakemake(*CONFIGURED)

    for name in ("kill", "killed/medsynth/moments", "killed/medsynth/killed"):
        (tmp_path / name).mkdir()
    (tmp_path / "kill" / "sitecustomize.py").write_text(KILL)
    killed.environment["PYTHONPATH"] = f"{tmp_path / 'kill'}:{killed.environment['PYTHONPATH']}"
    for number, moment in enumerate(MOMENTS):
        (killed.folder / "moments" / str(number)).write_text(moment)
    calls = 0
    while (code := call(killed, tmp_path / f"{calls}.txt")) == -signal.SIGKILL:
        calls += 1
    assert code == 0, (tmp_path / f"{calls}.txt").read_text()[-6000:]
    assert [path.read_text() for path in (killed.folder / "moments").iterdir()] == []
    assert calls > len(MOMENTS) / 2  # of two jobs each may be at its moment

    expected, found = published(whole), published(killed)
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert list((killed.folder / "results" / "work").iterdir()) == []
    print(f"{calls} kills, {len(found)} files the same")

    declared = killed.declared_outputs(*CONFIGURED)
    assert declared - killed.outputs_in_mlflow("medsynth-arms") == set()
    verified = killed.medsynth("verify", "--deep")
    assert verified.returncode == 0, verified.stdout
    page = found["report/index.html"].decode()
    assert [one["name"] for one in experiments() if one["name"] not in page] == []
    for name, product in {
        "text": "samples.h5",
        "reports": "reports.parquet",
        "diagnosis": "predictions.parquet",
        "cascade": "samples.png",
        "guided": "samples.parquet",
    }.items():
        traced = killed.medsynth("trace", f"results/experiments/{name}/{product}", "--json")
        rules = {job["rule"] for job in json.loads(traced.stdout)["jobs"].values()}
        assert {"train_model", "index_cohort"} <= rules, name


def call(checkout: Checkout, printed: Path) -> int:
    """Start the workflow in a process group of its own; its exit status."""
    with open(printed, "w") as file:
        return subprocess.run(
            checkout.command(*CONFIGURED),
            cwd=checkout.folder,
            env=checkout.environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            timeout=1500,
        ).returncode
