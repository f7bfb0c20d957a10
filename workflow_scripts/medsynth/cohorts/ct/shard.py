"""CT series and NIfTI volumes as slices in Hounsfield units."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.ct.identity import slice_id
from medsynth.cohorts.ct.scans import Scan, read_study
from medsynth.cohorts.ct.settings import CtConvert
from medsynth.cohorts.files import decode_unchanged, read_raw
from medsynth.cohorts.shards import Item, fill_shard, write_items
from medsynth.imaging.ct.nifti import is_nifti, write_nifti
from medsynth.imaging.ct.series import field_mm, plane_id_of
from medsynth.imaging.dicom import AIR_HU, read_hu
from medsynth.imaging.resize import padded_square, resize_area
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digest_cache import DigestCache
from medsynth.store.digests import digest_bytes
from medsynth.store.layout import volumes_beside
from medsynth.store.manifests import TRUTH, TRUTH_SHA256, USED, manifest
from medsynth.store.quarantine import CohortError, UnusableImage
from medsynth.store.shards import ShardWriter

log = logging.getLogger(__name__)

SETTINGS = CtConvert


def shard(
    rows: pd.DataFrame,
    root: Path,
    settings: CtConvert,
    images: Path,
    attrs: dict[str, str],
    cache: DigestCache | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """Convert the series of one shard to int16 HU (image_size, image_size, 1).

    Without spacing_mm, registration and nifti the slices of DICOM series are items as they are.
    Else every series becomes volumes, and their axial slices become items. Images that are not on a
    grid of spacing_mm are padded with air (-1024 HU) to squares; areas are averaged.

    Args:
        rows: the index rows of this shard.
        root: folder `source` is relative to.
        settings: grid, registration and so on.
        images: HDF5 file to write; with `nifti`, every volume of at least two slices becomes
            <name>.nii.gz in a folder beside it, see :func:`.layout.volumes_beside`.
        attrs: attributes of the file.

    Returns:
        Manifest of the usable rows: used with `row`, or quarantined with their reason. A slice of
        a volume is called by :func:`.identity.slice_id`; z its place in mm; source the raw slice
        nearest to it (before registration); source_sha256 that of all the volume's files, see
        :func:`.scans.digest_of`; interpolated the slices missing from the volume;
        stretches the volumes that its series had to be divided into; reg_* the quality of its
        registration. Slices all of one value, beyond what was scanned, are left out.
    """
    used = rows[rows["status"] == USED]
    whole = settings.spacing_mm or settings.registration or settings.nifti
    if not whole and not any(map(is_nifti, used["source"])):
        return _slices(rows, root, settings, images, attrs)
    if settings.truth:
        raise CohortError("convert.truth is of DICOM slices, not of NIfTI volumes; leave it out")
    items, sizes = [], []
    volumes = volumes_beside(images) if settings.nifti else None
    if volumes:
        volumes.mkdir(parents=True, exist_ok=True)
    with Isolated() as in_child, ShardWriter(images, attrs) as writer:
        for _, study in used.groupby(["patient", "study"], dropna=False):
            scans, unusable = read_study(study, root, settings, in_child)
            items += unusable
            for scan in scans:
                items += _items(scan, settings, writer)
                if volumes and len(scan.volume.hu) > 1:
                    write_nifti(scan.volume, volumes / f"{scan.name}.nii.gz")
            sizes += [len(scan.volume.hu) for scan in scans]
    single = sizes.count(1)
    log.info(
        "%d volumes and %d single slices, %d images and quarantined files",
        len(sizes) - single,
        single,
        len(items),
    )
    if volumes and single:
        log.warning("no NIfTI file of %d single slices, which are no volumes", single)
    return manifest(items)


def _items(scan: Scan, settings: CtConvert, writer: ShardWriter) -> Iterator[dict[str, Any]]:
    """Write the axial slices of a volume; their rows."""
    places = np.array([source["z"] for source in scan.sources], dtype=float)
    place = scan.volume.affine, scan.volume.hu.shape
    of_all = {"plane": plane_id_of(*place), "field_mm": field_mm(*place)}
    for number, (image, z) in enumerate(zip(scan.volume.hu, scan.volume.heights, strict=True)):
        if np.ptp(image) == 0:
            continue
        if settings.spacing_mm is None:
            image = _square(image, settings.image_size)
        item_id = slice_id(scan.name, number)
        yield (
            scan.item
            | of_all
            | {
                "item_id": item_id,
                "source": scan.sources[np.argmin(np.abs(places - z))]["source"],
                "z": z,
                "row": writer.append(image[..., None], item_id),
            }
        )


def _slices(
    rows: pd.DataFrame, root: Path, settings: CtConvert, images: Path, attrs: dict[str, str]
) -> pd.DataFrame:
    """DICOM slices as they are and, beside them, their truths, see :class:`CtConvert`.

    A slice without one has zeros there, and no truth_sha256.
    """
    decode = partial(_decode, size=settings.image_size)
    if not (truths := settings.truth):
        return fill_shard(rows, root, images, attrs, decode)

    def read(item: dict[str, Any], in_child: Isolated) -> Item:
        source = root / item["source"], item["source_sha256"]
        image = in_child(decode_unchanged, decode, *source)[..., None]
        try:
            truth, sha256 = in_child(_digested, decode, truths / item["source"])
        except UnusableImage as error:
            log.warning("a slice has no truth: %s", error.reason)
            truth, sha256 = np.zeros_like(image[..., 0]), None
        return Item(image, {TRUTH_SHA256: sha256}, {TRUTH: truth[..., None]})

    return write_items(rows, images, attrs, read)


def _digested(decode: Callable[[bytes], np.ndarray], path: Path) -> tuple[np.ndarray, str]:
    data = read_raw(path)
    return decode(data), digest_bytes(data)


def _decode(data: bytes, size: int) -> np.ndarray:
    return _square(read_hu(data), size)


def _square(hu: np.ndarray, size: int) -> np.ndarray:
    return resize_area(padded_square(hu, AIR_HU), size, size)
