"""A patient planted in every form of storage: gone after an erasure, or named by its proof."""

from __future__ import annotations

import base64
import gzip
import io
import json
import os
import shutil
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from PIL import Image

from medsynth.commands.lineage import impact
from medsynth.lineage.collector import drain
from medsynth.store.layout import Layout
from tests.unit.erasure_study import PATIENT, paths
from tests.unit.planted_files import PIXEL_FORMS, PIXELS, packed, png, saved

pytest_plugins = ["tests.unit.erasure_fixtures"]

ROW = PIXELS[5].tobytes()


def byte_search(folder) -> list[str]:
    """Files below a folder in which the pixels or the id stand, found without the library."""
    found = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        texts = [data]
        if data.startswith(b"\x1f\x8b"):
            texts.append(gzip.decompress(data))
        elif data.startswith(b"PK"):
            archive = zipfile.ZipFile(io.BytesIO(data))
            texts += [archive.read(name) + name.encode() for name in archive.namelist()]
        elif data.startswith(b"\x89HDF"):
            with h5py.File(io.BytesIO(data)) as file:
                texts += [np.asarray(file[name]).tobytes() for name in file]
        elif data.startswith(b"\x89PNG"):
            with Image.open(io.BytesIO(data)) as image:
                texts += [np.asarray(image).tobytes(), str(image.text).encode()]
        elif data.startswith(b"PAR1"):
            frame = pd.read_parquet(io.BytesIO(data))
            texts.append(frame.to_csv().encode())
            if (frame.dtypes == "uint8").all():
                texts.append(frame.to_numpy().tobytes())
        if any(ROW in text or PATIENT.encode() in text for text in texts):
            found.append(path.relative_to(folder.parent).as_posix())
    return found


@pytest.mark.parametrize("form", PIXEL_FORMS)
def test_pixels_that_a_users_rule_wrote_are_destroyed(study, form):
    path = f"results/mine/{form}"
    study.job("mine", ["results/cohorts/a/0.h5"], {path: PIXEL_FORMS[form]()})
    drain(study.results, study.ledger)
    assert byte_search(study.results)
    destroyed = study.ask(PATIENT)["destroy"]
    if form != "pixels.h5":  # a store without a table of whom it holds: not known, see below
        assert path in paths(destroyed)
    found = study.ask(PATIENT, erase=True, yes=True)
    if left := byte_search(study.results):
        assert impact.wrong(found) and set(left) <= {*paths(found["left"]), *found["unknown"]}
    else:
        assert found["left"] == []


@pytest.mark.parametrize("form", PIXEL_FORMS)
def test_pixels_that_nobody_recorded_are_named(study, form):
    path = study.results / "mine" / form
    path.parent.mkdir()
    path.write_bytes(PIXEL_FORMS[form]())
    found = study.ask(PATIENT, erase=True, yes=True)
    assert impact.wrong(found)
    assert found["left"] == [{"path": f"results/mine/{form}", "found": "unsearchable"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("mine.json", json.dumps({"who": PATIENT}).encode()),
        ("logs/index/a.log", f"reading {PATIENT}/1.dcm".encode()),
        ("mine.png", png(who=PATIENT)),
        ("mine.zip", packed(f"{PATIENT}.txt", "well")),
        ("mine.npz", packed("names.npy", saved(np.save, np.array([PATIENT.encode()])))),
        ("nested.zip", packed("a.gz", gzip.compress(PATIENT.encode()))),
        ("wide.txt", PATIENT.encode("utf-16")),
        ("list.parquet", saved(pd.DataFrame({"x": [[PATIENT, "b"]]}).to_parquet)),
    ],
)
def test_an_id_in_a_file_that_nobody_recorded_is_named(study, name, content):
    path = study.results / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    found = study.ask(PATIENT, erase=True, yes=True)
    assert impact.wrong(found) and found["left"] == [{"path": f"results/{name}", "found": "id"}]


def test_a_packed_copy_of_a_raw_file_is_known_by_its_bytes(study):
    raw = (study.folder / "raw" / "a" / PATIENT / "1.dcm").read_bytes()
    (study.results / "mine.zip").write_bytes(packed("x", raw))
    found = study.ask(PATIENT, erase=True, yes=True)
    assert found["left"] == [{"path": "results/mine.zip", "found": "bytes"}]


def test_what_a_model_makes_and_figures_stay_to_be_redone(study):
    study.job("sample", ["results/a/model.safetensors"], {"results/a/samples.npz": b"generated"})
    study.job("curve", ["results/a/model.safetensors"], {"results/a/history.csv": b"step,loss\n"})
    drain(study.results, study.ledger)
    found = study.ask(PATIENT)
    kept = {"results/a/samples.npz", "results/a/history.csv", "results/a/model.safetensors"}
    assert kept <= set(paths(found["redo"]))


def test_what_was_made_of_others_shards_stays(study):
    study.job("mine", ["results/cohorts/b/0.h5"], {"results/mine.npz": b"others"})
    drain(study.results, study.ledger)
    found = study.ask(PATIENT)
    assert "results/mine.npz" not in {*paths(found["destroy"]), *paths(found["redo"])}


