"""From Python: the same images and figures as the workflow's, and clear refusals."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from tiny_results import CLASSES, SAMPLE, SEED, SIZE
from torch.utils.data import DataLoader

import medsynth
from medsynth.commands import main as command
from medsynth.store.generated import Samples
from medsynth.store.source.digest import source_files
from medsynth.store.tables.parquet import read_table, write_table

ROOT = Path(__file__).parents[2]
QUICK = {"bootstrap": 5, "kid_subsets": 2, "kid_subset_size": 4}


@pytest.fixture
def results(folder, monkeypatch) -> Path:
    monkeypatch.chdir(folder)
    return Path("results")


@pytest.fixture
def model(results):
    return medsynth.load("results/experiments/cxr_ddpm", device="cpu")


def test_the_import_waits_for_nothing_and_names_what_there_is():
    code = "import medsynth, sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pandas", "pydantic"} & set(done.stdout.split())
    assert {"load", "cohort", "evaluate", "Error"} <= set(dir(medsynth))
    scripts = ROOT / "workflow_scripts"
    for script in ("train_model.py", "build_report.py"):  # no job depends on what people call
        files = {f.relative_to(scripts).as_posix() for f in source_files(scripts / script)}
        assert "medsynth/__init__.py" in files
        assert not [name for name in files if name.startswith("medsynth/api/")]
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        medsynth.nothing  # noqa: B018


def test_samples_are_those_of_the_workflow(model):
    samples = Samples("results/experiments/cxr_ddpm/samples.h5", model.folder / "samples.parquet")
    theirs = samples.read(range(len(samples)))
    given = {"batch": SAMPLE["batch"], "guidance": SAMPLE["guidance"]}
    images, labels = model.sample(n=SAMPLE["per_class"], seed=SEED, **given)
    np.testing.assert_array_equal(images, theirs)
    assert labels == list(samples.table["label"])
    one, _ = model.sample(CLASSES[1], n=SAMPLE["per_class"], seed=SEED, **given)
    # The network may round differently beside other images.
    assert np.abs(one.astype(int) - theirs[SAMPLE["per_class"] :]).max() <= 1
    assert (model.sample(CLASSES[1], seed=SEED + 1, **given).images != one[:1]).any()


def test_a_model_is_asked_for_what_it_can_do_only(results, model):
    translator = medsynth.load(results / "experiments/ct_cyclegan", "cpu")
    writer = medsynth.load(results / "experiments/cxr_reports", "cpu")
    slices = np.zeros((2, SIZE, SIZE, 1), np.int16)
    calls = {
        r"experiments/nothing: no trained model.*beside it: ct_cyclegan, cxr_classifier": lambda: (
            medsynth.load(results / "experiments/nothing")
        ),
        r"no label 'Fracture'; the model knows 'Cardiomegaly', 'No Finding'": lambda: model.sample(
            ["No Finding", "Fracture"]
        ),
        r"n: 0 is no whole number": lambda: model.sample(n=0),
        r"sharpness: no such setting of sampling from ddpm; .* covariates, guidance": lambda: (
            model.sample(sharpness=1)
        ),
        r"guidance: .*greater than or equal to 0, not -1": lambda: model.sample(guidance=-1),
        r"cxr_ddpm: this model generates images; use .sample": lambda: model.translate(
            slices, "ct_to_cect"
        ),
        r"this model translates; use .translate\(images, direction\)": lambda: translator.sample(),
        r"this model translates; use .translate": lambda: translator.describe(slices),
        r"cxr_reports: this model describes images; use .describe\(images\)": lambda: (
            writer.sample()
        ),
        r"cxr_reports: images are .*int16; this model describes \(N, 8, 8, 1\) uint8": (
            lambda: writer.describe(slices)
        ),
        r"per_class: no such setting of describing with captioner; there are batch, no_repeat": (
            lambda: writer.describe(slices.astype(np.uint8), per_class=3)
        ),
        r"is for classification and makes no images": lambda: medsynth.load(
            results / "experiments/cxr_classifier"
        ).sample(),
        r"no direction 'up'; there are ct_to_cect, cect_to_ct": lambda: translator.translate(
            slices, "up"
        ),
        r"\(2, 8, 8, 1\) uint8; .*\(N, 8, 8, 1\) int16 Hounsfield units": lambda: (
            translator.translate(slices.astype(np.uint8), "ct_to_cect")
        ),
    }
    for message, call in calls.items():
        with pytest.raises(medsynth.Error, match=message):
            call()


def test_translations_keep_form_and_do_not_depend_on_the_batch(results):
    translator = medsynth.load(results / "experiments/ct_cyclegan", "cpu")
    slices = np.random.default_rng(0).integers(-1000, 1000, (18, SIZE, SIZE, 1)).astype(np.int16)
    there, back = (translator.translate(slices, d) for d in ("ct_to_cect", "cect_to_ct"))
    assert there.shape == slices.shape and there.dtype == np.int16
    assert (there != back).any()
    last = translator.translate(slices[17:, ..., 0], "ct_to_cect")
    assert last.shape == (1, SIZE, SIZE)
    assert np.abs(last[0].astype(int) - there[17, ..., 0]).max() <= 1


def test_a_dataset_gives_the_split_as_it_is(results):
    cohort = medsynth.cohort("cxr", results=results)
    data = cohort.dataset("test")
    assert (len(data), data.classes) == (16, CLASSES) and set(data.manifest["split"]) == {"test"}
    with h5py.File(cohort.shards[0]) as file:
        stored = file["images"][int(data.manifest["row"][5]), ..., 0]
    image, label = data[5]
    assert (image.shape, image.dtype) == ((1, SIZE, SIZE), torch.float32)
    np.testing.assert_allclose(image[0], stored / 127.5 - 1, atol=1e-6)
    assert CLASSES[label] == data.manifest["label"][5]
    # Opened here already: a worker must open the files anew.
    batches = list(DataLoader(data, batch_size=8, num_workers=1))
    assert torch.equal(batches[0][0][5], image) and len(batches) == 2
    with pytest.raises(IndexError):
        data[16]


def test_a_cohort_that_is_not_checked_is_refused(results, model):
    gate = results / "cohorts/cxr/leakage.json"
    passed = gate.read_text()
    cohort = medsynth.cohort(results / "cohorts/cxr")
    try:
        for gate_is in (None, json.dumps({"ok": False})):
            gate.unlink() if gate_is is None else gate.write_text(gate_is)
            for call in (
                lambda: cohort.dataset("train"),
                lambda: medsynth.evaluate(model.sample().images, cohort, CLASSES),
            ):
                with pytest.raises(medsynth.Error, match="leakage.json: .* two splits has not"):
                    call()
    finally:
        gate.write_text(passed)
    with pytest.raises(medsynth.Error, match="no split 'dev'; there are train, validate, test"):
        cohort.dataset("dev")
    with pytest.raises(medsynth.Error, match="cohorts/ct: no cohort is here.*results/cohorts/cxr"):
        medsynth.cohort("ct", results=results)


def test_folder_and_array_are_judged_alike(results, model, tmp_path):
    images, labels = model.sample(n=6, seed=3)
    found = medsynth.evaluate(images, "results/cohorts/cxr", labels, seed=1, **QUICK)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = tmp_path / (label if label == CLASSES[0] else "no-finding") / f"{i:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image[..., 0]).save(path)
    assert medsynth.evaluate(tmp_path, "results/cohorts/cxr", seed=1, **QUICK) == found
    assert (found["cohort"], found["n_real"], found["n_generated"]) == ("cxr", 16, 12)
    assert {"value", "interval", "floor", "null"} <= found["metrics"]["kid"].keys()
    assert set(found["per_class"]) == set(CLASSES)

    (tmp_path / "Fracture").mkdir()
    Image.new("L", (SIZE, SIZE)).save(tmp_path / "Fracture/0.png")
    with pytest.raises(medsynth.Error, match="Fracture: no label.*there are Cardiomegaly, No F"):
        medsynth.evaluate(tmp_path, "results/cohorts/cxr", **QUICK)


@pytest.mark.parametrize("name", ["no-finding/1.jpg", "deep/er/1.png", "notes.txt"])
def test_no_file_of_a_judged_folder_is_left_out_without_a_word(results, tmp_path, name):
    for path in (tmp_path / "no-finding/0.PNG", tmp_path / name):
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.new("L", (SIZE, SIZE)).save(path, "png")
    with pytest.raises(medsynth.Error, match=re.escape(name) + r": no PNG file in .*1 such files"):
        medsynth.evaluate(tmp_path, "results/cohorts/cxr", **QUICK)


@pytest.mark.parametrize(
    ("mode", "size", "said"),
    [
        ("L", 9, r"9 x 9 pixels of mode L; the cohort's classifier judges 8 x 8 grey"),
        ("LA", 8, r"8 x 8 pixels of mode LA"),
        ("I;16", 8, r"mode I;16"),
        (None, 8, r"0.png: no readable PNG"),
    ],
)
def test_pictures_of_another_form_are_refused_by_name(results, tmp_path, mode, size, said):
    path = tmp_path / "no-finding/0.png"
    path.parent.mkdir()
    Image.new(mode, (size, size)).save(path) if mode else path.write_bytes(b"no picture")
    with pytest.raises(medsynth.Error, match=said):
        medsynth.evaluate(tmp_path, "results/cohorts/cxr", **QUICK)


def test_arrays_of_another_form_are_refused(results, model):
    images, labels = model.sample(n=1)
    for wrong, message in {
        (): "0 labels for 2 images",
        ("a", "b"): "a: no label of the cohort; there are Cardiomegaly",
    }.items():
        with pytest.raises(medsynth.Error, match=message):
            medsynth.evaluate(images, "results/cohorts/cxr", wrong)
    with pytest.raises(medsynth.Error, match=r"\(2, 4, 4, 1\) uint8; .* judges \(N, 8, 8, 1\)"):
        medsynth.evaluate(images[:, :4, :4], "results/cohorts/cxr", labels)
    with pytest.raises(medsynth.Error, match="label 1: labels are names, such as Cardiomegaly"):
        medsynth.evaluate(images, "results/cohorts/cxr", [1, 0])
    with pytest.raises(medsynth.Error, match=r"images are a list; give a folder or a numpy array"):
        medsynth.evaluate(list(images), "results/cohorts/cxr", labels)
    with pytest.raises(medsynth.Error, match="resamples: no such setting of the evaluation"):
        medsynth.evaluate(images, "results/cohorts/cxr", labels, resamples=3)


def test_a_judge_that_is_missing_or_has_seen_the_patients_is_refused(folder, tmp_path, model):
    images, labels = model.sample(n=1)
    results = Path(shutil.copytree(folder / "results", tmp_path / "results"))
    judge = results / "experiments/cxr_classifier"
    people = read_table(judge / "people.parquet")
    write_table(people.assign(patient="patient-11"), judge / "people.parquet")
    with pytest.raises(medsynth.Error, match="patients of the test split had a part"):
        medsynth.evaluate(images, results / "cohorts/cxr", labels)
    shutil.rmtree(judge)
    with pytest.raises(medsynth.Error, match="cohort cxr has no trained classifier"):
        medsynth.evaluate(images, results / "cohorts/cxr", labels)


def test_a_cohort_is_found_from_within_the_results(results, monkeypatch):
    monkeypatch.chdir(results / "cohorts")
    assert len(medsynth.cohort("cxr").dataset("validate")) == 8


@pytest.mark.parametrize("linked", [False, True])
def test_a_cohort_is_known_by_its_folder_however_that_is_reached(
    results, monkeypatch, tmp_path, linked
):
    folder = results / "cohorts/cxr"
    if linked:
        (tmp_path / "mine").symlink_to(folder.resolve())
        folder = tmp_path / "mine"
    monkeypatch.chdir(folder)
    found = medsynth.cohort("." if not linked else folder)
    assert found.name == "cxr" and len(found.dataset("validate")) == 8


def test_a_range_that_does_not_rise_is_refused(results):
    for bounds in ((100, 0), (100, 100)):
        with pytest.raises(medsynth.Error, match="does not rise"):
            medsynth.cohort(results / "cohorts/cxr").dataset("test", hu_range=bounds)


@pytest.mark.parametrize("file", ["model.safetensors", "model.json"])
@pytest.mark.parametrize("kept", [0, 30])
def test_damaged_models_are_named(folder, tmp_path, file, kept):
    model = Path(shutil.copytree(folder / "results/experiments/cxr_ddpm", tmp_path / "cxr_ddpm"))
    (model / file).write_bytes((model / file).read_bytes()[:kept])
    with pytest.raises(medsynth.Error, match=f"{file}: cut off or damaged"):
        medsynth.load(model, "cpu")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"n": "3"}, "n: '3' is no whole number of 1 or more"),
        ({"n": 1.5}, "n: 1.5 is no whole"),
        ({"n": 0}, "n: 0 is no whole"),
        ({"n": True}, "n: True is no whole"),
        ({"seed": None}, "seed: None is no whole number of 0 or more"),
        ({"seed": "7"}, "seed: '7'"),
        ({"seed": -1}, "seed: -1"),
        ({"labels": 0}, "labels are names"),
        ({"labels": [1, 2]}, "labels are names"),
        ({"n": 2**40}, "GiB of memory are free; ask for fewer at a time"),
    ],
)
def test_what_is_no_count_no_seed_and_no_label_is_refused(model, asked, said):
    with pytest.raises(medsynth.Error, match=said):
        model.sample(**asked)


def test_the_page_about_python_runs(results, capsys):
    blocks = re.findall(
        r"^```(\w+)\n(.*?)^```$", (ROOT / "docs/guides/python.md").read_text(), re.M | re.S
    )
    assert {kind for kind, _ in blocks} == {"python", "bash"}
    names: dict = {}
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, "docs/guides/python.md", "exec"), names)
            continue
        for line in text.splitlines():
            program, *arguments = shlex.split(line)
            assert (program, command.main(arguments)) == ("medsynth", command.OK)
    said = capsys.readouterr().out
    assert "no label 'Fracture'" in said and "experiments/cxr_ddpm/model.safetensors" in said
