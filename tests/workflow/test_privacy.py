"""Patients: nowhere but where they must be, never on both sides, and gone when they withdraw."""

from __future__ import annotations

import json
import os
import shlex

import pandas as pd
import pytest
import yaml

from medsynth.lineage.erasure.search import remains
from tests.checkout import Checkout
from tests.workflow import planted_texts

METRICS = "results/experiments/ct_cyclegan/metrics.json"


def manifest_of(checkout, cohort) -> pd.DataFrame:
    return pd.read_parquet(checkout.folder / "results" / "cohorts" / cohort / "manifest.parquet")


def test_identifiers_are_in_every_raw_format_and_in_no_text_ledger_or_mlflow(finished):
    items = pd.concat([manifest_of(finished, name) for name in ("cxr", "glioma", "ct")])
    identifiers = set(items["patient"].dropna()) | set(items["item_id"])
    results = finished.folder / "results"
    found = [trace["path"] for trace in remains(results, identifiers, set())]
    raw = [path for path in found if path.startswith("results/demo/")]
    assert {path.rpartition(".")[2] for path in raw} >= {"dcm", "svs", "gz", "tsv"}
    known = tuple(f"results/{folder}/" for folder in ("cohorts", "experiments", "kept"))
    tables = [p for p in found if p.startswith(known) and p.endswith((".parquet", ".h5"))]
    others = [path for path in found if path not in raw + tables]
    # The cache of digests of raw files, by their paths: local, rebuilt when lost, never sent.
    assert others == ["results/lineage/digests.db"]
    assert remains(finished.folder / ".snakemake", identifiers, set()) == []


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory) -> Checkout:
    """A copy of the finished tiny demo, and models of reports that name people: tests here alter
    and erase."""
    study = finished.copy(tmp_path_factory.mktemp("privacy") / "medsynth")
    planted_texts.write_planted(study.folder / "raw" / "mimic-cxr", patients=60)
    config = yaml.safe_load((study.folder / "tiny.yaml").read_text())
    config["cohorts"]["planted"] = planted_texts.COHORT
    config["experiments"] += [planted_texts.TEXT_DDPM, planted_texts.CAPTIONER]
    (study.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    study.snakemake()
    return study


def test_planted_names_dates_and_numbers_of_reports_are_in_the_table_of_reports_alone(study):
    raw = planted_texts.found(study.folder / "raw")
    planted = {*planted_texts.RARE, *planted_texts.FREQUENT}
    assert {word for words in raw.values() for word in words} == planted
    prompt = "The heart of Mr. Zebulonsky, jonathan quixotiadis, MRN 8675309421, is enlarged"
    asked = study.medsynth(
        "sample", "planted_text", "--guidance", "0", "--prompt", prompt, "--out", "o"
    )
    assert asked.returncode == 0, asked.stderr
    results = study.folder / "results"
    assert set(planted_texts.found(results)) == {"cohorts/planted/reports.parquet"}
    for folder in (study.folder / ".snakemake", study.folder / "o"):
        assert planted_texts.found(folder) == {}
    # What was searched: page, texts, tokens, cards, runs and artifacts of MLflow, logs.
    uploaded = {path.name for path in results.glob("lineage/mlartifacts/**/*") if path.is_file()}
    assert {"index.html", "tokenizer.json", "model.json"} <= uploaded
    assert (results / "lineage/mlflow.db").is_file() and list(results.glob("logs/**/*.log"))
    written = pd.read_parquet(results / "experiments/planted_reports/reports.parquet")
    assert written["reference"].str.contains("___").all() and written["synthetic"].all()
    tokens = json.loads((results / "cohorts/planted/tokenizer.json").read_text())["bpe"]["model"]
    pieces = [piece.lower() for piece in tokens["vocab"] if len(piece) > 3]
    assert not [p for p in pieces if any(p in w for w in planted if w.isalpha())]


def test_a_training_patient_moved_to_test_after_training_stops_the_evaluation(study):
    manifest = study.folder / "results" / "cohorts" / "ct" / "manifest.parquet"
    original, stat = manifest.read_bytes(), manifest.stat()
    frame = pd.read_parquet(manifest)
    patient = frame.loc[frame["split"] == "train", "patient"].iloc[0]
    frame.loc[frame["patient"] == patient, "split"] = "test"
    frame.to_parquet(manifest, index=False)
    os.utime(manifest, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as after `snakemake --touch`
    try:
        done = study.snakemake("--forcerun", "check_evaluation", "--", METRICS, check=False)
    finally:
        manifest.write_bytes(original)
        os.utime(manifest, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert done.returncode != 0 and "evaluate_model ct" not in done.stdout
    log = study.folder / "results" / "logs" / "check_evaluation" / "ct_cyclegan.log"
    assert "1 patients and" in log.read_text() and patient not in log.read_text()
    study.snakemake()
    gate = study.folder / "results" / "experiments" / "ct_cyclegan" / "leakage.json"
    assert all(found["ok"] for found in json.loads(gate.read_text()).values())


def test_a_patient_withdraws(study):
    """Named, erased without a trace, and everything made again without them."""
    rows = manifest_of(study, "ct")
    # Their slices are translated and shown on pictures, which MLflow has copies of.
    theirs = rows[(rows["patient"] == rows.loc[rows["split"] == "test", "patient"].iloc[0])]
    patient, words = theirs["patient"].iloc[0], set(theirs["patient"]) | set(theirs["item_id"])
    results = study.folder / "results"
    uploaded = results / "lineage" / "mlartifacts"
    assert list(uploaded.rglob("translations.png")) and list(uploaded.rglob("index.html"))

    asked = study.medsynth("impact", patient, "--json")
    assert asked.returncode == 0, asked.stderr
    impact = json.loads(asked.stdout)
    destroy, redo = ({e["path"] for e in impact[k]} for k in ("destroy", "redo"))
    experiment = "results/experiments/ct_cyclegan"
    assert {
        "results/cohorts/ct/manifest.parquet",
        f"{experiment}/translations.h5",
        f"{experiment}/translations.png",
        "results/report/index.html",
    } <= destroy
    assert {f"{experiment}/model.safetensors", METRICS} <= redo
    assert study.medsynth("impact", patient, "--erase").returncode == 1
    assert all((study.folder / path).exists() for path in destroy)

    erased = study.medsynth("impact", patient, "--erase", "--yes")
    assert erased.returncode == 0, erased.stdout + erased.stderr
    sources = set(theirs["source_sha256"].dropna())
    assert remains(results, words, sources | {e["sha256"] for e in impact["past"]}) == []
    assert not list(uploaded.rglob("translations.png")) + list(uploaded.rglob("index.html"))
    assert study.medsynth("status").returncode == 0

    program, *again = shlex.split(impact["command"])
    assert program == "snakemake"
    study.snakemake(*again)
    remade = manifest_of(study, "ct")
    assert patient not in set(remade["patient"])
    assert set(remade["patient"]) == set(rows["patient"]) - {patient}
    assert all((study.folder / path).exists() for path in destroy | redo)
    assert remains(results, words, sources) == []
    told = study.medsynth("impact", patient)
    assert told.returncode == 0 and "erased before" in told.stdout
