"""Tiles of one slide at the resolution asked for, whatever levels the slide has."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from medsynth.imaging.histology.pages import find_slide, opened
from medsynth.imaging.histology.resolution import microns_per_pixel
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.histology.tissue import (
    glass,
    pen_mask,
    share_in_tiles,
    sharpness,
    tissue_mask,
)
from medsynth.imaging.resize import resize_area
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_file
from medsynth.store.errors import extra
from medsynth.store.quarantine import UnusableImage

with extra("slides"):
    import openslide

log = logging.getLogger(__name__)

BATCH = 16  # tiles in an answer of the child; one that crashes it is among the next so many
THUMBNAIL_SIDE = 2048  # pixels, at most
THUMBNAIL_MPP = 4  # um, at least: a pixel takes in a cell and the gap beside it
BLOCK = 2048  # pixels; what is read at once for a thumbnail
MOST_PIXELS = 2 * 10**10  # of a level; the largest slides have as many at 40x
FINEST_FACTOR = 0.8  # nominal 40x slides have 0.23 to 0.27 um a pixel; beyond, detail is made up
LEVEL_SLACK = 1.01  # a quarter of an odd size is rounded, so its downsample is 4.0003


class Tiles(NamedTuple):
    """The tiles of one slide.

    Attributes:
        images: uint8 (n, image_size, image_size, 3).
        places: of each its x, y, level, mpp.
    """

    images: np.ndarray
    places: list[dict[str, Any]]


class Plan(NamedTuple):
    """Where the tiles of a slide are.

    Attributes:
        corners: x and y, top left, pixels of the finest level.
        level: to read from.
        read: pixels of that level in the side of a tile.
        mpp: of the finest level.
        penned: tiles with enough tissue that the pen covers.
    """

    corners: list[tuple[int, int]]
    level: int
    read: int
    mpp: float
    penned: int


def cut_tiles(
    path: Path,
    sha256: str,
    settings: SlideTiles,
    in_child: Isolated,
    cache: DigestCache | None = None,
    threads: int = 1,
) -> Tiles:
    """The tiles of one slide, top to bottom and left to right.

    Whole slides are read by OpenSlide; PNG, JPEG and TIFF that it refuses, or of which it takes
    the wrong page, are read by Pillow, as slides of one level, with Pillow's limit on the number
    of pixels.

    Args:
        path: of the slide.
        sha256: of its bytes, as the index found them.
        settings: which tiles.
        in_child: the process that opens the slide; it has the limits of the settings.
        cache: of digests.
        threads: that decode.

    Raises:
        UnusableImage: missing_file, unreadable, changed_since_index, cannot_open, absurd_size,
            no_mpp, bad_mpp, too_coarse, no_tissue, all_filtered, crashed, timeout, out_of_memory.
    """
    try:
        if digest_file(path, cache) != sha256:
            raise UnusableImage("changed_since_index")
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except OSError as error:
        raise UnusableImage("unreadable", type(error).__name__) from error
    plan, images = _read(path, settings, in_child, threads)
    sharp = np.ones(len(images), bool)
    if settings.min_sharpness is not None:
        sharp[:] = [sharpness(image) >= settings.min_sharpness for image in images]
    blurred = int((~sharp).sum())
    if plan.penned or blurred:
        left_out = sha256[:12], plan.penned, blurred
        log.info("slide %s: %d tiles left out for pen, %d for blur", *left_out)
    if not sharp.any():
        raise UnusableImage("all_filtered", f"{plan.penned} pen, {blurred} blurred")
    kept = [corner for corner, good in zip(plan.corners, sharp, strict=True) if good]
    places = [{"x": x, "y": y, "level": plan.level, "mpp": plan.mpp} for x, y in kept]
    return Tiles(images if sharp.all() else images[sharp], places)


def _read(
    path: Path, settings: SlideTiles, in_child: Isolated, threads: int
) -> tuple[Plan, np.ndarray]:
    """Where the tiles are, and uint8 (n, image_size, image_size, 3)."""
    answers = in_child.each(_planned_and_read, path, settings, threads)
    plan = next(answers)
    images = np.empty((len(plan.corners), *2 * (settings.image_size,), 3), np.uint8)
    done = 0
    try:
        for batch in answers:
            images[done : done + len(batch)] = batch
            done += len(batch)
    except UnusableImage as error:
        lost = plan.corners[done : done + BATCH]
        which = f"tiles {done + 1} to {done + len(lost)} of {len(images)}"
        where = "".join(f", from {x}:{y}" for x, y in lost[:1])
        raise UnusableImage(error.reason, f"{error.detail}; {which}{where}") from error
    return plan, images


def _planned_and_read(path: Path, settings: SlideTiles, threads: int) -> Iterator[Any]:
    """The plan of a slide, then its tiles, BATCH at a time; run in a process of its own."""
    page, properties = find_slide(path)
    mpp = microns_per_pixel(properties, settings.assume_mpp)
    with opened(path, page) as slide, ThreadPoolExecutor(threads) as pool:
        plan = _plan(slide, mpp, settings)
        yield plan

        def tile(corner: tuple[int, int]) -> np.ndarray:
            region = slide.read_region(corner, plan.level, (plan.read, plan.read))
            return _resized(opaque(region), settings.image_size)

        # OpenSlide and Pillow let go of the interpreter while they work.
        for start in range(0, len(plan.corners), BATCH):
            yield np.stack(list(pool.map(tile, plan.corners[start : start + BATCH])))


def _plan(slide: openslide.AbstractSlide, mpp: float, settings: SlideTiles) -> Plan:
    factor = settings.mpp / mpp  # pixels of the finest level in one pixel of a tile
    if factor < FINEST_FACTOR:
        raise UnusableImage("too_coarse", f"{mpp} um a pixel")
    side = settings.image_size * factor
    places, penned = _places(slide, mpp, side, settings)
    corners = [(int(column * side), int(row * side)) for row, column in places]
    level = level_for(slide.level_downsamples, factor)
    read = max(round(side / slide.level_downsamples[level]), 1)
    return Plan(corners, level, read, mpp, penned)


def level_for(downsamples: Sequence[float], factor: float) -> int:
    """The coarsest level with all the detail that pixels of `factor` finest ones can show."""
    return max((k for k, d in enumerate(downsamples) if d <= factor * LEVEL_SLACK), default=0)


def _places(
    slide: openslide.AbstractSlide, mpp: float, side: float, settings: SlideTiles
) -> tuple[np.ndarray, int]:
    """Rows and columns (n, 2) of the tiles to read, and how many more the pen covers."""
    small = thumbnail(slide, mpp)
    clear = glass(small)
    pen = pen_mask(small, clear)
    size = side * small.shape[1] / slide.dimensions[0]
    tissue = share_in_tiles(tissue_mask(small, clear), size)
    wanted = (tissue >= settings.min_tissue) & (tissue > 0)
    if not wanted.any():
        raise UnusableImage("no_tissue")
    clean = wanted & (share_in_tiles(pen, size) <= settings.max_pen)
    places = np.argwhere(clean)
    if len(places) > settings.max_tiles:
        spread = np.linspace(0, len(places) - 1, settings.max_tiles)
        places = places[np.rint(spread).astype(int)]
    return places, int(wanted.sum() - clean.sum())


def thumbnail(slide: openslide.AbstractSlide, mpp: float) -> np.ndarray:
    """The whole slide, uint8 (h, w, 3), read in blocks: the only level may be the finest.

    Raises:
        UnusableImage: absurd_size.
    """
    downsample = max(max(slide.dimensions) / THUMBNAIL_SIDE, THUMBNAIL_MPP / mpp, 1)
    level = slide.get_best_level_for_downsample(downsample)
    width, height = slide.level_dimensions[level]
    if width * height > MOST_PIXELS:
        raise UnusableImage("absurd_size", f"smallest usable level is {width} x {height}")
    columns, rows = (max(round(n / downsample), 1) for n in slide.dimensions)
    scale = downsample / slide.level_downsamples[level]
    step = max(int(BLOCK / scale), 1)
    small = np.empty((rows, columns, 3), np.uint8)
    for top in range(0, rows, step):
        for left in range(0, columns, step):
            block = small[top : top + step, left : left + step]
            place = int(left * downsample), int(top * downsample)
            width, height = (max(round(n * scale), 1) for n in block.shape[1::-1])
            region = opaque(slide.read_region(place, level, (width, height)))
            block[:] = resize_area(np.asarray(region), *block.shape[:2])
    return small


def opaque(region: Image.Image) -> Image.Image:
    """RGB on white: OpenSlide leaves transparent what the scanner skipped."""
    if region.getchannel("A").getextrema() != (255, 255):
        region = Image.alpha_composite(Image.new("RGBA", region.size, "white"), region)
    return region.convert("RGB")


def _resized(region: Image.Image, side: int) -> np.ndarray:
    """A square region as uint8 (side, side, 3)."""
    if region.width == side:
        return np.asarray(region)
    if region.width % side == 0:
        return np.asarray(region.reduce(region.width // side))  # the same mean, much faster
    return resize_area(np.asarray(region), side, side)
