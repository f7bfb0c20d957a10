"""Radiographs of MIMIC-CXR and MIMIC-CXR-JPG as 8-bit squares."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from medsynth.cohorts.mimic_cxr.settings import CxrRead
from medsynth.cohorts.shards import fill_shard
from medsynth.imaging.dicom import read_radiograph
from medsynth.imaging.pictures import undecoded
from medsynth.imaging.resize import SQUARES, resize_area
from medsynth.store.digest_cache import DigestCache
from medsynth.store.quarantine import UnusableImage

SETTINGS = CxrRead


def shard(
    rows: pd.DataFrame,
    root: Path,
    settings: CxrRead,
    images: Path,
    attrs: dict[str, str],
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Decode the radiographs of one shard to uint8 (image_size, image_size, 1).

    The image is made square as settings.fit says, then its areas are averaged. Borders are black
    as shown, also beside a MONOCHROME1 image, which is inverted before.

    Returns:
        Manifest of the usable rows: used with `row`, or quarantined or, for text in the
        pixels, excluded with their reason.
    """
    jpg = bool(rows["source"].str.endswith(".jpg").all())
    return fill_shard(rows, root, images, attrs, partial(_decode, settings=settings, jpg=jpg))


def _decode(data: bytes, settings: CxrRead, jpg: bool) -> np.ndarray:
    image = read_jpg(data) if jpg else read_radiograph(data, settings.burned_in)
    return resize_area(SQUARES[settings.fit](image), settings.image_size, settings.image_size)


def read_jpg(data: bytes) -> np.ndarray:
    """Read an image of MIMIC-CXR-JPG, which is inverted and equalised already.

    Returns:
        uint8 (H, W), 0 black to 255 white.

    Raises:
        UnusableImage: not_jpeg, not_grey, absurd_size, truncated, cannot_decode, blank.
    """
    with undecoded(data, ["JPEG"], UnusableImage("not_jpeg")) as image:
        if image.mode != "L":
            raise UnusableImage("not_grey", image.mode)
        grey = np.asarray(image)
    if np.ptp(grey) == 0:
        raise UnusableImage("blank")
    return grey
