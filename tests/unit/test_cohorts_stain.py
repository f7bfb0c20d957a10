"""Stain normalisation: the published algorithms, fitted to the training slides only."""

from __future__ import annotations

import json
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from torchstain.numpy.normalizers.macenko import NumpyMacenkoNormalizer
from torchstain.numpy.normalizers.reinhard import NumpyReinhardNormalizer

from medsynth.cohorts.normalise import fit_stain, normalise_shard
from medsynth.cohorts.stain import MOST_PIXELS, Macenko, NoStain, Reinhard, some_pixels
from medsynth.cohorts.unusable import CohortError
from medsynth.runtime.config.slides import Stain
from medsynth.store.manifests import manifest
from medsynth.store.shards import ImageStore, ShardWriter
from tests.checkout import ROOT, Checkout

# optical density of hematoxylin and eosin in red, green, blue; the first is the reference slide of
# the Macenko implementations
REFERENCE = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
BLUISH = np.array([[0.68, 0.62, 0.36], [0.30, 0.88, 0.40]])


def tissue(seed: int, vectors: np.ndarray = REFERENCE, strength: float = 1, side: int = 64):
    """(side, side, 3) uint8: two stains of known optical density, no glass."""
    rng = np.random.default_rng(seed)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    amounts = strength * rng.uniform([0.8, 0.8], [1.6, 1.4], (side, side, 2))
    # Pixels of nearly one stain only give the extreme angles.
    amounts[: side // 4, :, 1] *= 0.02
    amounts[-side // 4 :, :, 0] *= 0.02
    pixels = 256 * np.exp(-(amounts @ vectors)) - 1
    return np.rint(pixels).clip(0, 255).astype(np.uint8)


def without_glass(image: np.ndarray) -> np.ndarray:
    return np.minimum(image, 210)


def shard_of(slides: dict[str, np.ndarray], folder: Path, splits: dict[str, str]) -> pd.DataFrame:
    """Shard 0 with the tiles (n, H, W, 3) of each slide, and its manifest."""
    rows = []
    with ShardWriter(folder / "shards" / "0.h5", {"made_from": "raw"}) as writer:
        for name, tiles in slides.items():
            for x, tile in enumerate(tiles):
                item = f"{name}:{x}:0"
                row = {"item_id": item, "source": f"{name}.svs", "source_sha256": f"{name:0>64}"}
                row |= {"row": writer.append(tile, item), "shard": 0, "status": "used"}
                rows.append(row | {"patient": name, "label": "a", "split": splits[name]})
    return manifest(rows)


def test_macenko_equals_torchstain_to_one_grey_level():
    target, source = tissue(0), tissue(1, BLUISH, strength=0.7)
    peer = NumpyMacenkoNormalizer()
    peer.fit(target, Io=256)
    fitted = Macenko.of(target.reshape(-1, 3))
    np.testing.assert_allclose(np.transpose(fitted.vectors), peer.HERef, atol=1e-9)
    np.testing.assert_allclose(fitted.concentrations, peer.maxCRef, rtol=1e-9)
    ours = Macenko.of(source.reshape(-1, 3)).to(fitted)(source)
    theirs, _, _ = peer.normalize(source, Io=256, stains=False)
    # It cuts 256 exp(-density) off where the model of light has that less 1, rounded.
    assert np.abs(ours.astype(int) - theirs).max() <= 1
    assert np.abs(ours.astype(int) - source).mean() > 5


def test_macenko_finds_the_stains_that_made_the_image():
    found = Macenko.of(tissue(2).reshape(-1, 3))
    true = REFERENCE / np.linalg.norm(REFERENCE, axis=1, keepdims=True)
    cosines = np.sum(np.array(found.vectors) * true, axis=1)
    assert (cosines > np.cos(np.radians(2))).all()


def test_reinhard_equals_torchstain_to_one_grey_level():
    target, source = without_glass(tissue(3)), without_glass(tissue(4, BLUISH, strength=0.7))
    peer = NumpyReinhardNormalizer()
    peer.fit(target)
    fitted = Reinhard.of(target.reshape(-1, 3))
    np.testing.assert_allclose(fitted.mean, peer.target_means, atol=1e-3)
    np.testing.assert_allclose(fitted.std, peer.target_stds, atol=1e-3)
    ours = Reinhard.of(source.reshape(-1, 3)).to(fitted)(source)
    # It cuts fractions off and computes in float32.
    assert np.abs(ours.astype(int) - peer.normalize(source)).max() <= 1
    assert np.abs(ours.astype(int) - source).mean() > 5


@pytest.mark.parametrize("method", [Macenko, Reinhard])
def test_a_slide_in_the_colours_of_the_target_stays(method):
    image = tissue(5)
    own = method.of(image.reshape(-1, 3))
    normalised = own.to(own)(image).astype(int)
    # Macenko drops what two stains do not explain: here the rounding of 8 bits
    assert np.abs(normalised - image).max() <= 1


@pytest.mark.parametrize("method", [Macenko, Reinhard])
def test_glass_stays_glass(method):
    source = method.of(tissue(6).reshape(-1, 3))
    target = method.of(tissue(7, BLUISH).reshape(-1, 3))
    glass = np.full((4, 4, 3), 255, np.uint8)
    np.testing.assert_array_equal(source.to(target)(glass), glass)


@pytest.mark.parametrize("method", [Macenko, Reinhard])
def test_glass_takes_no_part_in_a_slides_colours(method):
    stained = without_glass(tissue(8)).reshape(-1, 3)
    glass = np.full((9000, 3), 245, np.uint8)
    assert method.of(stained) == method.of(np.concatenate([stained, glass]))


@pytest.mark.parametrize("method", [Macenko, Reinhard])
@pytest.mark.parametrize(
    "pixels",
    [np.full((5000, 3), 250), np.full((5000, 3), 90), tissue(9).reshape(-1, 3)[:500]],
    ids=["glass", "one colour", "too few"],
)
def test_pixels_that_tell_no_stain_are_refused(method, pixels):
    with pytest.raises(NoStain):
        method.of(pixels.astype(np.uint8))


def test_at_most_a_million_pixels_of_a_slide_are_looked_at():
    images = np.arange(3 * 1100 * 1100 * 3, dtype=np.uint32).reshape(3, 1100, 1100, 3)
    pixels = some_pixels(images)
    assert MOST_PIXELS / 2 < len(pixels) <= MOST_PIXELS
    assert pixels[0, 0] == 0 and pixels[-1, 0] > images.max() * 0.99
    assert len(some_pixels(images[0, :10])) == 11000


def test_the_fit_is_the_median_of_the_training_slides_only(tmp_path):
    slides = {str(k): np.stack([tissue(k, strength=s)]) for k, s in enumerate((0.8, 1.0, 1.2), 1)}
    slides["4"] = np.stack([tissue(4, BLUISH, strength=2)])
    splits = {"1": "train", "2": "train", "3": "train", "4": "test"}
    table = shard_of(slides, tmp_path, splits)
    fit = fit_stain(table, tmp_path / "shards", Stain(method="macenko"), seed=0)
    assert (fit["split"], fit["slides"], fit["tiles"]) == ("train", 3, 3)
    middle = Macenko.of(slides["2"].reshape(-1, 3))
    np.testing.assert_allclose(fit["target"]["concentrations"], middle.concentrations, rtol=0.02)
    json.dumps(fit)
    # other pixels of the test slide change nothing
    slides["4"] = np.stack([tissue(40)])
    again = fit_stain(
        shard_of(slides, tmp_path, splits), tmp_path / "shards", Stain(method="macenko"), seed=0
    )
    assert again == fit


def test_the_draw_of_tiles_depends_on_the_seed_only(tmp_path):
    slides = {"1": np.stack([tissue(k) for k in range(6)])}
    table = shard_of(slides, tmp_path, {"1": "train"})
    settings = Stain(method="reinhard", tiles_per_slide=2)
    fits = [fit_stain(table, tmp_path / "shards", settings, seed) for seed in (0, 0, 1)]
    assert fits[0] == fits[1] != fits[2]
    assert fits[0]["tiles"] == 2


def test_a_cohort_without_stain_is_refused(tmp_path):
    table = shard_of({"1": np.full((1, 64, 64, 3), 250, np.uint8)}, tmp_path, {"1": "train"})
    with pytest.raises(CohortError, match="stain.method: none"):
        fit_stain(table, tmp_path / "shards", Stain(method="macenko"), seed=0)


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_a_shard_is_normalised_slide_by_slide_and_keeps_its_rows(tmp_path, method):
    empty = np.full((64, 64, 3), 250, np.uint8)
    empty[:4, :4] = tissue(3)[:4, :4]
    slides = {
        "1": np.stack([tissue(1), tissue(2)]),
        "2": np.stack([tissue(4, BLUISH, 0.7), empty, tissue(5, BLUISH, 0.7)]),
        "3": empty[None],
    }
    table = shard_of(slides, tmp_path, {"1": "train", "2": "test", "3": "test"})
    fit = fit_stain(table, tmp_path / "shards", Stain(method=method), seed=0)
    path = tmp_path / "normalised" / "0.h5"
    # the order of the table's rows does not matter
    normalise_shard(
        table.sample(frac=1, random_state=0), tmp_path / "shards", fit, path, {"made_from": "x"}
    )
    with h5py.File(path) as new, h5py.File(tmp_path / "shards" / "0.h5") as old:
        assert new.attrs["made_from"] == "x"
        np.testing.assert_array_equal(new["item_id"], old["item_id"])
    new = ImageStore(table, path.parent).read(range(6))
    target = new[:2].reshape(-1, 3).mean(axis=0)
    old = np.stack([*slides["1"], *slides["2"], empty])
    before, after = (images[[2, 4]].reshape(-1, 3).mean(axis=0) for images in (old, new))
    assert np.abs(after - target).max() < 6 < np.abs(before - target).max()
    # the slide, not the tile, gives the source: a tile of nearly nothing but glass stays pale
    assert new[3].mean() > 225
    np.testing.assert_array_equal(new[5], empty)


def test_models_and_metrics_read_the_normalised_shards(tmp_path):
    """A dry run: training waits for normalise_stain, and the fit for the leakage gate."""
    checkout = Checkout(tmp_path / "medsynth")
    config = yaml.safe_load((ROOT / "tests" / "workflow" / "tiny.yaml").read_text())
    config["cohorts"]["glioma"]["stain"] = {"method": "macenko"}
    (checkout.folder / "stain.yaml").write_text(yaml.safe_dump(config))
    plan = checkout.snakemake("--configfile", "stain.yaml", "-n").stdout
    jobs = [job for job in re.split(r"\n(?=rule )", plan) if job.startswith("rule ")]
    readers = {"glioma": set(), "raw": set()}
    for job in jobs:
        name = job.split(":")[0].removeprefix("rule ")
        inputs = job.split("output:")[0]
        if "cohorts/glioma/normalised/0.h5" in inputs:
            readers["glioma"].add(name)
        if "cohorts/glioma/shards/0.h5" in inputs:
            readers["raw"].add(name)
    assert readers["raw"] == {"fit_stain", "normalise_stain"}
    assert readers["glioma"] == {
        "train_classifier", "train_ddpm", "train_progan", "evaluate_generation", "build_report"
    }  # fmt: skip
    fit = next(job for job in jobs if job.startswith("rule fit_stain"))
    assert "cohorts/glioma/leakage.json" in fit and "cohorts/cxr" not in fit


def test_nothing_is_normalised_unless_asked():
    assert Stain().method == "none"
