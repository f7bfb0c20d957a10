"""What needs no training again is not trained again: after another threshold, or an old setting."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.checkout import Checkout
from tests.workflow.test_demo import rerun_rules

GATE = "results/cohorts/ct/fitness.json"


@pytest.fixture
def copy(finished, tmp_path) -> Checkout:
    """A copy of the finished tiny demo."""
    shutil.copytree(finished.folder, tmp_path / "medsynth", symlinks=True)
    return Checkout(tmp_path / "medsynth", exists=True)


def test_another_threshold_reruns_the_gates_alone(copy):
    config = copy.folder / "tiny.yaml"
    text = config.read_text()

    def limit(share: float) -> None:
        config.write_text(text.replace("max_quarantined: 0.2", f"max_quarantined: {share}"))

    gate = copy.folder / GATE
    before = gate.read_bytes()
    limit(0.3)
    gates = {"check_cohort": 3, "check_leakage": 3}
    assert rerun_rules(copy) == gates | {"all": 1}

    limit(0.0)
    failed = copy.snakemake("--", GATE, check=False)
    assert failed.returncode != 0 and not gate.exists()
    log = (copy.folder / "results" / "logs" / "check_cohort" / "ct.log").read_text()
    assert "ERROR medsynth: " in log and "truncated" in log and "Traceback" not in log
    assert rerun_rules(copy)["check_cohort"] == 3  # asked again, it fails again

    limit(0.2)
    assert rerun_rules(copy) == {"check_cohort": 1, "check_leakage": 1, "all": 1}
    copy.snakemake("--", GATE)
    assert gate.read_bytes() == before

    gate.unlink()
    target = "results/experiments/ct_cyclegan/model.safetensors"
    alone = copy.snakemake("--forcerun", "train_model", "--", target, check=False)
    assert alone.returncode != 0 and f"`snakemake {GATE}` says what is wrong" in alone.stdout


def test_what_was_trained_before_is_copied_back_unless_it_is_forced(copy):
    model = copy.folder / "results" / "experiments" / "ct_cyclegan" / "model.safetensors"
    log = copy.folder / "results" / "logs" / "train_model" / "ct_cyclegan.log"
    target, trained = str(model.relative_to(copy.folder)), model.read_bytes()

    def reused() -> bool:
        jobs = json.loads(copy.medsynth("trace", target, "--json").stdout)["jobs"].values()
        return any(job.get("reused") for job in jobs if job["rule"] == "train_model")

    assert not reused()
    model.unlink()
    copy.snakemake("--", target)
    assert model.read_bytes() == trained and reused()
    assert "copied back" in log.read_text()
    copy.snakemake("--forcerun", "train_model", "--", target)
    assert model.read_bytes() == trained and not reused()
    assert "copied back" not in log.read_text()
