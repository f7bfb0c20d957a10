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

from medsynth.cohorts.slides.normalise import count_normalised, fit_stain, normalise_shard
from medsynth.cohorts.slides.settings import Stain
from medsynth.imaging.histology.stain import (
    MOST_PIXELS,
    UNFIT,
    Macenko,
    NoStain,
    Reinhard,
    some_pixels,
)
from medsynth.store.manifests import manifest
from medsynth.store.quarantine import CohortError
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


def one_stain(colour, seed: int = 0, noise: float = 2, side: int = 64) -> np.ndarray:
    """(side, side, 3) uint8: more and less of what has this colour, and the camera's noise."""
    rng = np.random.default_rng(seed)
    density = -np.log((np.array(colour) + 1) / 256)
    pixels = 256 * np.exp(-rng.uniform(0.6, 1.4, (side, side, 1)) * density) - 1
    return np.rint(pixels + rng.normal(0, noise, pixels.shape)).clip(0, 255).astype(np.uint8)


# colour, and why nothing can be fitted to it: without noise it is one colour, with noise two
ONE_STAIN = {
    "eosin": ((215, 133, 197), "no_hematoxylin"),
    "bright eosin": ((230, 150, 190), "no_hematoxylin"),
    "pale eosin": ((235, 190, 215), "no_hematoxylin"),
    "necrosis": ((226, 138, 168), "no_hematoxylin"),
    "blood": ((190, 60, 80), "no_hematoxylin"),
    "red pen": ((200, 30, 40), "no_hematoxylin"),
    "hematoxylin": ((100, 90, 160), "no_eosin"),
    "pale hematoxylin": ((150, 140, 190), "no_eosin"),
    "dark hematoxylin": ((84, 58, 128), "no_eosin"),
    "black pen": ((30, 30, 34), "not_he"),
    "blue pen": ((40, 60, 160), "not_he"),
    "thin blue pen": ((120, 170, 210), "not_he"),
    "green pen": ((36, 120, 70), "not_he"),
    "nearly white": ((246, 243, 247), "little_stain"),
}


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


@pytest.mark.parametrize("method", [Macenko, Reinhard])
@pytest.mark.parametrize("noise", [0, 2, 4])
@pytest.mark.parametrize("kind", ONE_STAIN)
def test_one_stain_alone_is_not_taken_for_two(method, kind, noise):
    colour, reason = ONE_STAIN[kind]
    with pytest.raises(NoStain) as error:
        method.of(one_stain(colour, noise=noise, side=128).reshape(-1, 3))
    assert error.value.reason in {reason, "one_colour"}
    assert str(error.value) == UNFIT[error.value.reason]


OTHERS = {
    "DAB": ([(150, 95, 50), (130, 140, 190)], "not_he"),
    "hematoxylin and melanin": ([(100, 80, 160), (90, 60, 40)], "not_he"),
    "hematoxylin and carbon": ([(100, 80, 160), (40, 38, 40)], "not_he"),
    "eosin and carbon": ([(230, 150, 190), (40, 38, 40)], "not_he"),
    "eosin and blood": ([(215, 133, 197), (190, 60, 80)], "no_hematoxylin"),
    "two eosins": ([(215, 133, 197), (240, 170, 200)], "no_hematoxylin"),
    "collagen and muscle": ([(225, 150, 175), (210, 100, 140)], "no_hematoxylin"),
}


@pytest.mark.parametrize("method", [Macenko, Reinhard])
@pytest.mark.parametrize("noise", [1, 4])
@pytest.mark.parametrize("kind", OTHERS)
def test_two_stains_that_are_not_hematoxylin_and_eosin_are_refused(method, kind, noise):
    colours, reason = OTHERS[kind]
    image = np.concatenate([one_stain(c, noise=noise, side=128) for c in colours])
    with pytest.raises(NoStain) as error:
        method.of(image.reshape(-1, 3))
    assert error.value.reason in {reason, "one_colour"}


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
@pytest.mark.parametrize("kind", ONE_STAIN)
def test_a_slide_of_one_stain_stays_as_it_is_and_says_why(tmp_path, method, kind):
    colour, reason = ONE_STAIN[kind]
    slides = {"1": np.stack([tissue(1)]), "2": np.stack([one_stain(colour)] * 2)}
    table = shard_of(slides, tmp_path, {"1": "train", "2": "test"})
    fit = fit_stain(table, tmp_path / "shards", Stain(method=method), seed=0)
    path = tmp_path / "normalised" / "0.h5"
    done = normalise_shard(table, tmp_path / "shards", fit, path, {"made_from": "x"})
    np.testing.assert_array_equal(ImageStore(table, path.parent).read([1, 2]), slides["2"])
    assert done["stain"][0] == "normalised"
    assert set(done["stain"][1:]) <= {reason, "one_colour"}
    assert done.drop(columns="stain").equals(table)


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_a_tile_of_one_stain_is_normalised_with_its_slide(tmp_path, method):
    vectors = BLUISH / np.linalg.norm(BLUISH, axis=1, keepdims=True)
    eosin = 256 * np.exp(-np.linspace(0.8, 1.2, 64 * 64)[:, None] * vectors[1]) - 1
    eosin = np.rint(eosin).astype(np.uint8).reshape(64, 64, 3)
    slides = {"1": np.stack([tissue(1)]), "2": np.stack([tissue(4, BLUISH), eosin])}
    table = shard_of(slides, tmp_path, {"1": "train", "2": "test"})
    fit = fit_stain(table, tmp_path / "shards", Stain(method=method), seed=0)
    path = tmp_path / "normalised" / "0.h5"
    done = normalise_shard(table, tmp_path / "shards", fit, path, {"made_from": "x"})
    assert set(done["stain"]) == {"normalised"}
    density = -np.log((ImageStore(table, path.parent).read([2])[0].astype(float) + 1) / 256)
    before, after, target = (d / np.linalg.norm(d) for d in (
        vectors[1], density.reshape(-1, 3).mean(axis=0), REFERENCE[1]
    ))  # fmt: skip
    assert after @ target > before @ target


