"""Readers in a process of their own: a codec that crashes, hangs or fills the memory is seen.

Not a test file.
"""

from __future__ import annotations

import resource
import tempfile
import traceback
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.cohorts.labels import read_csv
from medsynth.cohorts.mimic_cxr.shard import read_jpg
from medsynth.genomics.assays import read_clinical
from medsynth.genomics.mutations.maf import read_maf
from medsynth.genomics.segments import read_segments
from medsynth.genomics.settings import AssayColumns
from medsynth.imaging.ct.nifti import read_nifti
from medsynth.imaging.dicom import read_hu, read_radiograph
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.histology.tiles import cut_tiles
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digests import digest_bytes
from medsynth.store.quarantine import CohortError, UnusableImage
from medsynth.store.wording import REASONS

MEMORY = 6 * 2**30  # bytes of address space: what a reader may never need
TIMEOUT_S = 60  # for one file; every reader needs milliseconds
TILES = SlideTiles(image_size=16, mpp=1.0, assume_mpp=1.0, max_tiles=8)

# What each kind of file is read by: bytes readers, and readers of a path with this suffix.
BYTES = {
    "radiograph": (read_radiograph, "uint8", 2),
    "ct": (read_hu, "int16", 2),
    "jpg": (read_jpg, "uint8", 2),
    "nifti": (lambda data: read_nifti(data).hu, "int16", 3),
}
PATHS = {
    "maf": lambda path: read_maf(path)[0],
    "maf.gz": lambda path: read_maf(path)[0],
    "seg": lambda path: read_segments(path, "hg38")[0],
    "tsv": lambda path: read_clinical(path, AssayColumns())[0],
    "csv": lambda path: read_csv(path, []),
    "csv.gz": lambda path: read_csv(path, []),
}
SLIDES = ("svs", "tif", "png", "jpeg")


def read(kind: str, data: bytes) -> tuple[str, Any]:
    """("image", array), ("tiles", arrays), ("table", rows) or ("refused", reason).

    Raises:
        AssertionError: a result that no reader may give, or a reason nobody knows.
        Exception: what a reader may never raise.
    """
    try:
        if kind in BYTES:
            call, dtype, axes = BYTES[kind]
            image = call(data)
            assert image.dtype == dtype and image.ndim == axes and image.size, image.shape
            return "image", image
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"file.{kind}")
            path.write_bytes(data)
            if kind in PATHS:
                table = PATHS[kind](path)
                assert isinstance(table, pd.DataFrame)
                return "table", len(table)
            with Isolated(TILES.timeout_s, TILES.memory_gb) as in_child:
                tiles = cut_tiles(path, digest_bytes(data), TILES, in_child).images
            assert tiles.shape[1:] == (16, 16, 3) and tiles.dtype == "uint8" and len(tiles)
            return "tiles", tiles
    except UnusableImage as error:
        assert error.reason in REASONS
        return "refused", error.reason
    except CohortError as error:
        reason = getattr(error, "reason", None)
        assert reason is None or reason in REASONS
        return "refused", reason or "cohort_error"


def guarded(kind: str, data: bytes) -> tuple[str, Any]:
    """As :func:`read` in little memory; ("raised", traceback) for what a reader may never raise."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        return read(kind, data)
    except Exception:
        return "raised", traceback.format_exc()


class Readers:
    """One process that reads files one after the other; UnusableImage "crashed" if it dies."""

    def __init__(self) -> None:
        self._call = Isolated(TIMEOUT_S, MEMORY / 1e9)
        self.close = self._call.close

    def __call__(self, kind: str, data: bytes) -> tuple[str, Any]:
        return self._call(guarded, kind, data)
