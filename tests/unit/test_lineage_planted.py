"""A patient planted in every form of storage: gone after an erasure, or named by its proof."""

from __future__ import annotations

import gzip
import io
import json
import zipfile

import h5py
import nibabel
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from test_lineage_impact import PATIENT, Study, paths

from medsynth.lineage import erasure, spool
from medsynth.lineage.collector import drain
from medsynth.lineage.questions import impact
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
    erased = unreadable.ask("10000032", erase=True, yes=True, raw=True)
    assert erased["left"] == erased["yours"] == [] and not impact.wrong(erased)
    assert (unreadable.folder / "raw" / "c" / "p10000764" / "2.dcm").exists()


def test_a_patient_of_whom_only_a_table_or_the_digest_cache_speaks_is_found(unreadable):
    table = unreadable.folder / "raw" / "c" / "labels.csv"
    table.write_text("patient,label\n10000980,1\n10000764,1\n")
    assert unreadable.ask("10000980")["rows"] == {str(table): 1}
    with erasure.closing(erasure.digest_cache(unreadable.results)) as cache:
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
