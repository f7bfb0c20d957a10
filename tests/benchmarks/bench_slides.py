"""Tiles of a pyramidal slide into a shard against a bare loop of OpenSlide's read_region."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import openslide
import tifffile
from PIL import Image

from medsynth.demo.cases import SUBTYPES
from medsynth.demo.slides import draw
from medsynth.imaging.histology import tiles
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.shards import ShardWriter

ROUNDS = 7
SIZE, TILES = 256, 200
MPP = 0.25
THREADS = 2  # as the rule asks for


def _slide(folder: Path) -> Path:
    """8192 x 8192 pixels of drawn tissue at 40x, with levels of a quarter and a sixteenth."""
    drawn = draw(SUBTYPES[0], np.random.default_rng(0))[128:896, 128:896]
    finest = Image.fromarray(np.tile(drawn, (11, 11, 1))[:8192, :8192])
    path = folder / "slide.svs"
    options = {"tile": (256, 256), "photometric": "rgb", "compression": "jpeg", "metadata": None}
    with tifffile.TiffWriter(path) as tiff:
        for k, image in enumerate((finest, finest.reduce(4), finest.reduce(16))):
            about = f"Aperio Image Library v12\r\n|AppMag = 40|MPP = {MPP}"
            tiff.write(np.asarray(image), description=about, subfiletype=int(k > 0), **options)
    return path


def _ours(path: Path, plan: tiles.Plan, batches: Iterator[np.ndarray]) -> None:
    with ShardWriter(path.with_suffix(".h5"), {}) as writer:
        for batch in batches:
            for image in batch:
                writer.append(image, "tile")


def _bare(path: Path, plan: tiles.Plan, batches: Iterator[np.ndarray]) -> None:
    with openslide.OpenSlide(path) as slide:
        for corner in plan.corners:
            slide.read_region(corner, plan.level, (plan.read, plan.read))


def rows():
    with tempfile.TemporaryDirectory() as folder, Isolated(60, 8) as in_child:
        path = _slide(Path(folder))
        for mpp in (MPP, 2 * MPP, 4 * MPP):
            settings = SlideTiles(image_size=SIZE, mpp=mpp, max_tiles=TILES)
            seconds = {_ours: [], _bare: []}
            for _ in range(ROUNDS):
                for loop, taken in seconds.items():
                    answers = in_child.each(tiles._planned_and_read, path, settings, THREADS)
                    plan = next(answers)
                    start = time.perf_counter()
                    loop(path, plan, answers)
                    taken.append(time.perf_counter() - start)
            ours, peer = (median(taken) * 1000 / len(plan.corners) for taken in seconds.values())
            yield {
                "name": f"Tile at {mpp} um into a shard / bare read_region",
                "unit": "ms",
                "ours": ours,
                "peer": peer,
                "ratio": ours / peer,
                "goal": "<= 1.18 (0.85 of its speed)",
            }
