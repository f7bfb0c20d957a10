"""Raw data and traces: what is the patient's, and where their ids and bytes are left."""

from __future__ import annotations

import gzip
import sqlite3

import h5py
import pandas as pd

from medsynth.lineage.raw import raw_data
from medsynth.lineage.traces import traces
from medsynth.store.digests import digest_path
from medsynth.store.tables import write_table

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
    found = traces(folder, [PATIENT], {digest_path(folder / "f.txt")[0]})
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
    assert traces(folder, ["10000032"], set()) == [
        {"path": "results/a.txt", "found": "id"},
        {"path": "results/c.gz", "found": "unreadable"},
    ]
