"""Every real file: read with the pixels pydicom, OpenSlide, Pillow and nibabel see, or set aside
with the right reason. ``pytest -rP`` shows the counts.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import openslide
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ImplicitVRLittleEndian

from medsynth.genomics.assays import read_clinical
from medsynth.genomics.mutations.maf import read_maf
from medsynth.genomics.segments import read_segments
from medsynth.genomics.settings import AssayColumns
from medsynth.imaging.ct.nifti import read_nifti
from medsynth.imaging.dicom import AIR_HU, RADIOGRAPHY, open_dicom, read_hu, read_radiograph
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.histology.tiles import cut_tiles
from medsynth.imaging.pixels import stored_codes
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.digests import digest_file
from medsynth.store.quarantine import UnusableImage
from medsynth.store.tables.header import TableError
from medsynth.store.wording import REASONS
from tests.unit.jpeg_oracle import reference_pixels

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA} (MEDSYNTH_REAL_DATA)"
)
DICOM = ["mimic-cxr-layout", "cxr-dicom", "dicom-edge", "tcga-ct-slices", "ct-serial"]
OTHER = {".csv", ".gz", ".txt", ".json"}  # tables beside the images
# One pixel of a tile is one of the slide's, so that nothing is resampled.
TILES = SlideTiles(image_size=64, mpp=0.25, assume_mpp=0.25, min_tissue=0.01, max_tiles=6)


def _files(folder: str) -> list[Path]:
    files = sorted(file for file in (DATA / folder).rglob("*") if file.is_file())
    files = [file for file in files if not file.name.startswith("LICENSE")]
    assert files, f"{DATA / folder} is empty"
    return files


def _reference(file: Path) -> tuple[pydicom.Dataset, np.ndarray | None]:
    """pydicom's own view of a file, and its pixels, null where it has none to give."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = pydicom.dcmread(file, force=True)
        except Exception:
            return pydicom.Dataset(), None
        if "TransferSyntaxUID" not in getattr(dataset, "file_meta", {}):
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
        try:
            return dataset, reference_pixels(dataset)
        except Exception:
            return dataset, None


def _justified(reason: str, dataset: pydicom.Dataset, pixels: np.ndarray | None) -> bool:
    """Whether a refusal agrees with the attributes as pydicom reads them."""
    get = dataset.get
    match reason:
        case "no_pixels":
            return "PixelData" not in dataset
        case "not_grey":
            return get("SamplesPerPixel") != 1 or "MONO" not in get("PhotometricInterpretation", "")
        case "multi_frame":
            return int(get("NumberOfFrames")) > 1
        case "bit_depth":
            return get("BitsAllocated") not in (8, 16) or not 8 <= get("BitsStored") <= 16
        case "dicomdir":
            return "DirectoryRecordSequence" in dataset
        case "not_dicom":
            return "Rows" not in dataset and "PixelData" not in dataset
        case "truncated" | "cannot_decode":
            return pixels is None or dataset.file_meta.TransferSyntaxUID.is_encapsulated
        case _:
            return pixels is None


@pytest.mark.parametrize("folder", DICOM)
def test_every_dicom_file(folder, subtests):
    counts: Counter[str] = Counter()
    for file in _files(folder):
        if file.suffix in OTHER:
            continue
        dataset, pixels = _reference(file)
        with subtests.test(file=str(file.relative_to(DATA))):
            try:
                codes, levels = stored_codes(open_dicom(file))
            except UnusableImage as error:
                counts[error.reason] += 1
                assert error.reason in REASONS
                assert _justified(error.reason, dataset, pixels), (error.reason, error.detail)
                continue
            counts["read"] += 1
            assert pixels is not None
            # pydicom leaves overlays in the bits that are not stored
            beyond = 1 << dataset.BitsStored
            apart = (levels[codes] - pixels + beyond // 2) % beyond - beyond // 2
            assert np.abs(apart).max() < 0.75  # of integers: equal
            modality = dataset.get("Modality")
            call = read_radiograph if modality in RADIOGRAPHY else read_hu
            try:
                shown = call(file)
            except UnusableImage as error:
                counts[f"read, then {error.reason}"] += 1
                assert error.reason in REASONS
            else:
                assert shown.shape == pixels.shape and np.ptp(shown) > 0
    print(f"{folder}: {dict(counts.most_common())}")
    assert counts["read"]
    if folder not in ("dicom-edge", "cxr-dicom"):
        assert set(counts) <= {"read"}


@pytest.mark.parametrize("folder", ["tcga-slides", "tcga-he-regions"])
def test_every_slide(folder, subtests):
    counts: Counter[str] = Counter()
    for file in _files(folder):
        if file.suffix in OTHER:
            continue
        with subtests.test(file=str(file.relative_to(DATA))):
            try:
                with Isolated(TILES.timeout_s, TILES.memory_gb) as in_child:
                    tiles = cut_tiles(file, digest_file(file), TILES, in_child)
            except UnusableImage as error:
                counts[error.reason] += 1
                assert error.reason in REASONS
                assert "broken" in file.parts, (error.reason, error.detail)
                continue
            counts["read"] += 1
            if file.suffix == ".svs":
                with openslide.OpenSlide(file) as slide:
                    assert {place["level"] for place in tiles.places} == {0}
                    places = [(place["x"], place["y"]) for place in tiles.places]
                    expected = [slide.read_region(at, 0, (64, 64)).convert("RGB") for at in places]
            else:
                image = Image.open(file).convert("RGB")
                boxes = [(p["x"], p["y"], p["x"] + 64, p["y"] + 64) for p in tiles.places]
                expected = [image.crop(box) for box in boxes]
            for tile, region in zip(tiles.images, expected, strict=True):
                np.testing.assert_array_equal(tile, np.asarray(region))
    print(f"{folder}: {dict(counts.most_common())}")
    assert counts["read"]


def test_every_nifti_volume():
    counts: Counter[str] = Counter()
    for file in _files("ct-nifti"):
        if not file.name.endswith((".nii", ".nii.gz")):
            continue
        values = nibabel.load(file).get_fdata()
        try:
            volume = read_nifti(file.read_bytes())
        except UnusableImage as error:
            counts[error.reason] += 1
            assert error.reason == "not_hu" and values.min() >= 0, (file.name, error.reason)
            continue
        counts["read"] += 1
        expected = np.clip(np.rint(values), AIR_HU, np.iinfo(np.int16).max)
        np.testing.assert_array_equal(np.sort(volume.hu.ravel()), np.sort(expected.ravel()))
        assert sorted(volume.hu.shape) == sorted(values.shape)
    print(f"ct-nifti: {dict(counts.most_common())}")
    assert counts["read"]


def test_every_table():
    counts: Counter[str] = Counter()
    for file in _files("tcga-tables"):
        if ".maf" in file.name:
            call, kind = (lambda f: read_maf(f)[1]), "mutations"
        elif file.suffix == ".seg":
            call, kind = (lambda f: read_segments(f, "hg19")), "segments"
        else:
            call, kind = (lambda f: read_clinical(f, AssayColumns(case="SAMPLE_ID"))[0]), "assays"
        try:
            call(file)
        except TableError as error:
            counts[f"{kind}: {error.reason}"] += 1
            assert error.reason in REASONS and file.name in str(error)
        else:
            counts[f"{kind}: read"] += 1
    print(f"tcga-tables: {dict(counts.most_common())}")
    assert counts["mutations: read"] and counts["segments: read"]
