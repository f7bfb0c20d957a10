"""Microns per pixel: every source with its unit, and none over another that contradicts it."""

from __future__ import annotations

import numpy as np
import openslide
import pytest
import tifffile
from PIL import Image

from medsynth.imaging.histology.resolution import HEIGHT, WIDTH, microns_per_pixel
from medsynth.store.quarantine import UnusableImage
from tests.unit.slide_files import SLIDE, picture, tiles_of, write_svs

MPP_X, MPP_Y = openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y
POWER, VENDOR = openslide.PROPERTY_NAME_OBJECTIVE_POWER, openslide.PROPERTY_NAME_VENDOR


def scanner(x, y=None, power=None, **tags):
    said = {MPP_X: x, MPP_Y: y or x, POWER: power}
    return {name: str(value) for name, value in said.items() if value is not None} | tags


def tags(x, unit="inch", y=None, **more):
    said = {"tiff.XResolution": str(x), "tiff.YResolution": str(y or x)}
    return said | {"tiff.ResolutionUnit": unit} | more


def describes(text, **more):
    return {"tiff.ImageDescription": text} | more


def ome(size, unit="", power=""):
    objective = f'<Objective ID="a" NominalMagnification="{power}"/>' if power else ""
    return describes(
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">'
        f"<Instrument>{objective}</Instrument>"
        '<Image><Pixels SizeX="9" SizeY="9" PhysicalSizeX="9" PhysicalSizeY="9"/></Image>'
        f'<Image><Pixels SizeX="900" SizeY="900" PhysicalSizeX="{size}" PhysicalSizeY="{size}" '
        f"{unit}/></Image></OME>"
    )


MM = 'PhysicalSizeXUnit="mm" PhysicalSizeYUnit="mm"'


@pytest.mark.parametrize(
    ("properties", "mpp"),
    [
        (scanner(0.2527, power=40), 0.2527),
        (scanner(0.2527, power=20), 0.2527),  # a doubler behind the objective
        (scanner(0.2425, power=20), 0.2425),
        (scanner(0.2201, 0.2204), 0.2201),
        (scanner(0.1725, power=40), 0.1725),
        ({POWER: "40"}, 0.25),
        ({POWER: "20"}, 0.5),
        ({"aperio.AppMag": "40x"}, 0.25),
        ({"aperio.MPP": "0.25 um"}, 0.25),
        (tags(40_000, "centimeter"), 0.25),
        (tags(101_600, "inch"), 0.25),
        (tags(20_000, "centimeter"), 0.5),
        (tags(40_000, "none", **scanner(0.5)), 0.5),
        # a display's says nothing of the slide
        *[(tags(dots), 1.0) for dots in (72, 96, 150, 300, 600, 1200, 2400)],
        (tags(28.35, "centimeter"), 1.0),
        (tags(72, y=96), 1.0),
        (tags(72, **{POWER: "40"}), 0.25),
        (tags(72, **scanner(0.25)), 0.25),
        # as OpenSlide has it from the tags
        (tags(72, **scanner(352.8), **{VENDOR: "generic-tiff"}), 1.0),
        (tags(1, "none"), 1.0),
        (tags(40_000, "none"), 1.0),
        (tags(0), 1.0),
        ({}, 1.0),
        (ome(0.25), 0.25),
        (ome(0.00025, MM), 0.25),
        (ome(250, MM.replace("mm", "nm")), 0.25),
        (ome(0.25, power=40), 0.25),
        (tags(4, "none", **describes("ImageJ=1.53\nunit=micron\n")), 0.25),
        (tags(4, "none", **describes("ImageJ=1.53\nunit=\\u00B5m\n")), 0.25),
        (tags(4000, "none", **describes("ImageJ=1.53\nunit=mm\n")), 0.25),
        (tags(1, "none", **describes("ImageJ=1.53\nunit=pixel\n")), 1.0),
        (tags(72, **describes("Aperio Image Library|AppMag = 20|MPP = 0.4990")), 0.499),
        (describes("Scan|appmag=20|mpp=0,499"), 0.499),
        ({**ome(0.25), WIDTH: "9", HEIGHT: "9"}, 9),  # the image of that size
    ],
)  # fmt: skip
def test_the_resolution_is_the_slides_then_its_powers_then_the_assumed_one(properties, mpp):
    assert microns_per_pixel(properties, 1.0) == pytest.approx(mpp, rel=1e-6)


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (scanner(0.025, power=40), "scanner 0.025 x 0.025 um, objective power 40 (0.25 um)"),
        (scanner(2.5, power=40), "scanner 2.5 x 2.5 um, objective power 40"),
        (scanner(0.5, power=40), "scanner 0.5 x 0.5 um, objective power 40"),
        (scanner(0.1, power=20), "scanner 0.1 x 0.1 um, objective power 20"),
        (scanner(0.25, power=2), "objective power 2 (5 um)"),
        (scanner(250, power=40), "scanner 250"),  # nm
        (scanner(0.00025), "scanner 0.00025"),  # mm
        (scanner(2.5e-7), "scanner 2.5e-07"),  # m
        (scanner(0.025), "scanner 0.025"),
        (scanner(0), "scanner 0"),
        (scanner(-0.25), "scanner -0.25"),
        (scanner("nan"), "nan"),
        (scanner("inf"), "inf"),
        (scanner(352.8), "scanner 352.8"),
        (scanner(0.25, 0.5), "scanner 0.25 x 0.5 um"),
        (scanner(0.25, 0.27), "scanner 0.25 x 0.27 um"),
        (
            scanner(0.25, **tags(20_000, "centimeter")),
            "scanner 0.25 x 0.25 um, resolution tags 0.5",
        ),
        (tags(40_000, "inch", **{POWER: "40"}), "resolution tags 0.635 x 0.635 um, objective"),
        (tags(101_600, "centimeter", **{POWER: "40"}), "resolution tags 0.0984252"),
        (tags(4000, "centimeter", **{POWER: "40"}), "resolution tags 2.5"),
        (tags(40_000, "centimeter", y=20_000), "resolution tags 0.25 x 0.5 um"),
        (tags(72, y=101_600), "resolution tags 352.778 x 0.25 um"),
        (tags(1e7, "centimeter"), "resolution tags 0.001"),
        (ome(0.25, MM), "OME-XML 250 x 250 um"),
        (ome(250), "OME-XML 250"),
        (ome(0.25, 'PhysicalSizeXUnit="pixel"'), "0.25 pixel"),
        (ome(0.25, power=4), "objective power 4"),
        (describes("<OME"), "OME-XML"),
        (tags(4, "none", **describes("ImageJ=1\nunit=mm\n")), "ImageJ 250"),
        ({"aperio.MPP": "unknown", POWER: "40"}, "unknown"),
        ({POWER: "0"}, "objective power 0"),
        ({POWER: "-20"}, "objective power -20"),
        ({POWER: "400"}, "objective power 400"),
        ({"aperio.AppMag": "forty"}, "objective power forty"),
    ],
)
def test_an_implausible_or_contradicted_resolution_is_neither_used_nor_replaced(properties, told):
    with pytest.raises(UnusableImage) as error:
        microns_per_pixel(properties, 0.25)
    assert error.value.reason == "bad_mpp" and told in error.value.detail


