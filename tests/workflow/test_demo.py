"""The tiny demo, run once through the public command line, and what must be true afterwards."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections import Counter

import pandas as pd


def rerun_rules(checkout, *arguments) -> dict[str, int]:
    """Rules and numbers of jobs that a dry run would start."""
    text = checkout.snakemake("-n", *arguments).stdout
    if "Nothing to be done" in text:
        return {}
    stats: Counter[str] = Counter()
    for name, n in re.findall(r"^(\w+) +(\d+)\b", text.partition("\ntotal ")[0], re.M):
        stats[name] += int(n)
    return dict(stats)


def test_a_second_run_has_nothing_to_do(finished):
    assert rerun_rules(finished) == {}


def test_every_declared_output_exists_and_has_an_mlflow_run(finished):
    declared = finished.declared_outputs()
    assert len(declared) > 50
    assert all((finished.folder / path).exists() for path in declared)
    assert declared - finished.outputs_in_mlflow("medsynth-test") == set()


def test_status_is_clean_and_trace_reaches_the_raw_data(finished):
    status = finished.medsynth("status", "--json")
    assert status.returncode == 0, status.stdout + status.stderr
    verified = finished.medsynth("verify", "--deep")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    trace = finished.medsynth("trace", "results/experiments/cxr_ddpm/metrics.json")
    assert trace.returncode == 0
    for rule in ("evaluate_model", "sample_model", "train_model", "make_demo_data"):
        assert rule in trace.stdout


def test_planted_faults_are_quarantined_with_their_reasons(finished):
    cohorts = finished.folder / "results" / "cohorts"
    reasons = {
        name: set(pd.read_parquet(cohorts / name / "quarantine.parquet")["reason"])
        for name in ("cxr", "glioma", "ct")
    }
    assert {"missing_file", "truncated"} <= reasons["cxr"]
    assert "cannot_open" in reasons["glioma"]
    assert "truncated" in reasons["ct"]


def test_no_patient_identifier_stands_in_text_or_report(finished):
    results = finished.folder / "results"
    manifests = [
        pd.read_parquet(results / "cohorts" / c / "manifest.parquet") for c in ("cxr", "glioma")
    ]
    patients = set(pd.concat(manifests)["patient"])
    assert len(patients) > 50
    pattern = re.compile("|".join(re.escape(p) for p in sorted(patients)))
    texts = [
        path
        for path in results.rglob("*")
        if path.suffix in {".json", ".csv", ".tsv", ".log", ".html"} and "demo" not in path.parts
    ]
    assert len(texts) > 60
    assert [str(p) for p in texts if pattern.search(p.read_text(errors="replace"))] == []


def test_patients_never_stand_in_two_splits(finished):
    for name in ("cxr", "glioma", "ct"):
        cohort = finished.folder / "results" / "cohorts" / name
        frame = pd.read_parquet(cohort / "manifest.parquet")
        rows = frame[frame["status"] == "used"]
        assert (rows.groupby("patient")["split"].nunique() == 1).all()
        assert set(rows["split"]) >= {"train", "test"}
        assert json.loads((cohort / "leakage.json").read_text())["ok"]


def test_samples_asked_for_a_class_are_called_that_class(finished):
    experiment = finished.folder / "results" / "experiments" / "cxr_ddpm"
    agreement = json.loads((experiment / "metrics.json").read_text())["metrics"]["label_agreement"]
    assert agreement["interval"][0] > agreement["chance"] + 0.1


def test_single_images_are_traced_from_what_they_say(finished, tmp_path):
    for experiment, kind in (("cxr_ddpm", "dcm"), ("glioma_progan", "png"), ("ct_cyclegan", "dcm")):
        folder = finished.folder / "results" / "experiments" / experiment / "images"
        copy = shutil.copy(sorted(folder.glob(f"*.{kind}"))[0], tmp_path / f"found.{kind}")
        answer = json.loads(finished.medsynth("trace", copy, "--json").stdout)
        rules = {job["rule"] for job in answer["jobs"].values()}
        assert {"train_model", "make_demo_data"} <= rules, experiment


def test_report_shows_every_experiment_without_network(finished):
    page = (finished.folder / "results" / "report" / "index.html").read_text()
    for name in ("cxr_ddpm", "glioma_ddpm", "glioma_progan", "ct_cyclegan"):
        assert name in page
    assert not re.search(r"(src|href)=[\"']https?://(?!127\.0\.0\.1)", page)


def test_methods_and_model_cards_stand_beside_the_page(finished):
    results = finished.folder / "results"
    metrics = json.loads((results / "experiments" / "cxr_ddpm" / "metrics.json").read_text())
    card = json.loads((results / "experiments" / "cxr_ddpm" / "model_card.json").read_text())
    assert card["evaluation"]["results"] == metrics
    assert "**cxr_ddpm.**" in (results / "report" / "methods.md").read_text()
    assert "@inproceedings{ho2020," in (results / "report" / "references.bib").read_text()


def test_snakemakes_own_report_carries_page_images_and_metrics(finished):
    finished.snakemake("--report", "report.zip")
    with zipfile.ZipFile(finished.folder / "report.zip") as packed:
        names = [name.rpartition("/")[2] for name in packed.namelist()]
    expected = {"index.html": 1, "samples.png": 3, "translations.png": 1, "metrics.json": 6}
    assert {name: names.count(name) for name in expected} == expected
    assert rerun_rules(finished) == {}


def test_a_changed_setting_reruns_exactly_what_depends_on_it(finished):
    config = finished.folder / "tiny.yaml"
    original = config.read_text()
    config.write_text(original.replace("{steps: 20, batch: 4", "{steps: 21, batch: 4"))
    try:
        rules = rerun_rules(finished)
    finally:
        config.write_text(original)
    assert rules == {
        "train_model": 1,
        "translate_images": 1,
        "write_singles": 1,
        "check_evaluation": 1,
        "evaluate_model": 1,
        "build_report": 1,
        "all": 1,
    }


def test_swapped_values_of_two_settings_are_noticed(finished):
    config = finished.folder / "tiny.yaml"
    original = config.read_text()
    swapped = original.replace("steps: 30, batch: 8, phase", "steps: 8, batch: 30, phase")
    assert swapped != original
    config.write_text(swapped)
    try:
        rules = rerun_rules(finished)
    finally:
        config.write_text(original)
    assert rules["train_model"] == 1


def test_an_edited_library_module_reruns_only_the_rules_that_import_it(finished):
    library = finished.folder / "workflow_scripts" / "medsynth"
    module = library / "models" / "cyclegan" / "image_pool.py"
    original = module.read_text()
    module.write_text(original + "\nEDITED = True\n")
    try:
        rules = rerun_rules(finished)
    finally:
        module.write_text(original)
    assert rules == {
        "train_model": 1,
        "translate_images": 1,
        "write_singles": 1,
        "check_evaluation": 1,
        "evaluate_model": 1,
        "build_report": 1,
        "all": 1,
    }


def test_scripts_that_were_written_anew_rerun_nothing(finished):
    """As a comment or the change of a branch does."""
    script = finished.folder / "workflow_scripts" / "train_model.py"
    original = script.read_text()
    script.write_text(original + "\n# a comment\n")
    try:
        assert rerun_rules(finished) == {}
    finally:
        script.write_text(original)


def test_one_stage_can_be_forced_and_one_experiment_asked_for(finished):
    forced = rerun_rules(finished, "--forcerun", "results/experiments/glioma_progan/samples.h5")
    evaluation = {"check_evaluation": 1, "evaluate_model": 1}
    ends = {"write_singles": 1, "build_report": 1, "all": 1}
    assert forced == {"sample_model": 1, **evaluation, **ends}
    target = "results/experiments/ct_cyclegan/metrics.json"
    weights = "results/experiments/ct_cyclegan/model.safetensors"
    asked = rerun_rules(finished, "--forcerun", weights, "--", target)
    evaluation = {"check_evaluation": 1, "evaluate_model": 1}
    assert asked == {"train_model": 1, "translate_images": 1, **evaluation}
