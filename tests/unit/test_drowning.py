"""The noise level at which frequencies drown: by the formula, and on images that are noised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medsynth.imaging.spectrum import frequencies, modes, radial_power
from medsynth.metrics.drowning import (
    coarsest,
    drowning,
    measured_ratio,
    octaves,
    of_bands,
    ranges,
    signal_to_noise,
)
from medsynth.models.ddpm.schedule import schedule_of
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.store.manifests import manifest
from medsynth.store.shards import ShardWriter
from medsynth.tasks.generation.spectrum import Found, measure_spectrum, to_pixels
from tests.unit.test_spectrum import pink

SHORT = {"timesteps": 50, "beta_start": 0.002, "beta_end": 0.2}
LONG = {"timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02}
SIDE = 32


def test_drowned_is_the_first_level_at_which_noise_is_more():
    signal = schedule_of(DdpmTraining(**SHORT)).alphas_bar.numpy()
    levels = np.arange(1, 51)
    power = np.array([0.0, 1e-3, 0.1, 1.0, 30.0, 1e9])
    found = drowning(signal_to_noise(power, signal[levels]), levels)
    for p, t in zip(power, found, strict=True):
        below = [s for s in levels if p * signal[s] < 1 - signal[s]]
        assert t == (below[0] if below else pytest.approx(np.nan, nan_ok=True))
    assert found[0] == 1 and np.isnan(found[-1])


def test_between_levels_the_ratio_is_straight_in_its_logarithm():
    levels = np.array([1, 11, 31])
    ratio = np.exp(np.array([[2.0, 1.0, -1.0], [2.0, -2.0, -3.0], [-1.0, -2.0, -3.0]]))
    assert drowning(ratio, levels).tolist() == [22, 7, 1]


def test_correlation_tells_the_ratio_of_what_was_added():
    rng = np.random.default_rng(1)
    clean = rng.normal(0, 1, 200_000)
    noised = 0.6 * clean + rng.normal(0, 0.3, clean.shape)
    found = measured_ratio((clean**2).sum(), (noised**2).sum(), (clean * noised).sum())
    assert found == pytest.approx(4, rel=0.02)
    assert measured_ratio(np.zeros(1), np.ones(1), np.zeros(1)).tolist() == [0]


@pytest.mark.parametrize("side", [8, 31, 32, 256])
def test_octaves_take_every_ring_once(side: int):
    n, f = len(modes(side)), frequencies(side)
    bands = octaves(n, side)
    taken = [ring for first, last in bands for ring in range(first, last + 1)]
    assert taken == list(range(1, n + 1))
    assert 0.12 <= f[bands[-1][0] - 1] <= 0.25
    power = np.random.default_rng(0).random((3, n))
    total = sum(p * modes(side)[a - 1 : b].sum() for p, (a, b) in zip(
        of_bands(power, modes(side), bands).T, bands, strict=True))  # fmt: skip
    np.testing.assert_allclose(total, (power * modes(side)).sum(1))


def test_ranges_divide_all_levels_by_what_stands_above_the_noise():
    power, n = np.array([100.0, 50.0, 1.0, 0.5]), np.array([2, 4, 8, 10])
    assert coarsest(power, n) == 2  # (200 + 200) of 413
    found = ranges(np.array([30, 25, 10, 4]), 2, 50)
    assert found == ((30, 50), (10, 29), (4, 9), (1, 3))
    never = ranges(np.array([np.nan, 25, 10, 1]), 2, 50)
    assert never == (None, (10, 50), (1, 9), None)


def store(folder: Path, images: np.ndarray) -> pd.DataFrame:
    """A cohort of two classes, every third patient in the test split."""
    levels = (images * 60 / images.std() + 128).clip(0, 255).round().astype(np.uint8)
    rows = []
    with ShardWriter(folder / "0.h5", {"made_from": "test"}) as shard:
        for i, image in enumerate(levels):
            split = "test" if i // 2 % 6 == 5 else "train"
            item = {"item_id": str(i), "patient": f"p{i // 2}", "label": "ab"[i % 2]}
            row = shard.append(image, str(i))
            rows.append(item | {"split": split, "shard": 0, "row": row, "status": "used"})
    return manifest(rows)


@pytest.fixture(scope="module", params=[0.0, 1.0, 2.0, 3.0], ids=["white", "1/f", "1/f2", "1/f3"])
def found(request, tmp_path_factory) -> Found:
    folder = tmp_path_factory.mktemp("images")
    table = store(folder, pink(300, SIDE, request.param))
    schedules = [
        {"experiments": ["a", "c"], "train": SHORT | {"zero_terminal_snr": False}},
        {"experiments": ["b"], "train": LONG | {"zero_terminal_snr": True, "predicts": "velocity"}},
    ]
    return measure_spectrum(table, folder, schedules, 1)


def test_noised_images_drown_where_the_formula_says(found):
    """Within 1 % of T or one level; of the coarsest band, of 3 modes an image, within 3 %."""
    for schedule in found.figures["schedules"]:
        top, bands = schedule["timesteps"], schedule["bands"]
        for i, band in enumerate(bands):
            near = max(1, top * (0.01 if i else 0.03))
            assert abs(band["drowns"] - band["measured"]) <= near, (i, band)
            low, high = band["images"]
            assert low <= band["drowns"] <= high or abs(low - band["drowns"]) <= 1


def test_figures_are_those_of_the_training_images(found):
    figures = found.figures
    assert (figures["images"], figures["patients"], figures["side"]) == (250, 125, SIDE)
    power, n = (np.array(figures["rings"][key]) for key in ("power", "modes"))
    assert (power * n).sum() / SIDE**2 == pytest.approx(figures["variance"], rel=1e-9)
    assert sum(band["share"] for band in figures["bands"]) == pytest.approx(1)
    assert [s["experiments"] for s in figures["schedules"]] == [["a", "c"], ["b"]]
    for schedule in figures["schedules"]:
        parts = [part for part in schedule["ranges"].values() if part]
        levels = sorted(t for first, last in parts for t in range(first, last + 1))
        assert levels == list(range(1, schedule["timesteps"] + 1))


def test_pictures_show_what_stands_above_the_noise(found):
    shown = found.figures["shown"]
    assert shown[0] == 0 and shown[-1] == 50 and len(shown) <= 8
    rows = pd.Series(found.rows).value_counts(sort=False)
    assert rows.tolist() == [len(shown), len(shown), 3] * 2
    of_first = found.pictures[: 2 * len(shown) + 3]
    noised, above, (image, content, detail) = np.split(of_first, [len(shown), 2 * len(shown)])
    assert (noised[0] == image).all() and np.abs(above[0].astype(int) - image).max() <= 1
    assert above[-1].std() < image.std()
    coarse = radial_power(to_pixels(content[None]))[0]
    fine = radial_power(to_pixels(detail[None]))[0]
    assert coarse[0] > fine[0] and coarse[-1] < fine[-1] + 1e-3


def test_a_cohort_that_shows_nothing_drowns_at_once(tmp_path: Path):
    rows = []
    with ShardWriter(tmp_path / "0.h5", {"made_from": "test"}) as shard:
        for i in range(4):
            row = shard.append(np.full((8, 8, 1), 90, np.uint8), str(i))
            rows.append({"item_id": str(i), "patient": str(i), "label": "a", "split": "train",
                         "shard": 0, "row": row, "status": "used"})  # fmt: skip
    schedule = {"experiments": ["a"], "train": SHORT}
    found = measure_spectrum(manifest(rows), tmp_path, [schedule], 1).figures
    assert found["schedules"][0]["ranges"]["nothing"] == (1, 50)
    assert {band["measured"] for band in found["schedules"][0]["bands"]} == {1}
