"""Slides: barcodes, labels, and the tiles of a shard."""

from __future__ import annotations

import weakref

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from medsynth.cohorts.slides import shard as slides
from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.settings import SlideCohort, SlideIndex, SlideTable
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.resize import resize_area
from medsynth.store.shards import ImageStore
from tests.unit.slide_files import (
    GENOTYPE,
    GLASS,
    SLIDE,
    picture,
    tiles_of,
    write_pyramid,
    write_svs,
)


def test_index_reads_barcodes(tmp_path):
    names = {
        f"{SLIDE}.0F8E-11.svs": ("used", "TCGA-AB-1234", SLIDE),
        "TCGA-AB-1234.png": ("used", "TCGA-AB-1234", "TCGA-AB-1234"),
        "TCGA-AB-1235-01A-01-BSA.jpg": ("used", "TCGA-AB-1235", "TCGA-AB-1235-01A-01-BSA"),
        "TCGA-AB-1235-11A-01-TS1.svs": ("excluded", "TCGA-AB-1235", "TCGA-AB-1235-11A-01-TS1"),
        "TCGA-AB-12345-01Z.svs": ("quarantined", "", ""),
        f"{SLIDE.lower()}_v2.svs": ("used", "TCGA-AB-1234", SLIDE),
        "tcga_ab_1236_01z_00_dx1 (1).svs": ("used", "TCGA-AB-1236", "TCGA-AB-1236-01Z-00-DX1"),
        "TCGA-AB-1237-DX2.svs": ("used", "TCGA-AB-1237", "TCGA-AB-1237-DX2"),
        "slide.svs": ("quarantined", "", ""),
    }
    for name in [*names, "MANIFEST.txt", "annotations.csv"]:
        (tmp_path / "sub").mkdir(exist_ok=True)
        (tmp_path / "sub" / name).write_bytes(name.encode())
    index = index_slides(tmp_path, GENOTYPE).fillna({"patient": "", "group": ""})
    found = index.set_index("source")[["status", "patient", "group"]]
    assert {k[4:]: tuple(v) for k, v in found.T.to_dict("list").items()} == names
    assert set(index["reason"].dropna()) == {"not_tumour", "no_barcode"}
    assert index["label"].isna().all()


def test_index_takes_labels_by_name_stem_or_barcode(tmp_path):
    for name in (
        "TCGA-AB-0001.x.png",
        "TCGA-AB-0002.y.png",
        "TCGA-AB-0003.z.png",
        "TCGA-AB-0004.png",
        "tcga-ab-0005-01z-00-dx1_v2.png",
        "TCGA-AB-0006-01Z-00-DX1.png",
    ):
        (tmp_path / name).write_bytes(name.encode())
    table = tmp_path / "projects.tsv"
    table.write_text(
        "slide\tproject\nTCGA-AB-0001.x.png\tLGG\nTCGA-AB-0002.y\tGBM\nTCGA-AB-0003\tLGG\n"
        "TCGA-AB-0004\tNA\n"
        "TCGA-AB-0005-01Z-00-DX1\tGBM\ntcga_ab_0006_01z_00_dx1.SVS\tLGG\n"
    )
    label = SlideTable(kind="table", path=table, key="slide", value="project")
    index = index_slides(tmp_path, SlideIndex(label=label))
    assert index["label"].fillna("").tolist() == ["LGG", "GBM", "LGG", "", "LGG", "GBM"]
    assert index["reason"].dropna().tolist() == ["no_label"]


