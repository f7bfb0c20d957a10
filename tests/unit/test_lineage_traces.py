"""Raw data and traces: what is the patient's, and where their ids and bytes are left."""

from __future__ import annotations

import gzip
import sqlite3

import h5py
import pandas as pd
import pytest

from medsynth.lineage.erasure.raw_data import raw_data, remove_rows
from medsynth.lineage.erasure.search import remains
from medsynth.store.digests import digest_path
from medsynth.store.tables.parquet import write_table

PATIENT = "TCGA-ZZ-A001"


def test_a_folder_that_others_share_is_not_the_patients(tmp_path):
    root, index = tmp_path / "raw", tmp_path / "index.parquet"
    sources = {"12": ["batch-12/a.dcm", "p12/x.dcm"], "13": ["batch-12/b.dcm"]}
    rows = [{"patient": p, "source": s, "item_id": s} for p, ss in sources.items() for s in ss]
    for row in rows:
        (root / row["source"]).parent.mkdir(parents=True, exist_ok=True)
        (root / row["source"]).write_bytes(b"pixels")
    write_table(pd.DataFrame(rows).assign(group=None), index)
    (root / "all.csv").write_text("12,1\n12,2\n13,3\n")  # no header: 13's row stays
    found = raw_data("12", [(index, root)], [])
    assert found.files == {root / "batch-12" / "a.dcm", root / "p12"}
    assert found.rows == {root / "all.csv": 2}


def indexed(root, rows):
    """An index table of (patient, source) rows and its folder; a missing file is made."""
    for _, source in rows:
        if not (root / source).exists():
            (root / source).parent.mkdir(parents=True, exist_ok=True)
            (root / source).write_bytes(b"pixels")
    frame = pd.DataFrame(rows, columns=["patient", "source"])
    frame = frame.assign(item_id=[f"item-{k}" for k in range(len(rows))], group=None)
    write_table(frame, root.with_suffix(".parquet"))
    return [(root.with_suffix(".parquet"), root)]


@pytest.mark.parametrize(
    ("patient", "others", "table", "kept"),
    [
        ("P-1", ["P-1-2", "P-10"], "id,x\nP-1,1\nP-1-2,1\nP-10,P-1-2\n", [0, 2, 3]),
        ("Smith", ["Smithson"], "id,x\nSmith,1\nSmithson,1\n", [0, 2]),
        # Patient 12 is not who is 12 years old.
        ("12", ["2", "5"], "#v 12\nid,age\n2,12\n12,5\n5,12\n'12',12\n", [0, 1, 2, 4]),
        ("12", ["2", "5"], "12;5\n2;12\n", [1]),
        ("12", ["2", "5"], "name,note\n12,x\nb,7\nc,8\nd,12 days\n", [0, 2, 3]),  # no column
    ],
)
def test_only_a_patients_own_files_and_rows_are_theirs(tmp_path, patient, others, table, kept):
    root = tmp_path / "raw"
    known = indexed(root, [(p, f"s_{p}/1.dcm") for p in (patient, *others)])
    (root / "t.csv").write_text(table)
    found = raw_data(patient, known, [])
    assert found.files == {root / f"s_{patient}"}
    remove_rows(root / "t.csv", patient, found.longer, found.patients)
    lines = table.splitlines(keepends=True)
    assert (root / "t.csv").read_text() == "".join(lines[k] for k in kept)


def test_files_behind_links_are_the_patients_and_others_are_not(tmp_path):
    disk, root = tmp_path / "disk", tmp_path / "raw"
    (disk / "own").mkdir(parents=True)
    for name in ("1", "2", "3", "4", "own/5"):
        (disk / name).write_bytes(b"pixels")
    (root / "A").mkdir(parents=True)
    (root / "A" / "1.dcm").symlink_to(disk / "1")
    (root / "A" / "inside").symlink_to(disk / "own")
    (root / "A-7").symlink_to(disk)  # others' files lie there, too
    (root / "B").symlink_to(disk)
    rows = [("A", "A/1.dcm"), ("A", "A/inside/5"), ("A", "A-7/2"), ("B", "B/3"), ("B", "B/4")]
    found = raw_data("A", indexed(root, rows), [])
    assert found.files == {root / "A", *(disk / name for name in ("1", "2", "own/5"))}


def test_every_file_that_an_item_is_made_of_is_the_patients(tmp_path):
    root = tmp_path / "raw"
    [(index, _)] = indexed(root, [("A", "1.png"), ("B", "2.png")])
    for name in ("1_gd.png", "1_mask.png"):
        (root / name).write_bytes(b"pixels")
    frame = pd.read_parquet(index).assign(source_sha256="0", source_after_sha256="1")
    frame = frame.assign(source_after=["1_gd.png", None], mask_sha256="2", note="1_gd.png")
    write_table(frame.assign(mask=["1_mask.png", None]), index)
    found = raw_data("A", [(index, root)], [])
    assert found.files == {root / name for name in ("1.png", "1_gd.png", "1_mask.png")}
    assert found.identifiers == {"A", "item-0"}


def test_traces_looks_into_every_form(tmp_path):
    folder = tmp_path / "results"
    (folder / PATIENT).mkdir(parents=True)
    (folder / PATIENT / "1").write_bytes(b"")
    (folder / "a.bin").write_bytes(b"\0\xff" + PATIENT.encode() + b"-01A")
    (folder / "b.gz").write_bytes(gzip.compress(PATIENT.encode()))
    write_table(pd.DataFrame({"x": ["no"] * 9 + [f"yes {PATIENT}"]}), folder / "c.parquet")
    with h5py.File(folder / "d.h5", "w") as file:
        file.create_dataset("id", data=[PATIENT.encode()] * 50, compression="gzip")
    with sqlite3.connect(folder / "e.db") as db:
        db.execute("CREATE TABLE t (x TEXT)")
        for length in range(4000, 4100):  # on every place of the page's edge
            db.execute("INSERT INTO t VALUES (?)", ("x" * length + PATIENT,))
    clean = [PATIENT + "0", "0" + PATIENT, "TCGA-ZZ-A01"]
    (folder / "f.txt").write_text(" ".join(clean))
    found = remains(folder, [PATIENT], {digest_path(folder / "f.txt")[0]})
    assert [(f["path"], f["found"]) for f in found] == [
        (f"results/{PATIENT}/1", "id"),
        *((f"results/{name}", "id") for name in ("a.bin", "b.gz", "c.parquet", "d.h5", "e.db")),
        ("results/f.txt", "bytes"),
    ]


def test_the_proof_finds_numbers_beside_letters_and_names_what_it_cannot_read(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "a.txt").write_text("subject_a10000032c")
    (folder / "b.txt").write_text("110000032 100000321")
    (folder / "c.gz").write_bytes(b"\x1f\x8b and then no gzip")
    assert remains(folder, ["10000032"], set()) == [
        {"path": "results/a.txt", "found": "id"},
        {"path": "results/c.gz", "found": "unreadable"},
    ]
