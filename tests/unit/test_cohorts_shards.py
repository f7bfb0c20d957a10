"""Files that crash a decoder, keep it for ever or fill the memory: one row each, of any kind."""

from __future__ import annotations

import faulthandler
import os
import signal
import time
from functools import partial

import numpy as np
import pytest

from medsynth.cohorts import shards
from medsynth.cohorts.ct import labels as ct_labels
from medsynth.cohorts.ct import scans
from medsynth.cohorts.ct.index import index as index_ct
from medsynth.cohorts.ct.settings import CtConvert, CtIndex, TagContrast
from medsynth.cohorts.ct.shard import shard as shard_ct
from medsynth.imaging.ct.series import read_placed
from medsynth.runtime.settings import TableLabel
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digests import digest_bytes
from medsynth.store.manifests import USED, manifest
from medsynth.store.shards import open_images
from tests.unit.ct_files import write_series


def _segfault():
    faulthandler.disable()  # pytest's would print where
    os.kill(os.getpid(), signal.SIGSEGV)


def _decode(data: bytes, fault) -> np.ndarray:
    if data == b"1":
        fault()
    return np.full((2, 2), int(data), np.uint8)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (_segfault, "crashed"),
        (partial(time.sleep, 600), "timeout"),
        (partial(np.ones, 10**9), "out_of_memory"),
    ],
)
def test_a_file_that_faults_is_one_row_of_its_shard(tmp_path, monkeypatch, fault, reason):
    monkeypatch.setattr(shards, "Isolated", partial(Isolated, 2 if reason == "timeout" else 60, 1))
    for k in range(3):
        (tmp_path / str(k)).write_bytes(b"%d" % k)
    rows = [{"item_id": str(k), "source": str(k), "status": USED} for k in range(3)]
    index = manifest(
        [row | {"source_sha256": digest_bytes(row["source"].encode())} for row in rows]
    )
    path = tmp_path / "0.h5"
    found = shards.fill_shard(index, tmp_path, path, {}, partial(_decode, fault=fault))
    assert found["status"].tolist() == ["used", "quarantined", "used"]
    assert found["reason"].dropna().tolist() == [reason]
    assert found["row"].dropna().tolist() == [0, 1]
    assert open_images(path)[:].reshape(2, 4).tolist() == [[0] * 4, [2] * 4]


def _read(data: bytes, broken: bytes):
    if data == broken:
        _segfault()
    return read_placed(data)


@pytest.fixture
def crashing(tmp_path, monkeypatch) -> str:
    """The file of a series of ten slices, 4 mm apart, that crashes the decoder."""
    places = [(0, 0, 40 + 4 * k) for k in range(10)]
    silent = {"SeriesDescription": "AXIAL"}
    files = write_series(tmp_path / "raw", lambda p: 40 + p[..., 0], places, **silent)
    faulty = partial(_read, broken=files[5].read_bytes())
    monkeypatch.setattr(scans, "read_placed", faulty)
    monkeypatch.setattr(ct_labels, "read_placed", faulty)
    monkeypatch.setattr(ct_labels, "contrast_by_intensity", lambda _: ("cect", 0.9))
    return files[5].name


def test_a_slice_that_crashes_the_decoder_is_missing_from_its_volume(tmp_path, crashing):
    table = tmp_path / "labels.csv"
    names = [file.name for file in (tmp_path / "raw").iterdir()]
    table.write_text("file,contrast\n" + "".join(f"{name},yes\n" for name in names))
    label = TableLabel(kind="table", path=table, key="file", value="contrast")
    index = index_ct(tmp_path / "raw", CtIndex(label=label, shards=1))
    assert index["status"].eq("used").all()
    settings = CtConvert(image_size=16, spacing_mm=2)
    items = shard_ct(index, tmp_path / "raw", settings, tmp_path / "0.h5", {})
    bad, good = items[items["status"] == "quarantined"], items[items["status"] == "used"]
    assert bad[["source", "reason", "detail"]].values.tolist() == [[crashing, "crashed", "SIGSEGV"]]
    assert set(good["interpolated"]) == {1} and len(good) == len(open_images(tmp_path / "0.h5"))


def test_a_slice_that_crashes_the_decoder_of_the_index_is_one_row(tmp_path, crashing):
    label = TagContrast(kind="tags", intensity=True)
    index = index_ct(tmp_path / "raw", CtIndex(label=label, shards=1))
    bad, good = index[index["status"] == "quarantined"], index[index["status"] == "used"]
    assert bad[["source", "reason", "detail"]].values.tolist() == [[crashing, "crashed", "SIGSEGV"]]
    assert set(good["label"]) == {"cect"} and len(good) == 9
