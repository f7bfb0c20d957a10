"""The slide among the images of a TIFF: by their size and kind, wherever the file has them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from medsynth.imaging.histology.pages import find_slide, opened
from medsynth.store.quarantine import UnusableImage
from tests.unit.slide_files import SLIDE, smooth, tiles_of, write_svs

SLIDE_PAGE, THUMBNAIL = smooth(256), np.ascontiguousarray(smooth(256)[::4, ::4])
MACRO = np.full((300, 400, 3), (60, 90, 60), np.uint8)
MASK = np.ones((512, 512), bool)
PALETTE = np.zeros((3, 256), np.uint16)
RGB, TILES = {"photometric": "rgb"}, {"tile": (64, 64)}
SLIDE_AT = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
THUMBNAIL_AT = {"resolution": (5000, 5000), "resolutionunit": "CENTIMETER"}
full = (SLIDE_PAGE, RGB | SLIDE_AT)
small = (THUMBNAIL, RGB | THUMBNAIL_AT)


def with_(page, **options):
    return page[0], page[1] | options


PAGES = {
    "one page": [full],
    "thumbnail behind, in tiles": [with_(full, **TILES), with_(small, subfiletype=1, **TILES)],
    "thumbnail first, in strips": [small, full],
    "thumbnail first, slide in tiles": [small, with_(full, **TILES)],
    "thumbnail first, both in tiles": [with_(small, **TILES), with_(full, **TILES)],
    "thumbnail first and said to be one": [
        with_(small, subfiletype=1, **TILES),
        with_(full, **TILES),
    ],
    "thumbnail first, the slide said to be reduced": [
        with_(small, **TILES),
        with_(full, subfiletype=1, **TILES),
    ],
    "slide as SubIFD of its thumbnail": [with_(small, subifds=1), full],
    "slide in tiles as SubIFD": [with_(small, subifds=1, **TILES), with_(full, **TILES)],
    "levels as SubIFDs": [with_(full, subifds=1, **TILES), with_(small, subfiletype=1, **TILES)],
    "compressed": [with_(small, compression="deflate"), with_(full, compression="deflate")],
    "larger macro photograph, by its flag": [small, full, (MACRO, RGB | {"subfiletype": 9})],
    "larger macro photograph, by its description": [
        (MACRO, RGB | {"description": "Aperio Image Library v11\r\nmacro 400x300"}),
        full,
        (MACRO, RGB | {"description": "label 400x300"}),
    ],
    "larger label, by a word within its description": [
        (MACRO, RGB | {"description": "ImageType=LABEL"}),
        full,
    ],
    "larger segmentation": [full, (np.zeros((512, 512), np.uint8), {"photometric": "minisblack"})],
    "larger segmentation in 16 bits first": [(np.zeros((512, 512), np.uint16), {}), full],
    "larger picture in 16 bits": [(np.zeros((512, 512, 3), np.uint16), RGB), full],
    "larger label map with a palette": [
        (np.zeros((512, 512), np.uint8), {"photometric": "palette", "colormap": PALETTE}),
        full,
    ],
    "larger mask": [(MASK, {"photometric": "mask", "subfiletype": 4}), full],
}


def write(path: Path, pages, **options) -> None:
    with tifffile.TiffWriter(path, **options) as tiff:
        for image, how in pages:
            tiff.write(image, **({"metadata": None} | how))


@pytest.mark.parametrize(
    ("order", "big"),
    [("<", False), (">", False), ("<", True)],
    ids=["little", "big endian", "BigTIFF"],
)
@pytest.mark.parametrize("kind", PAGES)
def test_the_slide_is_the_largest_page_that_shows_one(tmp_path, kind, order, big):
    path = tmp_path / f"{SLIDE}.tif"
    write(path, PAGES[kind], byteorder=order, bigtiff=big)
    slide = find_slide(path)
    with opened(path, slide.page) as found:
        assert found.dimensions == (256, 256)
        pixels = np.asarray(found.read_region((0, 0), 0, (256, 256)).convert("RGB"))
    np.testing.assert_array_equal(pixels, SLIDE_PAGE)
    assert float(slide.properties["tiff.XResolution"]) == 20_000  # its own, not the thumbnail's


@pytest.mark.parametrize(
    "kind", ["thumbnail first, both in tiles", "slide as SubIFD of its thumbnail"]
)
def test_tiles_are_cut_from_the_slide_and_not_from_its_thumbnail(tmp_path, kind):
    write(tmp_path / f"{SLIDE}.tif", PAGES[kind])
    items = tiles_of(tmp_path, mpp=0.5)
    assert set(items["mpp"]) == {0.5} and len(items) == 64 and items["x"].max() == 240


@pytest.mark.parametrize(
    "first", [(THUMBNAIL, "label"), (MACRO, "macro"), (THUMBNAIL, "x")], ids=str
)
def test_ome_xml_on_the_first_page_speaks_of_every_page(tmp_path, first):
    images = [(*first, 3.0), (SLIDE_PAGE, "slide", 0.25)]
    with tifffile.TiffWriter(tmp_path / f"{SLIDE}.ome.tif", ome=True) as tiff:
        for image, name, mpp in images:
            about = {"axes": "YXS", "Name": name, "PhysicalSizeX": mpp, "PhysicalSizeY": mpp}
            tiff.write(image, metadata=about, **RGB)
    items = tiles_of(tmp_path, mpp=0.5, assume_mpp=1.0)
    assert set(items["mpp"]) == {0.25} and items["x"].max() == 224


def test_a_label_as_large_as_the_slide_leaves_no_thumbnail_in_its_place(tmp_path):
    path = tmp_path / f"{SLIDE}.ome.tif"
    named = [(THUMBNAIL, "x"), (SLIDE_PAGE, "slide"), (np.zeros_like(SLIDE_PAGE), "label")]
    with tifffile.TiffWriter(path, ome=True) as tiff:
        for image, name in named:
            tiff.write(image, metadata={"axes": "YXS", "Name": name}, **RGB)
    with opened(path, find_slide(path).page) as found:
        pixels = np.asarray(found.read_region((0, 0), 0, (256, 256)).convert("RGB"))
    np.testing.assert_array_equal(pixels, SLIDE_PAGE)


@pytest.mark.parametrize("back_to", [0, 1])
def test_directories_that_lead_in_a_circle_end(tmp_path, back_to):
    path = tmp_path / f"{SLIDE}.tif"
    write(path, [small, full])
    with tifffile.TiffFile(path) as tiff:
        offsets = [page.offset for page in tiff.pages]
    data = bytearray(path.read_bytes())
    entries = struct.unpack_from("<H", data, offsets[1])[0]
    struct.pack_into("<I", data, offsets[1] + 2 + 12 * entries, offsets[back_to])
    path.write_bytes(data)
    items = tiles_of(tmp_path, mpp=0.5)
    assert items["reason"].tolist() == ["cannot_open"] and "circle" in items["detail"][0]


def test_a_thumbnail_larger_than_what_openslide_takes_for_the_slide_is_the_slide(tmp_path):
    about = {"description": "Aperio Image Library v12.0.15\r\n256x256|AppMag = 40"}
    path = tmp_path / f"{SLIDE}.svs"
    write(path, [with_(small, **TILES, **about), with_(full, **about)])
    with opened(path, find_slide(path).page) as found:
        assert found.dimensions == (256, 256)


def test_sixteen_bits_are_not_cut_off_at_255(tmp_path):
    write(tmp_path / f"{SLIDE}.tif", [(SLIDE_PAGE[..., 0].astype(np.uint16) * 200, SLIDE_AT)])
    items = tiles_of(tmp_path, mpp=0.5)
    assert items["reason"].tolist() == ["cannot_open"]


def test_a_page_too_large_for_pillow_is_set_aside_before_it_is_read(tmp_path, monkeypatch):
    write(tmp_path / f"{SLIDE}.tif", PAGES["thumbnail first, both in tiles"])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 256 * 256 // 2 - 1)
    with pytest.raises(UnusableImage) as error:
        find_slide(tmp_path / f"{SLIDE}.tif")
    assert error.value.reason == "absurd_size" and "256 x 256" in error.value.detail


def test_a_property_whose_name_is_no_utf8_costs_no_slide(tmp_path):
    """OpenSlide lists such a name, and then knows no value of it."""
    write_svs(tmp_path / "a.svs", [smooth(128)], about="|AppMag = 40|MPP = 0.25|Note = x")
    data = (tmp_path / "a.svs").read_bytes()
    (tmp_path / "a.svs").write_bytes(data.replace(b"|Note = x", b"|N\xff\xfee = x"))
    properties = find_slide(tmp_path / "a.svs").properties
    assert properties["aperio.MPP"] == "0.25"
    assert not any("�" in name for name in properties)
