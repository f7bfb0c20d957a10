"""Every real slide and region: its tiles as OpenSlide reads them, or set aside with its reason."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import openslide
import pytest
from PIL import Image

from medsynth.cohorts.slides.index import index as index_slides
from medsynth.cohorts.slides.settings import GenotypeLabel, SlideIndex
from medsynth.cohorts.slides.shard import shard as tile_slides
from medsynth.imaging.histology.settings import SlideTiles
from medsynth.imaging.histology.stain import Macenko, NoStain, Reinhard, some_pixels
from medsynth.store.shards import ImageStore
from tests.checkout import ROOT

DATA = Path(os.environ.get("MEDSYNTH_REAL_DATA", ROOT.parent / "shared" / "data")).resolve()
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no real data at {DATA} (MEDSYNTH_REAL_DATA)"
)
REGIONS, SLIDES = DATA / "tcga-he-regions", DATA / "tcga-slides"


def tiles_of(root: Path, path: Path, **settings):
    index = index_slides(root, SlideIndex(label=GenotypeLabel(kind="genotype"), shards=1))
    items = tile_slides(index, root, SlideTiles(**settings), path, {})
    return index, items, ImageStore(items, path.parent)


@pytest.mark.parametrize(("size", "mpp"), [(32, 1.0), (64, 1.0), (256, 0.25)])
def test_pen_filter_drops_no_tile_of_ordinary_tissue(tmp_path, size, mpp):
    settings = {"image_size": size, "mpp": mpp, "assume_mpp": 0.25, "max_tiles": 10_000}
    _, filtered, _ = tiles_of(REGIONS, tmp_path / "0.h5", **settings)
    _, everything, _ = tiles_of(REGIONS, tmp_path / "0.h5", max_pen=1, **settings)
    assert filtered["source"].nunique() == 28 and set(filtered["status"]) == {"used"}
    assert len(filtered) == len(everything)


def test_tiles_of_regions_are_the_pixels_openslide_reads(tmp_path):
    settings = {"image_size": 128, "mpp": 0.25, "assume_mpp": 0.25, "max_tiles": 5}
    _, items, store = tiles_of(REGIONS, tmp_path / "0.h5", **settings)
    for source, rows in items.groupby("source"):
        with openslide.open_slide(REGIONS / source) as slide:
            for k, x, y in zip(rows.index, rows["x"], rows["y"], strict=True):
                region = slide.read_region((x, y), 0, (128, 128)).convert("RGB")
                np.testing.assert_array_equal(store.read([k])[0], np.asarray(region))


@pytest.mark.parametrize(("mpp", "level"), [(0.25, 0), (0.5, 1)])
def test_tiles_of_a_whole_slide_are_the_pixels_openslide_reads(tmp_path, mpp, level):
    settings = {"image_size": 128, "mpp": mpp, "assume_mpp": 0.25, "max_tiles": 12}
    _, items, store = tiles_of(SLIDES, tmp_path / "0.h5", **settings)
    rows = items[items["source"].str.endswith("CR-7395-01A-01-TS1.svs")]
    assert len(rows) == 12 and set(rows["level"]) == {level}
    with openslide.OpenSlide(SLIDES / rows["source"].iloc[0]) as slide:
        for k, x, y in zip(rows.index, rows["x"], rows["y"], strict=True):
            region = slide.read_region((x, y), level, (128, 128)).convert("RGB")
            np.testing.assert_array_equal(store.read([k])[0], np.asarray(region))


def test_every_slide_is_used_or_set_aside_with_its_reason(tmp_path):
    index, items, _ = tiles_of(SLIDES, tmp_path / "0.h5", mpp=1.0, assume_mpp=0.25)
    reasons = index.set_index("source")["reason"].dropna()
    assert reasons.to_dict() == {
        f"broken/{name}.svs": "no_barcode" for name in ("corrupt-jpeg", "histolab_broken", "tiny")
    }
    assert items["source"].nunique() == 6 and set(items["status"]) == {"used"}
    # the slide says neither its resolution nor its power
    _, items, _ = tiles_of(SLIDES, tmp_path / "0.h5", mpp=1.0)
    assert set(items["reason"]) == {"no_mpp"} and len(items) == 6


def test_broken_slides_under_a_barcode_are_set_aside_with_their_reason(tmp_path):
    names = {"corrupt-jpeg": "cannot_open", "histolab_broken": "cannot_open", "tiny": "no_tissue"}
    for k, name in enumerate(names):
        data = (SLIDES / "broken" / f"{name}.svs").read_bytes()
        (tmp_path / f"TCGA-AB-000{k}-01Z-00-DX1.svs").write_bytes(data)
    _, items, _ = tiles_of(tmp_path, tmp_path / "shards" / "0.h5", image_size=8, mpp=0.5)
    assert items.sort_values("source")["reason"].tolist() == list(names.values())


def test_blur_is_told_from_sharp_tissue(tmp_path):
    """At 0.5 um a pixel sharp tissue lies above 200 (the figure in the configuration)."""
    settings = {"image_size": 128, "mpp": 0.5, "assume_mpp": 0.25, "max_tiles": 10_000}
    _, everything, _ = tiles_of(REGIONS, tmp_path / "0.h5", **settings)
    _, sharp, _ = tiles_of(REGIONS, tmp_path / "0.h5", min_sharpness=200, **settings)
    assert len(sharp) == len(everything) > 28


@pytest.mark.parametrize("method", [Macenko, Reinhard])
def test_normalised_regions_differ_less_in_colour(tmp_path, method):
    settings = {"image_size": 224, "mpp": 1.0, "assume_mpp": 0.25}
    _, items, store = tiles_of(REGIONS, tmp_path / "0.h5", **settings)
    images = store.read(range(len(items)))
    found = [method.of(some_pixels(image)) for image in images]
    target = method.typical(found)
    pairs = zip(images, found, strict=True)
    normalised = np.stack([own.to(target)(image) for image, own in pairs])
    spread = [x.reshape(len(x), -1, 3).mean(axis=1).std(axis=0) for x in (images, normalised)]
    assert (spread[1] < 0.8 * spread[0]).all()


def degrees_to_typical(fits: list[Macenko]) -> np.ndarray:
    typical = np.array(Macenko.typical(fits).vectors)
    cosines = np.sum(np.array([fit.vectors for fit in fits]) * typical, axis=2)
    return np.degrees(np.arccos(cosines.clip(-1, 1)))


def test_no_region_is_left_without_a_stain():
    fits = [
        Macenko.of(np.asarray(Image.open(path)).reshape(-1, 3)) for path in REGIONS.glob("*.jpg")
    ]
    degrees = degrees_to_typical(fits)
    assert np.median(degrees, axis=0).max() < 8 and degrees.max() < 15


def test_few_ordinary_tiles_are_left_as_they_are():
    """Tiles of 128 pixels, each as if it were a slide."""
    paths = sorted((DATA / "he-lung-tiles").glob("lung_*/*"))[::4]
    fits = []
    for path in paths:
        try:
            fits.append(Macenko.of(np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3)))
        except NoStain:
            continue
    assert len(fits) > 0.96 * len(paths)
    degrees = degrees_to_typical(fits)
    assert np.median(degrees, axis=0).max() < 9 and degrees.max() < 30
