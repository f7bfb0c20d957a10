"""A patient planted in every form of storage: gone after an erasure, or named by its proof."""

from __future__ import annotations

import base64
import functools
import gzip
import io
import json
import os
import pickle
import shutil
import sqlite3
import tarfile
import urllib.parse
import zipfile
from contextlib import closing

import h5py
import nibabel
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from test_lineage_impact import PATIENT, Study, paths

from medsynth.commands import impact
from medsynth.lineage.collector import drain
from medsynth.lineage.erasure import erase as erasure
from medsynth.lineage.erasure.search import remains
from medsynth.lineage.recording import spool
from medsynth.store.digests import digest_path

# Pixels that are nobody else's, and whose bytes every container below has in a row.
PIXELS = np.random.default_rng(0).integers(1, 255, (16, 16), dtype=np.uint8)
ROW = PIXELS[5].tobytes()


def saved(save, *arguments, **more) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *arguments, **more)
    return buffer.getvalue()


def packed(name: str, content: bytes | str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def nifti() -> bytes:
    image = nibabel.Nifti1Image(PIXELS.T[..., None], np.eye(4))
    return gzip.compress(image.to_bytes())


def hdf5() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("images", data=PIXELS, compression="gzip")
    return buffer.getvalue()


def png(**text: str) -> bytes:
    info = PngInfo()
    for key, value in text.items():
        info.add_text(key, value, zip=True)
    return saved(Image.fromarray(PIXELS).save, format="PNG", pnginfo=info)


PIXEL_FORMS = {
    "pixels.npy": lambda: saved(np.save, PIXELS),
    "pixels.npz": lambda: saved(np.savez_compressed, x=PIXELS),
    "pixels.h5": hdf5,
    "pixels.png": png,
    "pixels.nii.gz": nifti,
    "pixels.zip": lambda: packed("a.raw", PIXELS.tobytes()),
    "pixels.bin": PIXELS.tobytes,
    "rows.parquet": lambda: saved(pd.DataFrame(PIXELS).rename(columns=str).to_parquet),
}


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


@pytest.fixture
def study(tmp_path, monkeypatch):
    study = Study(tmp_path)
    monkeypatch.setattr(erasure, "collect", lambda results: drain(results, study.ledger))
    return study


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
    "results/work/x.npy": NPY,
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


NAME = "Müller Åsa^1"


def of_fields(**more) -> bytes:
    field = pa.field("x", pa.int64(), metadata=more)
    return saved(functools.partial(pq.write_table, pa.table([[1]], schema=pa.schema([field]))))


def in_hdf5(value, **attributes) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        data = np.asarray(value)
        file.create_dataset("x", data=data, compression="gzip" if data.shape else None)
        file["x"].attrs.update(attributes)
    return buffer.getvalue()


def in_tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("x")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def in_sqlite(value: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t (x)")
        db.execute("INSERT INTO t VALUES (?)", ("-" * 4090 + value,))
        return db.serialize()


@pytest.mark.parametrize(
    ("who", "content"),
    [
        (NAME, json.dumps({"who": NAME}).encode()),
        (NAME, NAME.encode("latin-1")),
        (NAME, urllib.parse.quote(NAME).encode()),
        (NAME, NAME.encode("ascii", "xmlcharrefreplace")),
        ("Müller", b"<b>M&uuml;ller</b>"),
        ("Łukasz", "Łukasz".encode("utf-32-be")),
        (NAME, pickle.dumps(NAME, 0)),
        (PATIENT, PATIENT.encode("utf-16-le")),
        (PATIENT, saved(np.savez_compressed, x=np.array([PATIENT]))),
        (NAME, of_fields(who=NAME)),
        (PATIENT, packed("a.parquet", of_fields(who=PATIENT))),
        (PATIENT, saved(pd.DataFrame({"x": [gzip.compress(PATIENT.encode())]}).to_parquet)),
        (PATIENT, in_hdf5(np.frombuffer(PATIENT.encode() * 9, np.uint8))),
        (PATIENT, in_hdf5(np.array([(1, (PATIENT,))], "i4,(1,)S12"))),
        (NAME, in_hdf5(0, who=NAME)),
        (PATIENT, in_tar(gzip.compress(PATIENT.encode()))),
        (PATIENT, gzip.compress(in_tar(png(who=PATIENT)))),
        (PATIENT, packed("a.db", in_sqlite(PATIENT))),
    ],
)
def test_an_id_is_found_in_every_form_and_in_forms_in_forms(tmp_path, who, content):
    (tmp_path / "x").write_bytes(content)
    assert [found["found"] for found in remains(tmp_path, [who], set())] == ["id"]
    assert remains(tmp_path, ["TCGA-ZZ-A00"], set()) == []


def test_an_id_in_an_attribute_of_a_file_is_found(tmp_path):
    (tmp_path / "x").write_text("")
    try:
        os.setxattr(tmp_path / "x", "user.who", PATIENT.encode())
    except OSError:
        pytest.skip("the file system has no extended attributes")
    assert [found["found"] for found in remains(tmp_path, [PATIENT], set())] == ["id"]


@pytest.mark.parametrize("step", ["_write_tombstone", "collect", "remains", "forget", "index"])
def test_an_erasure_that_was_cut_off_anywhere_knows_all_identifiers_when_repeated(
    study, monkeypatch, step
):
    (study.results / "item.txt").write_text("see 1.2.a.0")
    with monkeypatch.context() as patched:

        def cut_off(*_, **__):
            raise KeyboardInterrupt

        remove = erasure._remove

        def cut_off_at_the_index(path):
            return cut_off() if path.name == "index.parquet" else remove(path)

        name, cut = ("_remove", cut_off_at_the_index) if step == "index" else (step, cut_off)
        patched.setattr(erasure, name, cut)
        with pytest.raises(KeyboardInterrupt):
            study.ask(PATIENT, erase=True, yes=True, raw=True)
    found = study.ask(PATIENT, erase=True, yes=True, raw=True)
    assert found["left"] == [{"path": "results/item.txt", "found": "id"}]
    assert not (study.results / "cohorts/a/index.parquet").exists()


@pytest.fixture
def unreadable(study):
    """A patient of whom there is nothing but files that could not be read."""
    raw = study.folder / "raw" / "c"
    (raw / "p10000032").mkdir(parents=True)
    (raw / "p10000032" / "1.dcm").write_bytes(b"torn")
    (raw / "p10000764").mkdir()
    (raw / "p10000764" / "2.dcm").write_bytes(b"fine")
    rows = {"item_id": ["1", "2"], "group": [None, "g"], "patient": [None, "10000764"]}
    rows |= {"source": ["p10000032/1.dcm", "p10000764/2.dcm"], "source_sha256": [None, "d" * 64]}
    study.job("index", ["raw/c"], {"results/cohorts/c/index.parquet": pd.DataFrame(rows)}, ["root"])
    drain(study.results, study.ledger)
    return study


def test_a_patient_whose_files_could_not_be_read_is_found_and_erased(unreadable):
    found = unreadable.ask("10000032")
    assert paths(found["destroy"]) == ["results/cohorts/c/index.parquet"]
    assert found["raw"] == [str(unreadable.folder / "raw" / "c" / "p10000032")]
    copy = unreadable.results / "copy.txt"
    copy.write_bytes(b"torn")
    erased = unreadable.ask("10000032", erase=True, yes=True, raw=True)
    assert erased["left"] == [{"path": "results/copy.txt", "found": "bytes"}]
    copy.unlink()
    erased = unreadable.ask("10000032", erase=True, yes=True, raw=True)
    assert erased["left"] == erased["yours"] == [] and not impact.wrong(erased)
    assert (unreadable.folder / "raw" / "c" / "p10000764" / "2.dcm").exists()


def test_a_patient_of_whom_only_a_table_or_the_digest_cache_speaks_is_found(unreadable):
    table = unreadable.folder / "raw" / "c" / "labels.csv"
    table.write_text("patient,label\n10000980,1\n10000764,1\n")
    assert unreadable.ask("10000980")["rows"] == {str(table): 1}
    with erasure.closing(spool.digest_cache(unreadable.results)) as cache:
        path = unreadable.folder / "raw" / "c" / "p10000764" / "2.dcm"
        cache.put("/raw/p10001217/1.dcm", path.stat(), "0" * 64)
    found = unreadable.ask("10001217", erase=True, yes=True)
    assert found["destroy"] == found["left"] == []


def test_raw_folders_that_are_links_are_followed(study, tmp_path):
    """The patient's folder is a link, and so is the demo's: bytes are removed where they lie."""
    there = tmp_path / "disk" / "x"
    there.mkdir(parents=True)
    (there / "1.dcm").write_bytes(b"elsewhere")
    root = study.folder / "raw" / "d"
    root.mkdir()
    (root / "TCGA-ZZ-D001").symlink_to(there)
    rows = {"item_id": ["1.2.840.1"], "group": ["1.2.840.2"], "patient": ["TCGA-ZZ-D001"]}
    rows |= {"source": ["TCGA-ZZ-D001/1.dcm"], "source_sha256": [digest_path(there / "1.dcm")[0]]}
    study.job("index", ["raw/d"], {"results/cohorts/d/index.parquet": pd.DataFrame(rows)}, ["root"])
    copy = tmp_path / "disk" / "copy"
    copy.mkdir()
    (copy / "note.txt").write_text("TCGA-ZZ-D001")
    (study.results / "linked").symlink_to(copy)
    (copy / "back").symlink_to(study.results)
    drain(study.results, study.ledger)
    found = study.ask("TCGA-ZZ-D001", erase=True, yes=True, raw=True)
    assert not there.exists() and not (root / "TCGA-ZZ-D001").is_symlink()
    assert found["left"] == [{"path": "results/linked/note.txt", "found": "id"}]


def test_leftovers_of_killed_writers_are_swept_at_the_next_start(tmp_path):
    from medsynth.store.atomic import replacing, sweep

    results = tmp_path / "results"
    kept = ["a/samples.h5", "a/.hidden/x.h5", ".gitkeep", "demo/.x-1.h5", "lineage/.x-1.json"]
    for name in (*kept, "a/.samples-k3_9x2aq.h5", "work/b/.checkpoint-abcdefgh.pt"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_bytes(b"")
    with pytest.raises(KeyboardInterrupt), replacing(results / "a" / "page.html") as path:
        assert sweep(results, skipped=("demo", spool.lineage_dir(results).name)) == 3
        assert not path.exists()
        raise KeyboardInterrupt
    left = [p.relative_to(results).as_posix() for p in results.rglob("*") if p.is_file()]
    assert sorted(left) == sorted(kept)
