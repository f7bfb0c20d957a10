"""What a slice would be in the other phase: made by the demo, kept in shards, compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medsynth.cohorts.ct.index import index
from medsynth.cohorts.ct.settings import CtConvert, CtIndex
from medsynth.cohorts.ct.shard import shard
from medsynth.demo.ct import ENHANCED, write_ct
from medsynth.store.manifests import TRUTH, USED
from medsynth.store.shards import ImageStore
from medsynth.tasks.translation.reference import reference_of


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    """A patient of the demo; one slice has no truth."""
    folder = tmp_path_factory.mktemp("ct")
    write_ct(folder / "raw", 1, 7)
    write_ct(folder / "truth", 1, 7, truth=True)
    rows = index(folder / "raw", CtIndex(label={"kind": "tags"}))
    Path(folder / "truth" / rows["source"][0]).unlink()
    convert = CtConvert(image_size=80, truth=folder / "truth")
    items = [
        shard(rows[rows["shard"] == k], folder / "raw", convert, folder / f"{k}.h5", {})
        for k in rows["shard"].unique()
    ]
    manifest = pd.concat(items).sort_values("item_id", ignore_index=True)
    assert (manifest["status"] == USED).all()
    return ImageStore(manifest, folder)


def test_the_truth_is_the_same_slice_with_contrast_medium_alone_changed(store: ImageStore):
    images, truths = (store.read(np.arange(len(store)), name) for name in ("images", TRUTH))
    known = store.manifest["source_truth_sha256"].notna().to_numpy()
    assert known.sum() == len(store) - 1 and not truths[~known].any()
    change = (truths.astype(int) - images)[known]
    enhanced = (store.manifest["label"] == "cect").to_numpy()[known]
    for of_phase, sign in ((change[enhanced], -1), (change[~enhanced], 1)):
        # Rounding apart, there is no other noise: most of the slice is the same to a unit.
        assert (np.abs(of_phase) <= 1).mean() > 0.8
        assert (sign * of_phase).min() >= -1
        assert (sign * of_phase).max() == pytest.approx(ENHANCED, abs=1)


def test_translations_are_compared_with_the_truth_where_it_is_known(store: ImageStore):
    items = store.manifest["item_id"]
    table = pd.DataFrame({"source_item": items[::-1], "target_item": items.iloc[0]})
    reference = reference_of(table, store)
    assert (reference.kind, reference.registered) == ("truth", True)
    assert len(reference.rows) == len(store) - 1
    k = np.arange(3)
    expected = store.read(reference.source[k], TRUTH)
    np.testing.assert_array_equal(reference.read(store, k), expected)
    assert list(items.iloc[reference.source]) == list(table["source_item"].iloc[reference.rows])


def test_without_a_truth_it_is_the_paired_slice(store: ImageStore):
    without = ImageStore(store.manifest.drop(columns="source_truth_sha256"), store._folder)
    items = without.manifest["item_id"]
    table = pd.DataFrame({"source_item": items[:3], "target_item": [items[5], None, items[4]]})
    reference = reference_of(table, without)
    assert (reference.kind, reference.registered) == ("pairs", False)
    assert list(reference.rows) == [0, 2] and list(reference.target) == [5, 4]
    found = reference.read(without, np.array([1]))
    np.testing.assert_array_equal(found, without.read([4]))


def test_truth_is_of_slices_as_they_are(tmp_path: Path):
    with pytest.raises(ValueError, match="truth is of slices as they are, and spacing_mm makes"):
        CtConvert(spacing_mm=3, truth=tmp_path)
