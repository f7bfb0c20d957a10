"""Whole shard jobs against bare loops over the same files, and two processes against one.

Ours reads, hashes, decodes, resizes and writes HDF5; the loops decode and resize.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import openslide
import pandas as pd
import pydicom
import tifffile
from PIL import Image

from medsynth.cohorts.mimic_cxr.index import index as index_mimic_cxr
from medsynth.cohorts.mimic_cxr.settings import CxrIndexing, CxrRead
from medsynth.cohorts.mimic_cxr.shard import shard as shard_mimic_cxr
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.demo.radiographs import write_cxr
from medsynth.demo.slides import write_slides
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.store.digests import digest_files
from medsynth.store.manifests import manifest, used

REAL = Path(os.environ.get("MEDSYNTH_REAL_DATA", "../shared/data")).resolve()
ROUNDS, IMAGES, SIDE, THREADS = 5, 40, 256, 4
ATTRS = {"made_from": "bench"}


def _interleaved(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median seconds of each, called in turn."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in spent.items()}


def _row(name: str, times: dict[str, float], goal: str, items: int = 1) -> dict:
    ours, peer = times["ours"] * 1000 / items, times["peer"] * 1000 / items
    row = {"name": name, "unit": "ms", "ours": ours, "peer": peer}
    return row | {"ratio": ours / peer, "goal": goal}


def _radiographs(folder: Path) -> tuple[Path, pd.DataFrame]:
    root = REAL / "mimic-cxr-layout"
    if not root.is_dir():
        root = folder / "cxr"
        write_cxr(root, IMAGES, 7)
    index = used(index_mimic_cxr(root, CxrIndexing(label={"kind": "view"})))
    return root, index.iloc[:IMAGES]


def _bare_radiographs(files: list[Path]) -> None:
    for file in files:
        pixels = pydicom.dcmread(file).pixel_array.astype(np.float32)
        side = min(pixels.shape)
        top, left = ((n - side) // 2 for n in pixels.shape)
        square = Image.fromarray(pixels[top : top + side, left : left + side])
        np.asarray(square.resize((SIDE, SIDE), Image.Resampling.BOX))


def _shard(index: pd.DataFrame, root: Path, path: Path) -> None:
    shard_mimic_cxr(index, root, CxrRead(image_size=SIDE), path, ATTRS)


def _slide(folder: Path) -> Path:
    """A slide of three levels, 12,000 pixels a side: one H&E region again and again."""
    regions = sorted((REAL / "tcga-he-regions").glob("*.jpg"))
    if regions:
        region = np.asarray(Image.open(regions[0]).convert("RGB").resize((1000, 1000)))
    else:
        write_slides(folder / "slides", 1, 7)
        with openslide.OpenSlide(sorted((folder / "slides").glob("**/*.svs"))[0]) as slide:
            region = np.asarray(slide.get_thumbnail((1000, 1000)).convert("RGB"))
    slide = np.tile(region, (12_000 // region.shape[0], 12_000 // region.shape[1], 1))
    path = folder / "TCGA-00-0000-01Z-00-DX1.tif"
    jpeg = {"photometric": "rgb", "compression": "jpeg", "compressionargs": {"level": 80}}
    with tifffile.TiffWriter(path) as tiff:
        for k, factor in enumerate((1, 4, 16)):
            level = np.asarray(Image.fromarray(slide).reduce(factor))
            tiff.write(level, tile=(256, 256), subfiletype=min(k, 1), **jpeg)
    return path


def _bare_tiles(file: Path, tiles: pd.DataFrame, settings: SlideTiles) -> None:
    factor = settings.mpp / tiles["mpp"].iloc[0]
    with openslide.OpenSlide(file) as slide:
        for x, y, level in zip(tiles["x"], tiles["y"], tiles["level"], strict=True):
            side = round(settings.image_size * factor / slide.level_downsamples[level])
            region = slide.read_region((x, y), level, (side, side)).convert("RGB")
            size = (settings.image_size, settings.image_size)
            np.asarray(region.resize(size, Image.Resampling.BOX))


def _tiles(folder: Path):
    file = _slide(folder)
    settings = SlideTiles(image_size=SIDE, mpp=0.5, assume_mpp=0.25, min_tissue=0, max_tiles=500)
    (digest, size) = next(digest_files([file]))
    row = {"item_id": file.stem, "source": file.name, "source_sha256": digest, "status": "used"}
    index = manifest([row | {"source_bytes": size}])

    def ours() -> pd.DataFrame:
        return tile_slides(index, file.parent, settings, folder / "t.h5", ATTRS)

    tiles = used(ours())
    times = _interleaved({"ours": ours, "peer": lambda: _bare_tiles(file, tiles, settings)})
    name = f"tile shard / bare read_region, {len(tiles)} tiles"
    yield _row(name, times, "<= 1.18 (0.85 of its speed)", len(tiles))


def _hash_all(files: list[Path]) -> None:
    for file in files:
        hashlib.sha256(file.read_bytes()).hexdigest()


def rows():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root, index = _radiographs(folder)
        files = [root / source for source in index["source"]]
        goal = "<= 1.18 (0.85 of its speed)"
        calls = {"ours": lambda: _shard(index, root, folder / "0.h5")}
        times = _interleaved(calls | {"peer": lambda: _bare_radiographs(files)})
        yield _row("DICOM shard / bare decode and resize", times, goal, len(files))
        yield from _tiles(folder)

        parts = [(index.iloc[k::4], root, folder / f"{k}.h5") for k in range(4)]
        with get_context("spawn").Pool(1) as one, get_context("spawn").Pool(2) as two:
            for pool in (one, two):  # the imports are not what is measured
                pool.starmap(_shard, parts, chunksize=1)
            calls = {"ours": lambda: two.starmap(_shard, parts, chunksize=1)}
            calls["peer"] = lambda: one.starmap(_shard, parts, chunksize=1)
            times = _interleaved(calls)
        goal = "<= 0.59 (1.7 times as fast), on two idle cores"
        yield _row("four DICOM shards, two processes / one", times, goal)

        large = folder / "large"
        large.mkdir()
        for k in range(16):
            (large / str(k)).write_bytes(os.urandom(2**24))
        files = sorted(large.iterdir())
        calls = {"ours": lambda: list(digest_files(files, None, THREADS))}
        times = _interleaved(calls | {"peer": lambda: _hash_all(files)})
        goal = "<= 0.6, on two idle cores"
        yield _row(f"sha256 of 16 files of 16 MB, {THREADS} threads / one", times, goal)
