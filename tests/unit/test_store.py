"""Digests, atomic files, manifests and shards keep what they promise."""

import hashlib
import os

import h5py
import numpy as np
import pandas as pd
import pytest

from medsynth.store import digests, shards
from medsynth.store.atomic import replacing, write_json
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_file, digest_files, digest_path
from medsynth.store.generated import Samples, write_samples
from medsynth.store.manifests import class_indices, classes_of, in_split, manifest, shard_of
from medsynth.store.shards import ImageStore, ShardWriter, batches


def test_digest_of_a_file_is_the_sha256_of_its_bytes(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"radiograph")
    assert digest_file(file) == hashlib.sha256(b"radiograph").hexdigest()


def test_cache_is_used_until_the_file_changes(tmp_path):
    file = tmp_path / "a"
    file.write_bytes(b"one")
    cache = DigestCache(tmp_path / "digests.db")
    first = digest_file(file, cache)
    stat = os.stat(file)
    cache.put(str(file), stat, "0" * 64)
    assert digest_file(file, cache) == "0" * 64
    file.write_bytes(b"two!")
    assert digest_file(file, cache) == hashlib.sha256(b"two!").hexdigest() != first


def test_many_digests_come_in_order_whatever_the_threads_and_from_the_cache(tmp_path, monkeypatch):
    files = [tmp_path / f"{i:03d}" for i in range(150)]  # more than are asked for at once
    for i, file in enumerate(files):
        file.write_bytes(b"x" * (1000 * (i % 7)))
    expected = [(hashlib.sha256(f.read_bytes()).hexdigest(), f.stat().st_size) for f in files]
    cache = DigestCache(tmp_path / "digests.db")
    assert list(digest_files(files, cache, threads=4)) == expected
    whole = digest_path(tmp_path)
    monkeypatch.setattr(hashlib, "file_digest", None)  # from here on only the cache knows
    assert list(digest_files(reversed(files), cache, threads=1)) == expected[::-1]
    (tmp_path / "digests.db").unlink()
    monkeypatch.undo()
    assert digest_path(tmp_path, threads=3) != whole  # the database had been in the folder
    assert digest_path(tmp_path, threads=3) == digest_path(tmp_path, threads=1)


def test_what_cannot_be_read_gives_its_error_and_stops_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "good").write_bytes(b"x")
    names = ["absent", "folder", "good", "pipe"]
    kinds = [type(found) for found in digest_files(tmp_path / name for name in names)]
    assert kinds == [FileNotFoundError, OSError, tuple, OSError]
    with pytest.raises(FileNotFoundError):
        digest_path(tmp_path / "absent")


def test_a_folder_with_an_unreadable_file_still_has_an_identity(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"x")
    whole = digest_path(tmp_path)

    def refusing(path, *arguments):
        if str(path).endswith("b"):
            raise PermissionError(path)
        return open(path, *arguments)

    monkeypatch.setattr(digests, "open", refusing, raising=False)
    assert digest_path(tmp_path) != whole


def test_file_names_need_not_be_utf8(tmp_path):
    file = tmp_path / os.fsdecode(b"sch\xe4del.dcm")
    file.write_bytes(b"x")
    cache = DigestCache(tmp_path.parent / "digests.db")
    assert digest_path(tmp_path, cache) == digest_path(tmp_path)
    assert cache.get(str(file), os.stat(file)) == hashlib.sha256(b"x").hexdigest()