@pytest.mark.parametrize(("properties", "told"), [({}, ""), (tags(72), "resolution tags 352.778")])
def test_without_an_assumption_a_slide_that_does_not_say_is_set_aside(properties, told):
    with pytest.raises(UnusableImage) as error:
        microns_per_pixel(properties, None)
    assert error.value.reason == "no_mpp" and told in error.value.detail


FILES = {
    "tiled.tif": {"tile": (64, 64)},
    "strips.tif": {},
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("resolution", "unit", "mpp"),
    [
        ((72, 72), "INCH", 0.5),
        ((300, 300), "INCH", 0.5),
        ((28, 28), "CENTIMETER", 0.5),
        ((40_000, 40_000), "NONE", 0.5),
        ((40_000, 40_000), "CENTIMETER", 0.25),
        ((25_400, 25_400), "INCH", 1.0),
        ((40_000, 20_000), "CENTIMETER", "bad_mpp"),
        ((10_000_000, 10_000_000), "CENTIMETER", "bad_mpp"),
    ],
)
def test_the_tags_of_a_tiff_are_read_whoever_decodes_it(tmp_path, name, resolution, unit, mpp):
    path = tmp_path / f"{SLIDE}.{name}"
    how = {"photometric": "rgb", "metadata": None, "resolution": resolution} | FILES[name]
    tifffile.imwrite(path, picture(), resolutionunit=unit, **how)
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.5)
    if isinstance(mpp, str):
        assert items["reason"].tolist() == [mpp]
    else:
        np.testing.assert_allclose(items["mpp"], mpp)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
@pytest.mark.parametrize(("dots", "mpp"), [(72, 0.5), (300, 0.5), (None, 0.5), (50_800, 0.5001)])
def test_the_density_of_a_png_or_jpeg_is_a_displays_or_the_slides(tmp_path, suffix, dots, mpp):
    how = {} if dots is None else {"dpi": (dots, dots)}
    Image.fromarray(picture()).save(tmp_path / f"{SLIDE}.{suffix}", **how)
    assumed = 0.5 if mpp == 0.5 else 1.0
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=assumed)
    np.testing.assert_allclose(items["mpp"], mpp, rtol=1e-3)


def test_an_aperio_slide_whose_scanner_contradicts_its_power_is_set_aside(tmp_path):
    write_svs(tmp_path / f"{SLIDE}.svs", [picture()], "|AppMag = 40|MPP = 0.025")
    items = tiles_of(tmp_path, mpp=1.0, assume_mpp=0.25)
    assert items["reason"].tolist() == ["bad_mpp"]
    assert "0.025 x 0.025 um, objective power 40" in items["detail"][0]
