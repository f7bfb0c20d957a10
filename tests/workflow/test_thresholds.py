"""A threshold that changes no output reruns no training, whatever the gate said before."""

from __future__ import annotations

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
    limit(0.3)  # the page shows the configuration
    gates = {"check_cohort": 3, "check_leakage": 3}
    assert rerun_rules(copy) == gates | {"build_report": 1, "all": 1}

    limit(0.0)
    failed = copy.snakemake("--", GATE, check=False)
    assert failed.returncode != 0 and not gate.exists()
    log = (copy.folder / "results" / "logs" / "check_cohort" / "ct.log").read_text()
    assert "ERROR medsynth: " in log and "truncated" in log and "Traceback" not in log
    # Asked again, it fails again; what needs training anew waits for it.
    target = "results/experiments/ct_cyclegan/model.safetensors"
    assert rerun_rules(copy)["check_cohort"] == 3
    waits = copy.snakemake("--forcerun", target, "--", target, check=False)
    assert waits.returncode != 0 and "train_model" in waits.stdout
    assert (copy.folder / target).exists()

    limit(0.2)
    assert rerun_rules(copy) == {"check_cohort": 1, "check_leakage": 1, "all": 1}
    copy.snakemake("--", GATE)
    assert gate.read_bytes() == before