def test_digest_of_a_folder_depends_on_names_and_contents_only(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "b").write_bytes(b"b")
        (tmp_path / name / "a").write_bytes(b"aa")
    (tmp_path / "y" / ".snakemake_timestamp").touch()
    lines = [
        f"a, 2, {hashlib.sha256(b'aa').hexdigest()}",
        f"sub/b, 1, {hashlib.sha256(b'b').hexdigest()}",
    ]
    expected = hashlib.sha256("\n".join(lines).encode()).hexdigest(), 3
    assert digest_path(tmp_path / "x") == digest_path(tmp_path / "y") == expected
    (tmp_path / "y" / "a").rename(tmp_path / "y" / "c")
    assert digest_path(tmp_path / "y")[0] != expected[0]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    file = tmp_path / "a.json"
    write_json({"n": 1}, file)
    with pytest.raises(RuntimeError), replacing(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert file.read_text() == '{\n  "n": 1\n}\n'
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(ValueError):
        write_json({"n": float("nan")}, file)


def test_shards_give_back_the_images_they_got(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5, 4, 6, 3), dtype=np.uint8)
    rows = []
    for shard in (0, 1):
        with ShardWriter(tmp_path / f"{shard}.h5", {"made_from": "abc"}) as writer:
            for i in range(shard, 5, 2):
                row = writer.append(images[i], f"item{i}")
                rows.append({"item_id": f"item{i}", "shard": shard, "row": row, "status": "used"})
    rows.append({"item_id": "bad", "status": "quarantined", "reason": "truncated"})
    table = manifest(rows).sort_values("item_id")
    store = ImageStore(table, tmp_path)
    assert len(store) == 5
    np.testing.assert_array_equal(store.read([4, 0, 3]), images[[4, 0, 3]])
    with h5py.File(tmp_path / "0.h5") as file:
        assert file.attrs["made_from"] == "abc"
        assert file["images"].chunks == (1, 4, 6, 3) and file["images"].compression is None


def test_a_store_gives_batches_and_keeps_few_files_open(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "MAX_OPEN", 2)
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    rows = []
    for k in range(5):
        with ShardWriter(tmp_path / f"{k}.h5", {}) as writer:
            row = writer.append(images[k], f"item{k}")
        rows.append({"item_id": f"item{k}", "shard": k, "row": row, "status": "used"})
    store = ImageStore(manifest(rows), tmp_path)
    order = [4, 0, 3, 1, 4, 2, 0]
    for _ in range(2):
        np.testing.assert_array_equal(store.read(order), images[order])
        assert len(store._datasets) == 2
    parts = list(batches(store, 2))
    assert [len(part) for part in parts] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(parts), images)
    assert next(batches(store, 9, [3, 1])).ravel().tolist() == [3, 1]


def test_samples_are_written_as_they_come_and_read_on_demand(tmp_path):
    images = np.arange(10, dtype=np.uint8).reshape(10, 1, 1, 1)
    labels = ["a", "b"] * 5
    files = tmp_path / "s.h5", tmp_path / "s.parquet"
    write_samples(iter(images), labels, *files, seed=3, model_sha256="m", extra={"guidance": 1.5})
    samples = Samples(*files)
    assert len(samples) == 10 and set(samples.table["guidance"]) == {1.5}
    np.testing.assert_array_equal(samples.read([7, 2]), images[[7, 2]])
    np.testing.assert_array_equal(np.concatenate(list(batches(samples, 4))), images)
    assert samples.first_of_each(2).tolist() == [0, 1, 2, 3]


def test_equal_shards_are_equal_bytes_and_a_failed_one_is_not_published(tmp_path):
    for name in ("a", "b"):
        with ShardWriter(tmp_path / f"{name}.h5", {}) as writer:
            writer.append(np.zeros((2, 2, 1), np.int16), "x")
    assert digest_file(tmp_path / "a.h5") == digest_file(tmp_path / "b.h5")
    with pytest.raises(ValueError, match="does not fit"):
        with ShardWriter(tmp_path / "c.h5", {}) as writer:
            writer.append(np.zeros((2, 2, 1), np.int16), "x")
            writer.append(np.zeros((2, 2, 1), np.uint8), "y")
    assert not (tmp_path / "c.h5").exists()


def test_empty_selection_says_so(tmp_path):
    with ShardWriter(tmp_path / "0.h5", {}):
        pass
    nothing = ImageStore(manifest([]), tmp_path)
    with pytest.raises(ValueError, match="no images"):
        nothing.read([])
    with pytest.raises(ValueError, match="no images"):
        next(batches(nothing, 2))


def test_manifest_fills_columns_and_keeps_extras():
    table = manifest([{"item_id": "a", "label": "x", "split": "train", "status": "used", "mpp": 1}])
    assert table.loc[0, "mpp"] == 1 and pd.isna(table.loc[0, "reason"])
    assert str(table["row"].dtype) == "Int64"
    assert classes_of(table) == ["x"] and len(in_split(table, "test")) == 0
    with pytest.raises(KeyError):
        class_indices(table, ["y"])


def test_shard_of_is_stable_and_spreads():
    shards = [shard_of(f"item{i}", 4) for i in range(4000)]
    assert shard_of("item0", 4) == shards[0]
    assert min(np.bincount(shards)) > 800
