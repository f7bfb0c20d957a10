"""`medsynth sample`: files that say what made them, and a job that the ledger knows."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from tiny_results import CLASSES

import medsynth
from medsynth.api.models import TrainedModel
from medsynth.commands import main as command
from medsynth.lineage.collector import drain, sole_writer
from medsynth.lineage.ledger.embedded import embedded_provenance
from medsynth.lineage.ledger.people import local_secret, patient_key
from medsynth.lineage.opening import existing_ledger
from medsynth.lineage.recording import identifiers
from medsynth.store.digests import digest_json

SAMPLE = ["sample", "cxr_ddpm", "--device", "cpu"]


@pytest.fixture
def toy(folder, tmp_path, monkeypatch) -> Path:
    toy = Path(shutil.copytree(folder, tmp_path / "toy"))
    monkeypatch.chdir(toy)
    return toy


def jobs() -> list[dict]:
    with existing_ledger("results") as ledger:
        return [ledger.item(row["id"]) for row in ledger.query("SELECT id FROM items ORDER BY seq")]


def test_files_and_their_copies_lead_to_the_model(toy, ask, tmp_path):
    model = medsynth.load("results/experiments/cxr_ddpm", "cpu")
    asked = {"labels": [CLASSES[1]], "n": 2, "form": "png"}
    code, said = ask(toy, *SAMPLE, "--label", CLASSES[1], "--n", "2", "--seed", "7", "--out", "o/a")
    files = ["o/a/no-finding-000000.png", "o/a/no-finding-000001.png"]
    assert (code, said["files"]) == (command.OK, files)
    for path, image in zip(files, model.sample(CLASSES[1], 2, seed=7).images, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(path)), image[..., 0])
    assert embedded_provenance(files[1]) == {
        **{"synthetic": "yes", "label": CLASSES[1], "row": "1", "seed": "7"},
        "model_sha256": model.sha256,
        "request_sha256": digest_json(asked, 7),
    }
    (job,) = jobs()
    request = {"request_sha256": digest_json(asked, 7)}
    assert (job["status"], job["start"]["seed"], job["end"]["device"]) == ("COMPLETE", 7, "cpu")
    assert job["start"]["params"] == asked | request
    # Another one with this model, so that only what the file says can tell them apart.
    assert ask(toy, *SAMPLE, "--seed", "8", "--out", "o/b")[0] == command.OK
    copy = shutil.copy(files[1], tmp_path / "sent-back.png")
    for asked in (files[1], copy):
        code, found = ask(toy, "trace", asked)
        assert code == command.OK and found["artifact"]["path"] == "o/a"
        (shown,) = found["jobs"].values()
        assert {file["name"]: file["sha256"] for file in shown["inputs"]}["weights"] == model.sha256
        assert shown["git"].keys() == {"head", "dirty"} and shown["packages_sha256"]
    code, said = ask(toy, "rerun", "o/a")
    assert code == command.UNKNOWN and "sample_singles, was a command" in said
    Path(files[0]).write_bytes(b"altered")
    assert ask(toy, "trace", files[1])[0] == command.WRONG


def test_copies_of_the_same_seed_are_told_apart_by_what_was_asked(toy, ask, tmp_path):
    for steps, name in (("0", "a"), ("5", "b")):
        assert ask(toy, *SAMPLE, "--guidance", steps, "--out", name)[0] == command.OK
    for name in "ab":
        copy = shutil.copy(sorted((toy / name).iterdir())[0], tmp_path / f"{name}.png")
        assert ask(toy, "trace", copy)[1]["artifact"]["path"] == name


def test_a_folder_elsewhere_is_found_again_from_anywhere(toy, ask, tmp_path, monkeypatch):
    away = tmp_path / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    code, said = ask(away, *SAMPLE, "--results", toy / "results", "--out", "rel")
    assert code == command.OK and (away / "rel").is_dir()
    for folder in (away, toy):
        monkeypatch.chdir(folder)
        code, found = ask(folder, "trace", away / "rel", "--results", toy / "results")
        assert code == command.OK, found


def test_dicom_files_are_marked_and_each_an_instance_of_its_own(toy, ask):
    arguments = [*SAMPLE, "--n", "2", "--form", "dicom", "--guidance"]
    assert ask(toy, *arguments, "0", "--out", "a")[0] == command.OK
    assert ask(toy, *arguments, "0", "--out", "b")[0] == command.OK
    assert ask(toy, *arguments, "3", "--out", "c")[0] == command.OK
    read = {f: [pydicom.dcmread(path) for path in sorted(Path(f).iterdir())] for f in "abc"}
    instances = {f: [file.SOPInstanceUID for file in files] for f, files in read.items()}
    assert {file.SyntheticData for file in read["a"]} == {"YES"}
    assert instances["a"] == instances["b"] and len(set(instances["a"] + instances["c"])) == 8


def test_what_cannot_be_is_refused_before_anything_is_recorded(toy, ask):
    (toy / "full").mkdir()
    (toy / "full/mine.txt").write_text("kept")
    shutil.copytree("results/experiments/cxr_ddpm", "elsewhere")
    for arguments, message in {
        (*SAMPLE, "--out", "full"): "full exists and is not an empty folder",
        (*SAMPLE, "--out", "x", "--label", "Fracture"): "no label 'Fracture'; the model knows",
        (*SAMPLE, "--out", "x", "--n", "0"): "n: 0 is no whole number",
        ("sample", "ct_cyclegan", "--out", "x"): "use .translate",
        ("sample", "nothing", "--out", "x"): "no experiment 'nothing' in results/experiments",
        ("sample", "elsewhere", "--out", "x"): "elsewhere is not in results",
    }.items():
        code, said = ask(toy, *arguments)
        assert code == command.UNKNOWN and message in said
    assert not (toy / "x").exists() and not (toy / "results/lineage/ledger.db").exists()
    assert [path.name for path in (toy / "full").iterdir()] == ["mine.txt"]


def test_what_a_training_does_not_allow_is_refused_by_name_before_anything_is_recorded(toy, ask):
    card = toy / "results/experiments/cxr_ddpm/model.json"
    card.write_text(card.read_text().replace('"label_drop": 0.1', '"label_drop": 0.0'))
    code, said = ask(toy, *SAMPLE, "--guidance", "2", "--out", "x/y")
    assert code == command.UNKNOWN
    assert "results/experiments/cxr_ddpm: guidance 2 needs a model that knows images" in said
    assert not (toy / "x").exists() and not (toy / "results/lineage").exists()
    assert ask(toy, *SAMPLE, "--guidance", "0", "--out", "x/y")[0] == command.OK


def test_an_empty_folder_is_filled_and_a_failure_leaves_it_empty(toy, ask, monkeypatch):
    (toy / "out").mkdir()

    def fail(*_, **__):
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(TrainedModel, "sample", fail)
        ask(toy, *SAMPLE, "--out", "out")
    assert not any((toy / "out").iterdir()) and not list(toy.glob(".out-*"))
    with sole_writer("results") as ledger:
        drain("results", ledger)
    assert [(job["status"], job["end"]["error"]) for job in jobs()] == [("FAILED", "RuntimeError")]
    assert ask(toy, *SAMPLE, "--out", "out")[0] == command.OK
    assert len(list((toy / "out").iterdir())) == len(CLASSES)


def test_no_patients_id_goes_into_the_record(toy, ask):
    lineage = toy / "results/lineage"
    lineage.mkdir()
    identifiers.remember("results", [patient_key(local_secret("results"), "p10000032")])
    code, said = ask(toy, *SAMPLE, "--out", "for-p10000032")
    assert code == command.UNKNOWN and "the id of a patient" in said
    assert not (toy / "for-p10000032").exists() and not list(lineage.glob("spool/*"))


def test_the_help_does_not_wait_for_the_model_code():
    code = "import medsynth.commands.sample, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pandas", "pydantic", "mlflow"} & set(done.stdout.split())


def test_covariates_are_given_by_name(toy, ask):
    for given, said in {
        "sex": "--covariate sex: write NAME=VALUE",
        "sex=female": "not conditioned on 'sex'; it is on: none",
    }.items():
        code, answer = ask(toy, *SAMPLE, "--covariate", given, "--out", "o")
        assert code != command.OK and said in str(answer)
    assert not Path("o").exists()
