"""Which image of a file is the slide: a TIFF holds thumbnails, labels and masks beside it."""

from __future__ import annotations

import io
import logging
import re
import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from medsynth.imaging.histology.resolution import HEIGHT, WIDTH, is_ome, ome_images
from medsynth.store.errors import extra
from medsynth.store.quarantine import UnusableImage

with extra("slides"):
    import openslide
    import tifffile

# What Pillow may read where OpenSlide refuses. A broken file of a scanner is often a TIFF still,
# of which Pillow would show a part.
PLAIN = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
COLOUR = {"RGB", "RGBA", "RGBX", "P", "L", "CMYK", "YCbCr"}  # of 8 bits, as Pillow calls them
TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MASK, MACRO = 4, 8  # of NewSubfileType (254): TIFF 6.0, and Aperio's for the photograph
# how scanners describe what is not the slide
BESIDE = re.compile(
    r"^\W*(?:\w+\W+){0,2}(label|macro|thumbnail|overview|barcode|preview)\b", re.M | re.I
)
UNITS = {1: "none", 2: "inch", 3: "centimeter"}

logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it names files, which carry barcodes


class Slide(NamedTuple):
    """Where the slide is in its file.

    Attributes:
        page: offset of its directory, where a library would take another image for it.
        properties: OpenSlide's, or those of the page under OpenSlide's names.
    """

    page: int | None
    properties: dict[str, str]


class _Page(NamedTuple):
    offset: int
    size: tuple[int, int]
    beside: bool  # label, macro photograph or mask
    coloured: bool  # in 8 bits; segmentations, depths and masks are grey, or numbers in a palette
    properties: dict[str, str]


@contextmanager
def _as_unusable() -> Iterator[None]:
    try:
        yield
    except Image.DecompressionBombError as error:
        raise UnusableImage("absurd_size", str(error)) from error
    except (openslide.OpenSlideError, OSError, ValueError, SyntaxError) as error:
        # Pillow raises SyntaxError for some broken PNG and TIFF files
        raise UnusableImage("cannot_open", f"{type(error).__name__}: {error}") from error


@_as_unusable()
def find_slide(path: Path) -> Slide:
    """The largest coloured image of a file that is no label, macro photograph or mask.

    OpenSlide knows the pages of every scanner. Of other TIFF files it takes the first page for
    the slide, and Pillow does so too: it may be a thumbnail, as the largest page is not. Pages
    include SubIFDs.

    Raises:
        UnusableImage: absurd_size, cannot_open.
    """
    vendor = openslide.OpenSlide.detect_format(path)
    size, properties = None, {}
    if vendor is not None or path.suffix.lower() not in PLAIN:
        with openslide.OpenSlide(path) as slide:
            size, properties = slide.dimensions, _properties(slide)
        if vendor != "generic-tiff" and not _exceeded(size, properties):
            return Slide(None, properties)
    with path.open("rb") as file:
        if file.read(4) not in TIFF_MAGIC:
            return Slide(None, properties or _density(path))
    pages = _pages(path)
    # the first of equals; of all, if none may be the slide
    candidates = [page for page in pages if not page.beside] or pages
    candidates = [page for page in candidates if page.coloured] or candidates
    best = max(candidates, key=lambda page: page.size[0] * page.size[1])
    if best.size == size if size else best is pages[0]:
        return Slide(None, best.properties)
    limit = Image.MAX_IMAGE_PIXELS
    if limit and best.size[0] * best.size[1] > 2 * limit:  # before the file is in memory
        raise UnusableImage("absurd_size", "{} x {}, behind another page".format(*best.size))
    return Slide(best.offset, best.properties)


def _properties(slide: openslide.OpenSlide) -> dict[str, str]:
    """What OpenSlide says of a slide; it lists names that are no UTF-8, and knows no value then."""
    found = {name: slide.properties.get(name) for name in slide.properties}
    return {name: value for name, value in found.items() if value is not None}


