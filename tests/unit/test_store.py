"""Digests, atomic files, manifests and shards keep what they promise."""

import hashlib
import os

import h5py
import numpy as np
import pandas as pd
import pytest

from medsynth.store.atomic import replacing, write_json
from medsynth.store.code import PACKAGE_ROOT, code_digest, source_files
from medsynth.store.digests import DigestCache, digest_file, digest_path
from medsynth.store.manifests import class_indices, classes_of, in_split, manifest, shard_of
from medsynth.store.shards import ImageStore, ShardWriter


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
        assert file["images"].chunks == (1, 4, 6, 3)


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
    with pytest.raises(ValueError, match="no images"):
        ImageStore(manifest([]), tmp_path).read([])


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


def test_code_digest_follows_imports_and_nothing_else():
    script = PACKAGE_ROOT / "index_ct.py"
    files = {f.relative_to(PACKAGE_ROOT).as_posix() for f in source_files(script)}
    assert {"index_ct.py", "medsynth/cohorts/ct.py", "medsynth/store/digests.py"} <= files
    assert not any("diffusion" in f or "report" in f for f in files)
    assert code_digest(script) != code_digest(PACKAGE_ROOT / "index_slides.py")