@pytest.mark.parametrize("noise", [0, 2])
@pytest.mark.parametrize("share", [0.05, 0.2])
@pytest.mark.parametrize("pale", [0.2, 0.3, 0.5])
@pytest.mark.parametrize("vectors", [REFERENCE, BLUISH], ids=["reference", "bluish"])
def test_pale_eosin_is_found_where_it_is_and_not_in_the_nuclei(vectors, pale, share, noise):
    rng = np.random.default_rng(0)
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    amounts = rng.uniform([0.8, pale], [1.6, 1.6 * pale], (20_000, 2))
    amounts[int(share * len(amounts)) :, 0] *= 0.01
    pixels = 256 * np.exp(-(amounts @ vectors)) - 1 + rng.normal(0, noise, (len(amounts), 3))
    found = Macenko.of(np.rint(pixels).clip(0, 255).astype(np.uint8)).vectors
    degrees = np.degrees(np.arccos(np.sum(found * vectors, axis=1)))
    assert (degrees < 9).all()  # nuclei hold eosin too; the stains are 22 and 25 degrees apart


def test_eosin_too_pale_to_be_measured_is_refused():
    rng = np.random.default_rng(0)
    vectors = REFERENCE / np.linalg.norm(REFERENCE, axis=1, keepdims=True)
    amounts = rng.uniform([0.8, 0.1], [1.6, 0.2], (20_000, 2))
    amounts[1000:, 0] *= 0.01
    pixels = 256 * np.exp(-(amounts @ vectors)) - 1 + rng.normal(0, 4, (len(amounts), 3))
    with pytest.raises(NoStain, match="pale"):
        Macenko.of(np.rint(pixels).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "lumen", [(255, 255, 255), (250, 249, 251), (240, 238, 242), (232, 230, 233), (225, 223, 226)]
)
def test_reinhard_leaves_lumens_untinted(lumen):
    target = Reinhard.of(tissue(7, BLUISH).reshape(-1, 3))
    normalise = Reinhard.of(tissue(6).reshape(-1, 3)).to(target)
    image = tissue(6)
    assert np.abs(normalise(image).astype(int) - image).mean() > 5
    image[16:48, 16:48] = lumen
    np.testing.assert_array_equal(normalise(image)[16:48, 16:48], image[16:48, 16:48])


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


def test_a_cohort_of_one_stain_is_refused_with_the_reasons(tmp_path):
    slides = {
        "1": one_stain((215, 133, 197), noise=4)[None],
        "2": one_stain((226, 138, 168), noise=4)[None],
        "3": one_stain((246, 243, 247))[None],
        "4": tissue(1)[None],
    }
    table = shard_of(slides, tmp_path, {"1": "train", "2": "train", "3": "train", "4": "test"})
    with pytest.raises(CohortError) as error:
        fit_stain(table, tmp_path / "shards", Stain(method="reinhard"), seed=0)
    for part in (f"2: {UNFIT['no_hematoxylin']}", f"1: {UNFIT['little_stain']}", "method: none"):
        assert part in str(error.value)


def test_slides_left_out_of_the_fit_change_nothing_in_it_and_are_counted(tmp_path):
    slides = {"1": tissue(1)[None], "2": one_stain((215, 133, 197), noise=4)[None]}
    table = shard_of(slides, tmp_path, {"1": "train", "2": "train"})
    fit = fit_stain(table, tmp_path / "shards", Stain(method="macenko"), seed=0)
    assert (fit["slides"], fit["tiles"], fit["left_out"]) == (1, 1, {"no_hematoxylin": 1})
    alone = Macenko.of(slides["1"].reshape(-1, 3)).vectors
    np.testing.assert_allclose(fit["target"]["vectors"], alone, rtol=1e-12)


def test_slides_and_tiles_are_counted_by_what_became_of_them():
    rows = [("a", "normalised"), ("a", "normalised"), ("b", "no_eosin"), ("c", "little_stain")]
    table = manifest([{"source": s, "stain": stain, "status": "used"} for s, stain in rows])
    bad = manifest([{"source": "d", "stain": None, "status": "quarantined"}])
    assert count_normalised([table, bad, table.assign(source=table["source"] + "2")]) == {
        "slides": {
            "left as they are: hematoxylin alone": 2,
            "left as they are: too few stained pixels": 2,
            "normalised": 2,
        },
        "tiles": {
            "left as they are: hematoxylin alone": 2,
            "left as they are: too few stained pixels": 2,
            "normalised": 4,
        },
    }


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
    plan = checkout.snakemake("--configfile", "stain.yaml", "-n", "-p").stdout
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
        "train_model",
        "evaluate_model",
        "measure_spectrum",
        "build_report",
    }
    fit = next(job for job in jobs if job.startswith("rule fit_stain"))
    assert "cohorts/glioma/leakage.json" in fit and "cohorts/cxr" not in fit


def test_nothing_is_normalised_unless_asked():
    assert Stain().method == "none"