@contextmanager
def opened(path: Path, page: int | None = None) -> Iterator[openslide.AbstractSlide]:
    """An open slide; what goes wrong with it is an unusable image.

    Args:
        path: of the file.
        page: :attr:`Slide.page`.

    Raises:
        UnusableImage: absurd_size, cannot_open.
    """
    with _as_unusable(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about what is judged here
        with _open(path, page) as slide:
            yield slide


@contextmanager
def _open(path: Path, page: int | None) -> Iterator[openslide.AbstractSlide]:
    if page is None and (
        path.suffix.lower() not in PLAIN or openslide.OpenSlide.detect_format(path)
    ):
        with openslide.OpenSlide(path) as slide:
            yield slide
        return
    # An ImageSlide does not close the image that it is given.
    with Image.open(path if page is None else _begun_at(path, page)) as image:
        if image.mode not in COLOUR:  # Pillow would cut 16 bits off at 255
            raise UnusableImage("cannot_open", f"no colours of 8 bits: {image.mode}")
        with openslide.ImageSlide(image) as slide:
            yield slide


def _begun_at(path: Path, page: int) -> io.BytesIO:
    """The file with `page` as its first directory: Pillow finds no SubIFD otherwise."""
    data = bytearray(path.read_bytes())
    order = "<" if data[:2] == b"II" else ">"
    big = bytes(data[2:4]) in (b"+\0", b"\0+")
    struct.pack_into(order + ("Q" if big else "I"), data, 8 if big else 4, page)
    return io.BytesIO(data)


def _exceeded(size: tuple[int, int], properties: dict[str, str]) -> bool:
    """Is the thumbnail larger than what is taken for the slide?"""
    sides = (properties.get(f"openslide.associated.thumbnail.{n}") for n in ("width", "height"))
    width, height = (int(side or 0) for side in sides)
    return width * height > size[0] * size[1]


def _pages(path: Path) -> list[_Page]:
    """In the order of the file, SubIFDs behind their page."""
    try:
        with tifffile.TiffFile(path) as tiff:
            pages = _named_by_ome([_page(page) for page in _directories(tiff)])
    except Exception as error:  # whatever a directory that lies makes of the parser
        raise UnusableImage("cannot_open", f"{type(error).__name__}: {error}") from error
    if not pages:
        raise UnusableImage("cannot_open", "a TIFF without a page")
    return pages


def _directories(tiff: tifffile.TiffFile) -> Iterator[tifffile.TiffPage]:
    for page in _once(tiff.pages):
        yield page
        yield from _once(page.pages or ())


def _once(pages: Iterable[tifffile.TiffPage | tifffile.TiffFrame]) -> Iterator[tifffile.TiffPage]:
    """The pages, unless their offsets lead back to one of them: they would never end."""
    seen = set()
    for page in pages:
        if page.offset in seen:
            raise ValueError("its directories go in a circle")
        seen.add(page.offset)
        assert isinstance(page, tifffile.TiffPage)  # nobody asked for frames
        yield page


def _named_by_ome(pages: list[_Page]) -> list[_Page]:
    """OME-XML describes all images of a file, but stands on the first page only."""
    about = pages[0].properties["tiff.ImageDescription"] if pages else ""
    if not is_ome(about):
        return pages
    sizes = {size for name, size in ome_images(about) if BESIDE.search(name)}
    sizes -= {size for name, size in ome_images(about) if not BESIDE.search(name)}
    return [
        page._replace(
            beside=page.beside or page.size in sizes,
            properties=page.properties | {"tiff.ImageDescription": about},
        )
        for page in pages
    ]


def _page(page: tifffile.TiffPage) -> _Page:
    properties = {"tiff.ImageDescription": page.description}
    for axis in "XY":
        if value := page.tags.valueof(f"{axis}Resolution"):
            numerator, denominator = value
            if denominator:
                properties[f"tiff.{axis}Resolution"] = str(numerator / denominator)
    unit = int(page.tags.valueof("ResolutionUnit", 2))
    properties["tiff.ResolutionUnit"] = UNITS.get(unit, "none")
    name = page.tags.valueof("PageName", "")
    beside = page.subfiletype & (MASK | MACRO) or BESIDE.search(f"{page.description}\n{name}")
    size = page.imagewidth, page.imagelength
    properties |= {WIDTH: str(size[0]), HEIGHT: str(size[1])}
    coloured = page.samplesperpixel >= 3 and page.bitspersample == 8
    return _Page(page.offset, size, bool(beside), coloured, properties)


def _density(path: Path) -> dict[str, str]:
    """What a PNG (pHYs) or JPEG (JFIF, Exif) says of its resolution, in dots an inch."""
    with Image.open(path) as image:
        dots = image.info.get("dpi", ())
    return {f"tiff.{axis}Resolution": str(float(n)) for axis, n in zip("XY", dots, strict=False)}
