"""Tiles of one slide: resolution, levels, pen and blur, and files that cannot be used."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import struct
import time
import zlib

import numpy as np
import openslide
import pandas as pd
import pytest
from PIL import Image, ImageFilter

from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.imaging.histology import tiles
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.histology.tiles import level_for, thumbnail
from medsynth.imaging.resize import resize_area
from medsynth.store.quarantine import UnusableImage
from medsynth.store.shards import ImageStore
from tests.unit.slide_files import GENOTYPE, PINK, SLIDE, picture, smooth, tiles_of, write_svs


@pytest.mark.parametrize(
    ("about", "mpp"), [("|AppMag = 40|MPP = 0.2520", 0.252), ("|AppMag = 20", 0.5), ("", 0.4)]
)
def test_an_aperio_slide_says_its_resolution_or_its_power(tmp_path, about, mpp):
    write_svs(tmp_path / f"{SLIDE}.svs", [picture()], about)
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.4)
    assert set(items["status"]) == {"used"} and set(items["mpp"]) == {mpp}


@pytest.mark.parametrize(
    ("factor", "level"),
    [(0.9, 0), (1, 0), (2, 1), (1.975, 0), (3.95, 1), (4, 2), (4.2, 2), (99, 3)],
)
def test_a_level_that_is_coarser_by_rounding_only_is_taken(factor, level):
    assert level_for((1.0, 2.0005, 4.0009, 16.01), factor) == level


@pytest.mark.parametrize(
    ("mpp", "level", "read"),
    [(0.25, 0, 32), (0.5, 1, 32), (0.49, 0, 63), (0.53, 1, 34), (0.75, 1, 48), (1.0, 2, 32)],
)
def test_tiles_equal_the_region_read_and_reduced(tmp_path, mpp, level, read):
    """Levels of 515, 257 and 128 pixels: odd downsamples, a little coarser than 2 and 4."""
    path = tmp_path / f"{SLIDE}.svs"
    image = smooth(515)
    write_svs(path, [image, resize_area(image, 257, 257), resize_area(image, 128, 128)])
    items = tiles_of(tmp_path, mpp=mpp, image_size=32, max_tiles=9)
    assert set(items["level"]) == {level}
    found = ImageStore(items, tmp_path / "shards").read(range(len(items)))
    side = round(32 * mpp / 0.25)
    with openslide.OpenSlide(path) as slide:
        for tile, x, y in zip(found, items["x"], items["y"], strict=True):
            region = slide.read_region((x, y), level, (read, read)).convert("RGB")
            if read == 32:
                np.testing.assert_array_equal(tile, np.asarray(region))
            # the finest level, averaged in float64
            finest = np.asarray(slide.read_region((x, y), 0, (side, side)).convert("RGB"))
            exact = np.stack(
                [resize_area(finest[..., c].astype(np.float64), 32, 32) for c in range(3)], axis=2
            )
            np.testing.assert_allclose(tile[1:-1, 1:-1], exact[1:-1, 1:-1], atol=3)


@pytest.mark.parametrize("mpp", [0.4, 0.49, 0.5])
def test_a_slide_up_to_a_quarter_coarser_than_its_tiles_is_used(tmp_path, mpp):
    write_svs(tmp_path / f"{SLIDE}.svs", [smooth(256)], f"|MPP = {mpp}")
    items = tiles_of(tmp_path, mpp=0.4)
    assert set(items["status"]) == {"used"} and set(items["level"]) == {0}
    side = 16 * (0.4 / mpp)  # pixels of the slide in a tile, down to 12.8
    assert set(items["x"]) <= {int(k * side) for k in range(99)}


@pytest.mark.parametrize("mpp", [0.505, 0.8, 4.0])
def test_a_slide_more_than_a_quarter_coarser_than_its_tiles_is_set_aside(tmp_path, mpp):
    write_svs(tmp_path / f"{SLIDE}.svs", [smooth(256)], f"|MPP = {mpp}")
    items = tiles_of(tmp_path, mpp=0.4)
    assert items["reason"].tolist() == ["too_coarse"]
    assert items["detail"].tolist() == [f"{mpp} um a pixel"]


def test_a_thumbnail_is_read_in_blocks_where_no_level_is_small(tmp_path, monkeypatch):
    path = tmp_path / f"{SLIDE}.svs"
    write_svs(path, [smooth(515)])
    with openslide.OpenSlide(path) as slide:
        whole = thumbnail(slide, 1.0)
        monkeypatch.setattr(tiles, "BLOCK", 100)
        blocks = thumbnail(slide, 1.0)
        monkeypatch.setattr(tiles, "MOST_PIXELS", 515 * 515 - 1)
        with pytest.raises(UnusableImage, match="too many pixels"):
            thumbnail(slide, 1.0)
    assert whole.shape == (129, 129, 3)
    np.testing.assert_allclose(blocks.astype(int), whole, atol=3)


def test_tiles_on_pen_marks_are_left_out_and_counted(tmp_path, caplog):
    image = picture()
    image[60:80, 100:] = (40, 60, 160)
    Image.fromarray(image).save(tmp_path / f"{SLIDE}.png")
    with caplog.at_level(logging.INFO):
        items = tiles_of(tmp_path, mpp=4.0, assume_mpp=0.5, image_size=8, max_pen=0.1)
    # tiles of 64 pixels; the stroke covers 20 of them across two rows of tiles, 4 and 16 wide
    assert sorted(zip(items["y"], items["x"], strict=True)) == [
        (0, 128), (0, 192), (128, 128), (128, 192), (192, 128), (192, 192)
    ]  # fmt: skip
    assert "2 tiles left out for pen, 0 for blur" in caplog.text
    assert SLIDE[:12] not in caplog.text
    everything = tiles_of(tmp_path, mpp=4.0, assume_mpp=0.5, image_size=8, max_pen=1)
    assert len(everything) == 8


def test_blurred_tiles_are_left_out_and_counted(tmp_path, caplog):
    rng = np.random.default_rng(0)
    sharp = np.clip(np.array(PINK) + rng.normal(0, 25, (256, 256, 3)), 0, 255).astype(np.uint8)
    blurred = Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(3))
    image = np.concatenate([sharp[:, :128], np.asarray(blurred)[:, 128:]], axis=1)
    Image.fromarray(image).save(tmp_path / f"{SLIDE}.png")
    settings = {"mpp": 0.5, "assume_mpp": 0.5, "image_size": 64}
    assert len(tiles_of(tmp_path, **settings)) == 16
    with caplog.at_level(logging.INFO):
        items = tiles_of(tmp_path, min_sharpness=500, **settings)
    assert sorted(set(items["x"])) == [0, 64] and len(items) == 8
    assert "0 tiles left out for pen, 8 for blur" in caplog.text


def test_a_slide_of_pen_or_blur_only_is_quarantined(tmp_path):
    image = np.empty((128, 128, 3), np.uint8)
    image[:] = (200, 30, 40)
    Image.fromarray(image).save(tmp_path / f"{SLIDE}.png")
    Image.fromarray(picture()).save(tmp_path / "TCGA-AB-0001.png")
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5, min_sharpness=1e6)
    assert items["reason"].tolist() == ["all_filtered", "all_filtered"]
    assert set(items["detail"]) == {"16 pen, 0 blurred", "0 pen, 32 blurred"}


def png_bomb(side: int) -> bytes:
    """A PNG whose header promises side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def test_bad_files_are_set_aside_with_their_reason(tmp_path):
    folder = tmp_path / "Gewebe Größe 組織"
    folder.mkdir()
    write_svs(folder / f"{SLIDE}.svs", [picture()], "|AppMag = 20")
    whole = (folder / f"{SLIDE}.svs").read_bytes()
    (folder / "TCGA-AB-0001.svs").write_bytes(whole[: len(whole) // 2])
    (folder / "TCGA-AB-0002.svs").write_bytes(whole[:4])
    (folder / "TCGA-AB-0003.svs").write_bytes(b"")
    (folder / "TCGA-AB-0004.png").write_bytes(png_bomb(2**31 - 1))
    write_svs(folder / "TCGA-AB-0006.svs", [picture()], "|AppMag = 20|MPP = 1000000")
    write_svs(folder / "TCGA-AB-0007.svs", [picture()], "")
    (folder / "TCGA-AB-0008.ndpi").write_bytes(whole)
    (folder / "TCGA-AB-0009.tif").write_bytes(whole[: len(whole) // 2])
    items = tiles_of(tmp_path, mpp=1.0)
    bad = items[items["status"] == "quarantined"].set_index("group")["reason"]
    assert bad.to_dict() == {
        "TCGA-AB-0001": "cannot_open",
        "TCGA-AB-0002": "cannot_open",
        "TCGA-AB-0003": "cannot_open",
        "TCGA-AB-0004": "absurd_size",
        "TCGA-AB-0006": "bad_mpp",
        "TCGA-AB-0007": "no_mpp",
        "TCGA-AB-0009": "cannot_open",
    }
    used = items[items["status"] == "used"]
    # OpenSlide tells a format by the bytes
    assert set(used["group"]) == {SLIDE, "TCGA-AB-0008"}
    assert used["source"].str.startswith("Gewebe Größe 組織/").all()


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
def test_a_truncated_slide_gives_no_tile(tmp_path, part):
    path = tmp_path / f"{SLIDE}.svs"
    write_svs(path, [smooth(515), resize_area(smooth(515), 128, 128)])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    items = tiles_of(tmp_path, mpp=0.25, image_size=64)
    assert items["reason"].tolist() == ["cannot_open"]


def test_a_file_the_system_refuses_is_unreadable(tmp_path, monkeypatch):
    write_svs(tmp_path / f"{SLIDE}.svs", [picture()])
    index = index_slides(tmp_path, GENOTYPE)

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(tiles, "digest_file", refuse)
    items = tile_slides(index, tmp_path, SlideTiles(), tmp_path / "0.h5", {})
    assert items["reason"].tolist() == ["unreadable"]


def _fill_the_memory():
    np.ones(10**9)  # 8 GB


@pytest.mark.parametrize(
    ("fault", "reason", "detail"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "crashed", "SIGSEGV"),
        (lambda: time.sleep(600), "timeout", "no answer within 1.5 s"),
        (_fill_the_memory, "out_of_memory", "more than 1 GB"),
    ],
    ids=["crash", "hang", "memory"],
)
def test_a_slide_whose_tile_faults_leaves_nothing_in_the_shard(
    tmp_path, monkeypatch, fault, reason, detail
):
    names = [tmp_path / "raw" / f"TCGA-AB-000{k}.png" for k in range(3)]
    names[0].parent.mkdir()
    broken = picture()
    broken[192:, 128:, 2] += 1  # what the reader meets in the middle of the slide
    for name, image in zip(names, (picture()[::-1], broken, picture()), strict=True):
        Image.fromarray(image).save(name)
    resized = tiles._resized

    def faulty(region: Image.Image, side: int) -> np.ndarray:
        if region.getpixel((0, 0))[2] == PINK[2] + 1:
            faulthandler.disable()  # pytest's would print where
            fault()
        return resized(region, side)

    monkeypatch.setattr(tiles, "_resized", faulty)
    settings = {"assume_mpp": 0.5, "mpp": 0.5, "max_tiles": 1000, "memory_gb": 1}
    settings["timeout_s"] = 1.5 if reason == "timeout" else 600
    items = tiles_of(tmp_path / "raw", **settings)
    bad, good = items[items["status"] == "quarantined"], items[items["status"] == "used"]
    # 8 tiles in each of 12 rows before the fault
    where = "tiles 97 to 112 of 128, from 128:192"
    assert list(bad["source"]) == [names[1].name] and list(bad["row"].isna()) == [True]
    assert (bad["reason"].iloc[0], bad["detail"].iloc[0]) == (reason, f"{detail}; {where}")
    shard = tmp_path / "raw" / "shards" / "0.h5"
    with_fault = shard.read_bytes()
    names[1].unlink()
    alone = tiles_of(tmp_path / "raw", **settings)
    columns = ["item_id", "row", "x", "y", "source"]
    pd.testing.assert_frame_equal(
        good[columns].reset_index(drop=True), alone[columns], check_dtype=False
    )
    assert shard.read_bytes() == with_fault