RAW, SHARD = f"raw/a/{PATIENT}/1.dcm", "results/cohorts/a/0.h5"
NPY = PIXEL_FORMS["pixels.npy"]()
TEXT = saved(lambda buffer: np.savetxt(buffer, PIXELS, fmt="%d", delimiter=","))
GROUPS = pd.DataFrame({"patient": ["case", "control"], "x": [1, 2]})
RULES = {  # what rules of a user read and made, which one did after the other
    "of the raw folder": (["raw/a"], "x.npy", NPY),
    "of a raw file": ([RAW], "y.npy", NPY),
    "of nothing that is declared": ([], "z.npy", NPY),
    "of a script alone": (["job.py"], "script.npz", NPY),
    "raw, to a table": ([RAW], "one.csv", b"x\n1\n"),
    "and on": (["results/mine/one.csv"], "two.bin", PIXELS.tobytes()),
    "undeclared, and on": (["results/mine/z.npy"], "three.bin", PIXELS.tobytes()),
    "numbers as text": ([SHARD], "pixels.csv", TEXT),
    "numbers as a list": ([SHARD], "pixels.json", json.dumps(PIXELS.tolist()).encode()),
    "pixels as weights": ([SHARD], "a.safetensors", safetensors.numpy.save({"x": PIXELS})),
    "groups for patients": (["results/cohorts/a/0.parquet"], "groups.parquet", GROUPS),
    "and of these": (["results/mine/groups.parquet"], "of_groups.npy", NPY),
    "from others, to be written over": (["results/cohorts/b/0.h5"], "over.npy", b"\0 others"),
}
LATER = {  # what nobody recorded
    "results/mine/over.npy": NPY,
    "results/mine/folder.json/later.npy": NPY,
    f"{Layout('results').work}/x.npy": NPY,
    "results/lineage/x.npy": NPY,
    "results/lineage/mlartifacts/theirs/artifacts/x.npy": NPY,
    "results/text.txt": b"pixels:\n" + b"\n" * 70_000 + TEXT,
    "results/page.svg": b"<svg>" + base64.b64encode(PIXELS) + b"</svg>",
    "results/pixels.pgm": b"P2 16 16 255\n" + TEXT.replace(b",", b" "),
}


def test_what_rules_made_of_anything_and_what_was_written_since_is_gone_or_named(study):
    (study.folder / "job.py").write_text("pass")
    planted = {f"results/mine/{made}" for _, made, _ in RULES.values()} - {"results/mine/one.csv"}
    for name, (read, made, content) in RULES.items():
        if isinstance(content, bytes):
            content += name.encode()  # so that none is known by its bytes
        study.job(name, read, {f"results/mine/{made}": content})
    folder = {"results/mine/folder.json/a.npy": b"\0 others"}
    study.job("folder", ["results/cohorts/b/0.h5"], folder, folder="results/mine/folder.json")
    drain(study.results, study.ledger)
    for path, content in LATER.items():
        (study.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (study.folder / path).write_bytes(content + path.encode())
    places = study.results / "places"
    (places / "empty" / PATIENT).mkdir(parents=True)
    os.mkfifo(places / PATIENT)
    (places / "link").symlink_to(f"/nowhere/{PATIENT}/1.dcm")
    found = study.ask(PATIENT, erase=True, yes=True, raw=True)
    named = {*paths(found["left"]), *found["unknown"]}
    planted |= {*LATER, f"results/places/{PATIENT}", "results/places/link"}
    planted |= {f"results/places/empty/{PATIENT}"}
    there = {path for path in planted if os.path.lexists(study.folder / path)}
    assert there <= named and impact.wrong(found)
    # Destroyed, for they are of the patient's data; the others are named.
    assert planted - there == {
        f"results/mine/{name}"
        for name in ("x.npy", "y.npy", "two.bin", "pixels.csv", "pixels.json", "a.safetensors")
    } | {"results/mine/groups.parquet", "results/mine/of_groups.npy"}
    # And nothing else is named, but the ledger, which has the path of a raw file now.
    assert named - there == {
        "results/lineage/ledger.db",
        "results/mine/folder.json/a.npy",  # the folder is not what the job made
    }


def test_a_copy_in_mlflow_of_what_others_gave_is_not_named(study):
    copy = study.results / "lineage" / "mlartifacts" / "run" / "artifacts" / "0.h5"
    copy.parent.mkdir(parents=True)
    shutil.copy(study.results / "cohorts" / "b" / "0.h5", copy)
    work = study.results / "work" / f"a-{'0' * 16}" / "checkpoint.pt"
    work.parent.mkdir(parents=True)
    work.write_bytes(b"PK\0 of a job whose wildcard is a")
    study.job("words", ["raw/a"], {"results/words.parquet": pd.DataFrame({"reason": ["torn"]})})
    others = pd.DataFrame({"patient": ["TCGA-ZZ-a2"], "x": [1]})
    study.job("others", ["raw/a"], {"results/others.parquet": others, "results/metrics.json": TEXT})
    numbers = {"results/c/model.safetensors": b"weights", "results/c/curve.csv": TEXT}
    study.job("learn", ["results/cohorts/a/0.h5"], numbers)
    rows = {"item_id": ["1.2.3"], "group": ["4"], "patient": ["TCGA-ZZ-D001"]}
    rows |= {"source": ["a/1.dcm"], "source_sha256": ["e" * 64]}
    study.job("demo", [], {"results/demo/d/a/1.dcm": b"\0 others"}, folder="results/demo/d")
    index = {"results/cohorts/d/index.parquet": pd.DataFrame(rows)}
    study.job("index", ["results/demo/d/a"], index, ["root"])
    drain(study.results, study.ledger)
    redo = paths(study.ask(PATIENT)["redo"])
    assert "results/c/curve.csv" in redo
    assert not {"results/others.parquet", "results/metrics.json"} & set(redo)
    found = study.ask(PATIENT, erase=True, yes=True)
    assert found["left"] == [] and (study.results / "words.parquet").exists()
