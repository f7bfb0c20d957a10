"""What needs no training again is not trained again: after another threshold, or an old setting."""

from __future__ import annotations

import json

from tests.workflow.test_demo import rerun_rules

GATE = "results/cohorts/ct/fitness.json"


def test_neither_another_threshold_nor_an_old_setting_trains_again(copy):
    config, gate = copy.folder / "tiny.yaml", copy.folder / GATE
    model = copy.folder / "results" / "experiments" / "ct_cyclegan" / "model.safetensors"
    log = copy.folder / "results" / "logs" / "train_model" / "ct_cyclegan.log"
    text, before = config.read_text(), gate.read_bytes()
    target, trained = str(model.relative_to(copy.folder)), model.read_bytes()

    def limit(share: float) -> None:
        config.write_text(text.replace("max_quarantined: 0.2", f"max_quarantined: {share}"))

    def reused() -> bool:
        jobs = json.loads(copy.medsynth("trace", target, "--json").stdout)["jobs"].values()
        return any(job.get("reused") for job in jobs if job["rule"] == "train_model")

    assert not reused()
    limit(0.3)
    assert rerun_rules(copy)["check_cohort"] == 3
    copy.snakemake("--", GATE, target)
    assert (gate.read_bytes(), model.read_bytes()) == (before, trained) and reused()
    assert "copied back" in log.read_text()

    limit(0.0)
    failed = copy.snakemake("--", GATE, target, check=False)
    assert failed.returncode != 0 and not gate.exists()
    said = (copy.folder / "results" / "logs" / "check_cohort" / "ct.log").read_text()
    assert "ERROR medsynth: " in said and "truncated" in said and "Traceback" not in said
    assert rerun_rules(copy)["check_cohort"] == 3  # asked again, it fails again
    alone = copy.snakemake("--forcerun", "train_model", "--", target, check=False)
    assert alone.returncode != 0 and f"`snakemake {GATE}` says what is wrong" in alone.stdout

    limit(0.2)
    copy.snakemake("--", GATE, target)
    assert (gate.read_bytes(), model.read_bytes()) == (before, trained) and reused()
    copy.snakemake("--forcerun", "train_model", "--", target)
    assert model.read_bytes() == trained and not reused()
    assert "copied back" not in log.read_text()


def test_another_threshold_hides_no_other_change(copy):
    config = copy.folder / "tiny.yaml"
    text = config.read_text().replace("max_quarantined: 0.2", "max_quarantined: 0.3")
    config.write_text(text.replace("{steps: 20, batch: 4", "{steps: 21, batch: 4"))
    rules = rerun_rules(copy)
    assert rules["check_cohort"] == 3 and rules["train_model"] >= 1 and rules["build_report"] == 1
