"""Channels of one image as two domains: indexed, read with their masks, paired, compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medsynth.cohorts.images.index import index
from medsynth.cohorts.images.pairs import pair
from medsynth.cohorts.images.settings import ImagesCohort
from medsynth.cohorts.images.shard import shard
from medsynth.metrics.translation.measures import regions_of
from medsynth.store.manifests import MASK, USED
from medsynth.store.shards import ImageStore
from medsynth.tasks.translation.reference import domains_of, reference_of


def cohort(folder: Path, **columns: object) -> ImagesCohort:
    table = {"file": "image", "patient": "case", **columns}
    read = {"image_size": 16, "channels": "rgb"}
    index = {"table": folder / "slices.csv", "columns": table, "shards": 1}
    return ImagesCohort(kind="images", root=folder, index=index, read=read)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four images of two patients, of which one has a mask; after is before and 50 in it."""
    folder = tmp_path_factory.mktemp("mr")
    rng = np.random.default_rng(1)
    for k in range(4):
        before = rng.integers(60, 120, (32, 32), dtype=np.uint8)
        after, mask = before + 10, np.zeros((32, 32), np.uint8)
        mask[8:16, 8:16] = 255
        if k == 1:
            after = np.where(mask > 0, before + 50, after)
            Image.fromarray(mask).save(folder / f"p{k // 2}_{k}_mask.png")
        flair = rng.integers(0, 255, (32, 32), dtype=np.uint8)
        image = np.stack([before, flair, after], axis=-1).astype(np.uint8)
        Image.fromarray(image).save(folder / f"p{k // 2}_{k}.png")
    rows = [{"image": f"p{k // 2}_{k}.png", "case": f"p{k // 2}"} for k in range(4)]
    pd.DataFrame(rows).to_csv(folder / "slices.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def store(folder: Path) -> ImageStore:
    settings = cohort(folder, domains={"before": "red", "after": "blue"}, mask_suffix="_mask")
    assert settings.image_form().channels == 1 and settings.classes() == ["before", "after"]
    assert settings.provided() == ("pairs",)
    rows = index(folder, settings.index)
    assert rows["status"].value_counts().to_dict() == {USED: 8}
    items = shard(rows, folder, settings.shard_settings(), folder / "0.h5", {})
    return ImageStore(items.assign(split="test"), folder)


def test_every_image_is_one_of_each_domain_and_they_are_a_pair(store: ImageStore):
    rows = store.manifest
    assert domains_of(rows) == ("before", "after")
    pairs, counts = pair(rows, None)
    assert counts == {"pairs": 4, "patients": 2}
    assert pairs["item_a"][0] == "p0_0.png:before" and pairs["item_b"][0] == "p0_0.png:after"
    place = rows.reset_index().set_index("item_id")["index"]
    for a, b in zip(place[pairs["item_a"]], place[pairs["item_b"]], strict=True):
        before, after = (store.read([k])[0].astype(int) for k in (a, b))
        assert before.shape == (16, 16, 1)
        assert np.median(after - before) == pytest.approx(10, abs=1)


def test_the_mask_lies_beside_the_image_and_its_inside_is_measured_apart(store: ImageStore):
    rows = store.manifest
    masked = rows["mask_share"].notna().to_numpy()
    assert list(rows["item_id"][masked]) == ["p0_1.png:after", "p0_1.png:before"]
    masks = store.read(np.arange(8), MASK)
    assert not masks[~masked].any() and (masks[masked][..., 0] > 0).sum() == 2 * 16
    after, before = store.read(np.flatnonzero(masked))
    regions = regions_of(before, after, masks[masked][0])
    change = after[..., 0].astype(int) - before[..., 0]
    assert change[regions["mask"]].mean() == pytest.approx(50, abs=1)
    assert change[regions["elsewhere"]].mean() == pytest.approx(10, abs=1)


def test_a_pair_of_channels_is_registered(store: ImageStore):
    pairs, _ = pair(store.manifest, None)
    table = pd.DataFrame({"source_item": pairs["item_a"], "target_item": pairs["item_b"]})
    reference = reference_of(table, store)
    assert (reference.kind, reference.registered) == ("registered", True)


def test_a_channel_that_repeats_another_is_no_scan_and_in_no_pair(tmp_path: Path):
    rng = np.random.default_rng(0)
    one, two, three = rng.integers(0, 255, (3, 32, 32), dtype=np.uint8)
    black = np.zeros_like(one)
    images = {  # red, green and blue are before, FLAIR and after
        "whole": (one, two, three), "no_before": (two, two, three), "no_after": (one, two, two),
        "grey": (one, one, one), "black": (black, black, black),
    }  # fmt: skip
    for name, channels in images.items():
        Image.fromarray(np.stack(channels, axis=-1)).save(tmp_path / f"{name}.png")
    table = pd.DataFrame({"image": [f"{name}.png" for name in images], "case": [*images]})
    table.to_csv(tmp_path / "slices.csv", index=False)
    settings = cohort(tmp_path, domains={"before": "red", "after": "blue"})
    rows = index(tmp_path, settings.index)
    items = shard(rows, tmp_path, settings.shard_settings(), tmp_path / "0.h5", {})
    copies = items.loc[items["reason"] == "channel_copy", "item_id"]
    assert {*copies} == {
        "no_before.png:before", "no_after.png:after", "grey.png:before", "grey.png:after"
    }  # fmt: skip
    pairs, _ = pair(items.assign(split="test"), None)
    assert {*pairs["patient"]} == {"whole"}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "give labels"),
        ({"labels": "a", "domains": {"a": "red", "b": "blue"}}, "one of them"),
        ({"domains": {"a": "red", "b": "red"}}, "two different channels"),
        ({"domains": ("a", "b")}, "two roles of file"),
        ({"labels": "a", "mask": "m", "mask_suffix": "_mask"}, "one of both"),
    ],
)
def test_domains_that_cannot_be_are_refused(tmp_path: Path, columns: dict, said: str):
    with pytest.raises(ValueError, match=said):
        cohort(tmp_path, **columns)