def test_classes_that_are_not_kept_are_excluded_and_those_kept_must_be_found(tmp_path):
    names = [f"TCGA-AB-000{k}.png" for k in range(3)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    table = tmp_path / "projects.csv"
    table.write_text("slide,project\n" + "\n".join(map(",".join, zip(names, "ABC", strict=True))))
    label = {"kind": "table", "path": table, "key": "slide", "value": "project"}
    settings = SlideCohort(
        kind="slides", root=tmp_path, index={"label": label | {"keep": ["A", "C"]}}
    )
    index = index_slides(tmp_path, settings.index)
    assert index["reason"].fillna("").tolist() == ["", "not_kept", ""]
    assert settings.classes() == ["A", "C"]
    everything = SlideCohort(kind="slides", root=tmp_path, index={"label": label})
    assert everything.classes() == []
    assert index_slides(tmp_path, everything.index)["reason"].isna().all()


def test_the_same_name_twice_is_used_once(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{SLIDE}.svs").write_bytes(folder.encode())
    index = index_slides(tmp_path, GENOTYPE)
    assert index["reason"].fillna("").tolist() == ["", "duplicate"]


def test_tiles_lie_on_tissue_at_the_resolution_asked_for(tmp_path):
    write_pyramid(tmp_path / f"{SLIDE}.tif", picture(), mpp=0.5)
    items = tiles_of(tmp_path, mpp=1.0)
    assert (items["status"] == "used").all()
    # 32 pixels of the finest level a tile; tissue starts at x = 128
    assert sorted(set(items["x"])) == [128, 160, 192, 224]
    assert sorted(set(items["y"])) == list(range(0, 256, 32))
    assert set(items["level"]) == {1} and items["mpp"].unique() == pytest.approx(0.5, rel=1e-3)
    assert items["item_id"][0] == f"{SLIDE}:128:0"
    images = ImageStore(items, tmp_path / "shards").read(range(len(items)))
    assert images.shape == (32, 16, 16, 3) and images.dtype == np.uint8
    for image, x, y in zip(images, items["x"], items["y"], strict=True):
        expected = resize_area(picture()[y : y + 32, x : x + 32], 16, 16)
        np.testing.assert_allclose(image, expected, atol=1)


@pytest.mark.parametrize("tint", [(250, 225, 240), (240, 200, 220), (180, 210, 245)])
def test_tinted_glass_gives_no_tiles(tmp_path, tint):
    rng = np.random.default_rng(0)
    empty = rng.normal(tint, 2, (512, 512, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(empty).save(tmp_path / f"{SLIDE}.png")
    half = np.where(picture(512) == GLASS, empty, picture(512)).astype(np.uint8)
    Image.fromarray(half).save(tmp_path / "TCGA-AB-0001.png")
    items = tiles_of(tmp_path, mpp=0.25, assume_mpp=0.25, max_tiles=2000)
    assert items["reason"].dropna().tolist() == ["no_tissue"]
    assert (items["status"] == "used").sum() == 512 and items["x"].min() == 256


def test_a_plain_image_is_a_slide_of_one_level(tmp_path):
    Image.fromarray(picture()).save(tmp_path / f"{SLIDE}.png")
    assert tiles_of(tmp_path)["reason"].tolist() == ["no_mpp"]
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5)
    assert len(items) == 32 and set(items["level"]) == {0}
    image = ImageStore(items, tmp_path / "shards").read([5])[0]
    x, y = items.loc[5, ["x", "y"]]
    np.testing.assert_array_equal(image, resize_area(picture()[y : y + 32, x : x + 32], 16, 16))


def test_at_most_max_tiles_evenly_spread(tmp_path):
    Image.fromarray(picture()).save(tmp_path / f"{SLIDE}.png")
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5, max_tiles=4)
    assert len(items) == 4
    assert items["y"].min() == 0 and items["y"].max() == 224
    pd.testing.assert_frame_equal(items, tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5, max_tiles=4))


def test_threads_change_nothing(tmp_path):
    write_svs(tmp_path / f"{SLIDE}.svs", [picture()])
    Image.fromarray(picture()).save(tmp_path / "TCGA-AB-0001.png")
    index = index_slides(tmp_path, GENOTYPE)
    settings = SlideTiles(image_size=16, assume_mpp=0.25)
    found = []
    for k, threads in enumerate((1, 4, 4, 4)):  # more than once: a race is not lost every time
        path = tmp_path / str(k) / "0.h5"
        items = tile_slides(index, tmp_path, settings, path, {}, None, threads)
        found.append((items, ImageStore(items, path.parent).read(range(len(items)))))
    for items, images in found[1:]:
        pd.testing.assert_frame_equal(items, found[0][0])
        np.testing.assert_array_equal(images, found[0][1])


def test_bad_slides_are_one_row_each(tmp_path):
    Image.fromarray(picture()).save(tmp_path / f"{SLIDE}.png")
    glass = np.broadcast_to(np.array(GLASS, np.uint8), (64, 64, 3))
    Image.fromarray(glass.copy()).save(tmp_path / "TCGA-AB-0001.png")
    (tmp_path / "TCGA-AB-0002.svs").write_bytes(b"junk")
    whole = (tmp_path / f"{SLIDE}.png").read_bytes()
    (tmp_path / "TCGA-AB-0003.png").write_bytes(whole[: len(whole) // 2])
    write_pyramid(tmp_path / "TCGA-AB-0004.tif", picture(), mpp=4.0)
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5)
    bad = items[items["status"] == "quarantined"].set_index("group")["reason"]
    assert bad.to_dict() == {
        "TCGA-AB-0001": "no_tissue",
        "TCGA-AB-0002": "cannot_open",
        "TCGA-AB-0003": "cannot_open",
        "TCGA-AB-0004": "too_coarse",
    }
    assert (items["group"] == SLIDE).sum() == 32


def test_a_file_changed_since_the_index_is_not_used(tmp_path):
    path = tmp_path / f"{SLIDE}.png"
    Image.fromarray(picture()).save(path)
    index = index_slides(tmp_path, GENOTYPE)
    Image.fromarray(picture()[::-1]).save(path)
    items = tile_slides(index, tmp_path, SlideTiles(assume_mpp=0.5), tmp_path / "0.h5", {})
    assert items["reason"].tolist() == ["changed_since_index"]


def test_a_link_that_leads_out_of_the_root_is_not_followed(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir(), elsewhere.mkdir()
    write_svs(elsewhere / "other.svs", [picture()])
    (root / f"{SLIDE}.svs").symlink_to(elsewhere / "other.svs")
    assert index_slides(root, GENOTYPE)["reason"].tolist() == ["outside_root"]


def test_all_tumour_slides_of_a_case_are_used_and_normals_are_not(tmp_path):
    names = [
        "TCGA-AB-1234-01A-01-TS1", "TCGA-AB-1234-01B-02-BS2", "TCGA-AB-1234-01Z-00-DX1",
        "TCGA-AB-1234-01Z-00-DX2", "TCGA-AB-1234-02A-01-TS1", "TCGA-AB-1234-06A-01-MS1",
        "TCGA-AB-1234-10A-01-TS1", "TCGA-AB-1234-11A-01-TS1", "TCGA-AB-1234-20A-01-TS1",
    ]  # fmt: skip
    for name in names:
        (tmp_path / f"{name}.svs").write_bytes(name.encode())
    index = index_slides(tmp_path, GENOTYPE).set_index("group")
    assert set(index["patient"]) == {"TCGA-AB-1234"}
    assert index.index.tolist() == names
    assert index["status"].tolist() == ["used"] * 6 + ["excluded"] * 3


def test_a_shard_of_many_slides_holds_one_at_a_time(tmp_path, monkeypatch):
    for k in range(4):
        Image.fromarray(picture()).save(tmp_path / f"TCGA-AB-000{k}.png")
    cut, held = slides.cut_tiles, []

    def watched(*arguments):
        assert all(images() is None for images in held)
        found = cut(*arguments)
        held.append(weakref.ref(found.images))
        return found

    monkeypatch.setattr(slides, "cut_tiles", watched)
    assert len(tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5)) == 4 * 32
    assert len(held) == 4


@pytest.mark.parametrize("dtype", [np.uint8, np.int16])
def test_resize_averages_areas(dtype):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 255, (32, 48)).astype(dtype)
    expected = image.reshape(8, 4, 8, 6).mean(axis=(1, 3))
    resized = resize_area(image, 8, 8)
    assert resized.dtype == dtype
    # Pillow rounds 8-bit images after each axis
    np.testing.assert_allclose(resized, expected, atol=1 if dtype == np.uint8 else 0.51)
