"""Histology slides under their GDC file names, cut into tiles.

Barcodes: https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
from PIL import Image

from medsynth.cohorts.resize import resize_area
from medsynth.cohorts.sources import (
    check_names,
    hash_sources,
    matching_files,
    quarantine_repeats,
    read_labels,
    row_of,
)
from medsynth.cohorts.tissue import tissue_mask, tissue_share
from medsynth.cohorts.unusable import UnusableImage
from medsynth.runtime.config.base import TableLabel
from medsynth.runtime.config.slides import SlideIndex, SlideTiles
from medsynth.store.digests import DigestCache, digest_file
from medsynth.store.manifests import EXCLUDED, QUARANTINED, USED, manifest, shard_of
from medsynth.store.shards import ShardWriter

log = logging.getLogger(__name__)

SUFFIXES = {".svs", ".tif", ".tiff", ".ndpi", ".mrxs", ".scn", ".vms", ".bif", ".svslide"}
SUFFIXES |= {".png", ".jpg", ".jpeg"}
# project - tissue source site - participant, then sample, portion and slide where present
BARCODE = re.compile(r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})(-\d{2}[A-Z]?)?((?:-[A-Z0-9]+)*)(?![A-Z0-9])")
THUMBNAIL_SIDE = 2048  # pixels, at most
THUMBNAIL_MPP = 4  # um, at least: a pixel takes in a cell and the gap beside it
FINEST_FACTOR = 0.8  # nominal 40x slides have 0.23 to 0.27 um a pixel; beyond, detail is made up


def index_slides(
    root: Path, settings: SlideIndex, cache: DigestCache | None = None
) -> pd.DataFrame:
    """One row for every slide file below `root` that the pattern matches; other files are passed.

    Returns:
        Index manifest. item_id is the file name without its last suffix, patient the case
        (TCGA-XX-XXXX), group the slide barcode; label from the table, or null for genotypes
        (joined later). Excluded: no_label, not_tumour (sample type 10 and above, genotypes only).
        Quarantined: no_barcode, duplicate, unreadable.

    Raises:
        CohortError: the label table is missing, lacks columns or contradicts itself.
    """
    table = read_labels(settings.label) if isinstance(settings.label, TableLabel) else None
    rows = []
    files = [f for f in matching_files(root, settings.pattern) if f.suffix.lower() in SUFFIXES]
    if table is not None:
        check_names(files, table)
    for file in files:
        row = {"item_id": file.stem, "source": file.relative_to(root).as_posix(), "status": USED}
        row["shard"] = shard_of(file.stem, settings.shards)
        if barcode := BARCODE.match(file.name):
            row |= {"patient": barcode[1], "group": barcode[0]}
            if table is not None:
                found = row_of(table, file, root)
                row["label"] = None if found is None else found["label"]
                if pd.isna(row["label"]):
                    row |= {"status": EXCLUDED, "reason": "no_label"}
            elif barcode[2] and int(barcode[2][1:3]) >= 10:
                row |= {"status": EXCLUDED, "reason": "not_tumour"}
        else:
            row |= {"status": QUARANTINED, "reason": "no_barcode"}
        rows.append(row)
    frame = manifest(rows)
    quarantine_repeats(frame)
    hash_sources(frame, root, cache)
    return manifest(frame)


def tile_slides(
    index: pd.DataFrame, root: Path, settings: SlideTiles, path: Path, attrs: dict[str, str]
) -> pd.DataFrame:
    """Cut the slides of one shard into uint8 tiles (image_size, image_size, 3).

    Returns:
        Manifest with a row for every tile, and the extra columns x, y (top left, pixels of the
        finest level), level and mpp (read from; of the finest level). item_id is
        "<slide>:<x>:<y>". A slide that cannot be used is one quarantined row with its reason.
    """
    rows = []
    with ShardWriter(path, attrs) as writer:
        for slide in index[index["status"] == USED].to_dict("records"):
            try:
                # all tiles first: a slide that breaks half-way leaves nothing behind
                tiles = cut_tiles(root / slide["source"], slide["source_sha256"], settings)
            except UnusableImage as error:
                bad = {"status": QUARANTINED, "reason": error.reason, "detail": error.detail}
                rows.append(slide | bad)
                continue
            for image, place in tiles:
                item_id = f"{slide['item_id']}:{place['x']}:{place['y']}"
                row = writer.append(image, item_id)
                rows.append(slide | place | {"item_id": item_id, "row": row})
    log.info("%d slides gave %d rows", index["status"].eq(USED).sum(), len(rows))
    return manifest(rows)


def cut_tiles(path: Path, sha256: str, settings: SlideTiles) -> list[tuple[np.ndarray, dict]]:
    """The tiles of one slide, top to bottom and left to right.

    Whole slides are read by OpenSlide; PNG, JPEG and TIFF that it refuses are read by Pillow, as
    slides of one level, with Pillow's limit on the number of pixels.

    Returns:
        Pairs of the tile, uint8 (image_size, image_size, 3), and its x, y, level, mpp.

    Raises:
        UnusableImage: missing_file, changed_since_index, cannot_open, absurd_size, no_mpp,
            too_coarse, no_tissue.
    """
    try:
        if digest_file(path) != sha256:
            raise UnusableImage("changed_since_index")
        # A broken Aperio file is still a TIFF, of which Pillow would show a part.
        opened = openslide.OpenSlide if path.suffix.lower() == ".svs" else openslide.open_slide
        with opened(path) as slide:
            return _cut(slide, settings)
    except FileNotFoundError as error:
        raise UnusableImage("missing_file") from error
    except Image.DecompressionBombError as error:
        raise UnusableImage("absurd_size", str(error)) from error
    except (openslide.OpenSlideError, OSError, ValueError, SyntaxError) as error:
        # Pillow raises SyntaxError for some broken PNG and TIFF files
        raise UnusableImage("cannot_open", f"{type(error).__name__}: {error}") from error


def _cut(slide: openslide.AbstractSlide, settings: SlideTiles) -> list[tuple[np.ndarray, dict]]:
    mpp = _mpp(slide, settings)
    factor = settings.mpp / mpp  # pixels of the finest level in one pixel of a tile
    if factor < FINEST_FACTOR:
        raise UnusableImage("too_coarse", f"{mpp} um a pixel")
    mask = tissue_mask(_thumbnail(slide, mpp))
    side = settings.image_size * factor
    share = tissue_share(mask, side * mask.shape[1] / slide.dimensions[0])
    places = np.argwhere((share >= settings.min_tissue) & (share > 0))
    if len(places) == 0:
        raise UnusableImage("no_tissue")
    if len(places) > settings.max_tiles:
        spread = np.linspace(0, len(places) - 1, settings.max_tiles)
        places = places[np.rint(spread).astype(int)]
    level = slide.get_best_level_for_downsample(max(factor, 1))
    read = max(round(side / slide.level_downsamples[level]), 1)
    tiles = []
    for row, column in places:
        x, y = int(column * side), int(row * side)
        region = _opaque(slide.read_region((x, y), level, (read, read)))
        image = resize_area(region, settings.image_size, settings.image_size)
        tiles.append((image, {"x": x, "y": y, "level": level, "mpp": mpp}))
    return tiles


def _mpp(slide: openslide.AbstractSlide, settings: SlideTiles) -> float:
    """Microns per pixel of the finest level, as the slide says or else as assumed."""
    said = slide.properties.get(openslide.PROPERTY_NAME_MPP_X)
    mpp = float(said) if said else settings.assume_mpp
    if mpp is None or not 0 < mpp < np.inf:
        raise UnusableImage("no_mpp", str(said))
    return mpp


def _thumbnail(slide: openslide.AbstractSlide, mpp: float) -> np.ndarray:
    """The whole slide, uint8 (h, w, 3); refuses to decode a huge single level."""
    downsample = max(max(slide.dimensions) / THUMBNAIL_SIDE, THUMBNAIL_MPP / mpp, 1)
    level = slide.get_best_level_for_downsample(downsample)
    width, height = slide.level_dimensions[level]
    if width * height > Image.MAX_IMAGE_PIXELS:
        raise UnusableImage("absurd_size", f"smallest usable level is {width} x {height}")
    small = [max(round(n / downsample), 1) for n in slide.dimensions]
    return resize_area(_opaque(slide.read_region((0, 0), level, (width, height))), *small[::-1])


def _opaque(region: Image.Image) -> np.ndarray:
    """RGB on white: OpenSlide leaves transparent what the scanner skipped."""
    white = Image.new("RGBA", region.size, "white")
    return np.asarray(Image.alpha_composite(white, region).convert("RGB"))
