"""Microns per pixel of a slide, from everything that its file says about them.

Sources: the scanner's own figure as OpenSlide finds it (https://openslide.org/properties/), the
physical size of OME-XML, ImageJ's unit, Aperio's description, the resolution tags of a TIFF (TIFF
6.0, XResolution 282, ResolutionUnit 296) or the density of a PNG or JPEG, the objective power.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple
from xml.etree import ElementTree

from medsynth.store.errors import extra
from medsynth.store.quarantine import UnusableImage

with extra("slides"):
    import openslide

EYEPIECE = 10  # um a pixel at power 1: 40x is 0.25, 20x is 0.5
# um of a slide's finest level: an objective resolves 0.2, power 1 has 10. Resolution tags beyond
# are a screen's or a printer's: 72 to 2400 dots an inch are 353 to 10.6 um.
FINEST, COARSEST = 0.05, 10
# of the nominal EYEPIECE / power: small pixels of a camera or a doubler behind the objective halve
# it, binning does not double it at full power
LEAST_OF_POWER, MOST_OF_POWER = 0.42, 1.5
STRONGEST = 150  # power of an objective
ANISOTROPY = 1.05  # scanners differ by less than 1 % between the axes
AGREEMENT = 1.1  # a rounded and a calibrated figure of one slide

METRIC = {"nano": 1e-3, "micro": 1, "milli": 1e3, "centi": 1e4, "": 1e6}  # um
SHORT = {"nm": 1e-3, "um": 1, "mm": 1e3, "cm": 1e4, "m": 1e6, "micron": 1}
UNIT_UM = SHORT | {"inch": 25_400, "in": 25_400, "å": 1e-4}
UNIT_UM |= {f"{prefix}met{end}": um for prefix, um in METRIC.items() for end in ("er", "re")}
QUANTITY = re.compile(r"\s*([-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(\D*?)\s*")
APERIO = re.compile(r"\|\s*(MPP|AppMag)\s*=\s*([^|\r\n]*)", re.IGNORECASE)
IMAGEJ_UNIT = re.compile(r"^unit=(.*)$", re.MULTILINE)
WIDTH, HEIGHT = "openslide.level[0].width", "openslide.level[0].height"
IMAGEJ_MICRO = "\\u00B5"  # as ImageJ escapes the sign


class Stated(NamedTuple):
    """What one source says.

    Attributes:
        source: its name.
        axes: um a pixel along x, y or both.
    """

    source: str
    axes: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.source} {' x '.join(f'{mpp:.6g}' for mpp in self.axes)} um"


def microns_per_pixel(properties: Mapping[str, str], assumed: float | None) -> float:
    """Microns per pixel of the finest level.

    As the slide says; else by its objective power, whose pixels scanners make 10 um / power
    wide; else as assumed. What a slide says wrongly is not replaced by an assumption, but tags
    that state the resolution of a display say nothing of the slide.

    Args:
        properties: those of OpenSlide, as many as the slide has; for other TIFF, PNG and JPEG
            files tiff.XResolution, tiff.YResolution, tiff.ResolutionUnit, tiff.ImageDescription
            under OpenSlide's names.
        assumed: of slides that do not say.

    Raises:
        UnusableImage: no_mpp, bad_mpp (implausible, other along x than along y, or two sources
            contradict each other; the detail has what each says).
    """
    statements = list(_statements(properties))
    display = [s for s in statements if s.source == "resolution tags" and min(s.axes) > COARSEST]
    statements = [s for s in statements if s not in display]
    power = _power(properties)
    said = [str(statement) for statement in statements]
    if power is not None:
        nominal = EYEPIECE / power
        said.append(f"objective power {power:g} ({nominal:g} um)")
    every = [mpp for _, axes in statements for mpp in axes]
    fits = all(FINEST <= mpp <= COARSEST for mpp in every)
    fits &= all(max(axes) <= ANISOTROPY * min(axes) for _, axes in statements)
    if fits and every:
        fits = max(every) <= AGREEMENT * min(every)
    if power is not None:
        low, high = LEAST_OF_POWER * nominal, MOST_OF_POWER * nominal
        fits &= all(low <= mpp <= high for mpp in every)
    if not fits:
        raise UnusableImage("bad_mpp", ", ".join(said))
    if every:
        return every[0]
    if power is not None:
        return nominal
    if assumed is None:
        raise UnusableImage("no_mpp", ", ".join(map(str, display)))
    return assumed


def _statements(properties: Mapping[str, str]) -> Iterator[Stated]:
    """What the sources say, the most trustworthy first."""
    names = (openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y)
    scanner = [properties[name] for name in names if name in properties]
    if properties.get(openslide.PROPERTY_NAME_VENDOR) == "generic-tiff":
        scanner = []  # OpenSlide has it from the tags
    elif not scanner and properties.get("aperio.MPP", "").strip():
        scanner = [properties["aperio.MPP"]]
    if scanner:
        yield Stated("scanner", tuple(_microns(text) for text in scanner))
    description = properties.get("tiff.ImageDescription", "")
    if "aperio.MPP" not in properties and (text := _aperio(description).get("mpp")):
        yield Stated("description", (_microns(text),))
    if axes := _ome(properties)[0]:
        yield Stated("OME-XML", axes)
    tags = [properties.get(f"tiff.{axis}Resolution") for axis in "XY"]
    unit = properties.get("tiff.ResolutionUnit", "inch")
    source = "resolution tags"
    if description.startswith("ImageJ=") and (named := IMAGEJ_UNIT.search(description)):
        unit, source = named[1].replace(IMAGEJ_MICRO, "u"), "ImageJ"
    size = UNIT_UM.get(_unit(unit))  # "none" and "pixel" are no units
    pixels = [float(text) for text in tags if text is not None]
    pixels = [count for count in pixels if count > 0 and math.isfinite(count)]
    if size and pixels:
        yield Stated(source, tuple(size / count for count in pixels))


def _power(properties: Mapping[str, str]) -> float | None:
    """Of the objective.

    Raises:
        UnusableImage: bad_mpp, that of no objective.
    """
    description = properties.get("tiff.ImageDescription", "")
    texts = (
        properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER),
        properties.get("aperio.AppMag"),
        _aperio(description).get("appmag"),
        _ome(properties)[1],
    )
    text = next((text for text in texts if text and text.strip()), None)
    if text is None:
        return None
    number = QUANTITY.fullmatch(text.strip().strip("xX×"))
    power = float(number[1].replace(",", ".")) if number and not number[2] else math.nan
    if not 1 <= power <= STRONGEST:
        raise UnusableImage("bad_mpp", f"objective power {text.strip()}")
    return power


def _aperio(description: str) -> dict[str, str]:
    return {name.lower(): text.strip() for name, text in APERIO.findall(description)}


def is_ome(description: str) -> bool:
    return "<OME" in description[:2000]


def ome_images(description: str) -> list[tuple[str, tuple[int, int]]]:
    """Name, and width and height, of every image of OME-XML.

    Raises:
        UnusableImage: bad_mpp, it is no XML.
    """
    return [(name, size) for name, size, _ in _ome_pixels(_ome_root(description))]


def _ome_root(description: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(description)
    except ElementTree.ParseError as error:
        raise UnusableImage("bad_mpp", f"OME-XML: {error}") from error


def _ome_pixels(
    root: ElementTree.Element,
) -> Iterator[tuple[str, tuple[int, int], ElementTree.Element]]:
    for image in root.iterfind(".//{*}Image"):
        for pixels in image.iterfind("{*}Pixels"):
            sides = (pixels.get(f"Size{axis}", "") for axis in "XY")
            width, height = (int(side) if side.isdecimal() else 0 for side in sides)
            yield image.get("Name", ""), (width, height), pixels


def _ome(properties: Mapping[str, str]) -> tuple[tuple[float, ...], str | None]:
    """Physical size (um, of x and y) and nominal power by OME-XML, of the image that is as large
    as the slide; of the largest one if none is.

    https://www.openmicroscopy.org/Schemas/OME/2016-06: PhysicalSizeXUnit is um where it is absent.
    """
    description = properties.get("tiff.ImageDescription", "")
    if not is_ome(description):
        return (), None
    root = _ome_root(description)
    slide = properties.get(WIDTH), properties.get(HEIGHT)
    axes: list[float] = []
    if images := list(_ome_pixels(root)):
        *_, largest = max(
            images,
            key=lambda image: (tuple(map(str, image[1])) == slide, image[1][0] * image[1][1]),
        )
        for axis in "XY":
            if text := largest.get(f"PhysicalSize{axis}"):
                axes.append(_microns(f"{text} {largest.get(f'PhysicalSize{axis}Unit', 'um')}"))
    objective = root.find(".//{*}Objective")
    return tuple(axes), None if objective is None else objective.get("NominalMagnification")


def _microns(text: str) -> float:
    """A length with or without its unit, in um.

    Raises:
        UnusableImage: bad_mpp, no length can be read.
    """
    found = QUANTITY.fullmatch(text)
    size = UNIT_UM.get(_unit(found[2] or "um")) if found else None
    if not found or size is None:
        raise UnusableImage("bad_mpp", f"{text.strip()} um")
    return float(found[1].replace(",", ".")) * size


def _unit(text: str) -> str:
    text = text.strip().lower().replace("µ", "u").replace("μ", "u").removesuffix("/pixel")
    return text.removesuffix("es" if text == "inches" else "s")
