"""An id that is left somewhere is found, in whatever form it is written."""

from __future__ import annotations

import functools
import gzip
import io
import json
import os
import pickle
import sqlite3
import tarfile
import urllib.parse
from contextlib import closing

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medsynth.lineage.erasure.search import remains
from tests.unit.erasure_study import PATIENT
from tests.unit.planted_files import packed, png, saved

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
