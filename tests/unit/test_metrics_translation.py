from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from medsynth.demo.ct import SIZE, draw
from medsynth.imaging.ct.body import body_mask
from medsynth.metrics.baselines import without_baseline
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.translation.evaluation import evaluate_translation
from medsynth.metrics.translation.measures import (
    Case,
    content_of,
    mae,
    mean_of,
    measure_pairs,
    psnr_db,
    regions_of,
    ssim,
)

RANGE = (-1000, 1000)
SETTINGS = Evaluation(bootstrap=50)
EVERYWHERE = np.ones((32, 32), dtype=bool)


def phantom() -> np.ndarray:
    """A body with two lungs above a table, (32, 32) HU."""
    hu = np.full((32, 32), -1000.0)
    hu[6:24, 4:28] = 40
    hu[9:20, 7:13] = hu[9:20, 19:25] = -850
    hu[28:30, 2:30] = 100
    return hu


def slices(n: int, noise: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed).standard_normal((n, 32, 32, 1))
    return np.round(phantom()[None, ..., None] + noise * random).astype(np.int16)


def evaluate(source, translated, target, hu_range=RANGE, patients=None) -> dict:
    measured = measure_pairs(zip(source, translated, target, strict=True), hu_range)
    return evaluate_translation(measured, SETTINGS, seed=1, patients=patients)


def on_a_table(patient: int, z: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A slice of the demo's phantom that lies on a hollow table: HU, body and table (80, 80)."""
    hu = draw(np.random.default_rng(patient), z, False, (0.0, 0.0))
    body = ndimage.binary_fill_holes(hu > -500)
    top = np.flatnonzero(body.any(axis=1)).max()
    table = np.zeros_like(body)
    table[top : top + 6, 8 : SIZE - 8] = True
    shell = table & ~ndimage.binary_erosion(table)
    hu = np.where(shell & ~body, 100, np.where(table & ~body, -950, hu))
    return hu, body, table & ~body


def largest_part(hu: np.ndarray) -> np.ndarray:
    """The mask that the metrics had before: the largest part above -500 HU, filled."""
    parts, _ = ndimage.label(hu > -500)
    largest = np.bincount(parts.ravel())[1:].argmax() + 1
    return ndimage.binary_fill_holes(parts == largest)


@pytest.mark.parametrize("z", [0.0, 0.2, 0.5, 0.9])
def test_the_table_that_a_body_lies_on_is_not_measured(z):
    hu, body, table = on_a_table(0, z)
    before = largest_part(hu)
    assert (before & table).sum() / before.sum() > 0.1  # it took in all of the table
    mask = body_mask(hu)
    assert (mask & table).sum() / mask.sum() < 0.01
    assert (mask & body).sum() / body.sum() > 0.95
    # An error on the table, and nowhere else, is none.
    target = np.rint(hu).astype(np.int16)[None, ..., None]
    wrong = np.where((table & ~mask)[None, ..., None], 500, target)
    measured = measure_pairs(zip(target, wrong, target, strict=True), RANGE)
    assert measured["mae_hu"].item() == 0


@pytest.mark.parametrize("size", [40, 80])
@pytest.mark.parametrize("z", [0.0, 0.2, 0.5, 0.9])
def test_the_body_is_whole_at_every_size(size, z):
    hu = draw(np.random.default_rng(0), z, False, (0.0, 0.0))
    factor = SIZE // size
    blocks = (size, factor, size, factor)
    body = ndimage.binary_fill_holes(hu > -500).reshape(blocks).mean(axis=(1, 3)) > 0.5
    mask = body_mask(hu.reshape(blocks).mean(axis=(1, 3)))
    assert (mask & body).sum() / (mask | body).sum() > 0.95


def test_psnr_and_ssim_equal_scikit_image_on_whole_images():
    a, b = (slices(1, 60, s)[0, ..., 0].astype(float) for s in (1, 2))
    whole = peak_signal_noise_ratio(a, b, data_range=2000)
    assert psnr_db(b, a, EVERYWHERE, 2000) == pytest.approx(whole, rel=1e-12)
    similarity = structural_similarity(
        a, b, data_range=2000, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    inner = np.zeros((32, 32), dtype=bool)
    inner[5:-5, 5:-5] = True  # scikit-image leaves half a window out of its mean
    assert ssim(a, b, inner, 2000) == pytest.approx(similarity, rel=1e-12)


def test_only_the_mask_counts():
    target = phantom()
    image = target + 10
    image[~body_mask(target)] = 900
    mask = body_mask(target)
    assert mae(image, target, mask) == pytest.approx(10)
    assert psnr_db(image, target, mask, 2000) == pytest.approx(20 * np.log10(2000 / 10))


def test_compares_with_doing_nothing():
    target = slices(8, 0, seed=1)
    metrics = evaluate(target + np.int16(100), (target + np.float32(20)).astype(float), target)
    values = {name: m["value"] for name, m in metrics.items()}
    assert values["mae_hu"] == pytest.approx(20)
    assert values["mae_hu_do_nothing"] == pytest.approx(100)
    assert values["mae_hu_gain"] == pytest.approx(80)
    assert values["psnr_db"] == pytest.approx(20 * np.log10(2000 / 20))
    assert values["psnr_db_gain"] == pytest.approx(20 * np.log10(5))
    assert values["ssim_gain"] == pytest.approx(values["ssim"] - values["ssim_do_nothing"])
    better = {name: m["better"] for name, m in metrics.items()}
    assert {n for n, b in better.items() if b == "lower"} == {"mae_hu", "mae_hu_do_nothing"}
    assert without_baseline(metrics) == []


def test_values_outside_the_range_are_cut_but_the_body_is_found_before():
    """A soft-tissue window would otherwise turn air into body."""
    target = np.full((6, 32, 32, 1), -1000, np.int16)
    target[:, 8:16, 8:16] = 3000
    metrics = evaluate(target, np.full(target.shape, 100.0), target, hu_range=(-160, 240))
    assert metrics["mae_hu"]["value"] == pytest.approx(140)
    assert metrics["mae_hu_do_nothing"]["value"] == 0


def test_intervals_contain_the_mean_and_widen_over_patients():
    target = slices(40, 0, seed=1)
    offsets = np.repeat(np.arange(10) * 8, 4).reshape(-1, 1, 1, 1)  # four slices a patient
    pairs, patients = (target, target + offsets, target), np.repeat(np.arange(10), 4)
    over_pairs = evaluate(*pairs)["mae_hu"]
    over_patients = evaluate(*pairs, patients=patients)["mae_hu"]
    widths = [np.ptp(m["interval"]) for m in (over_pairs, over_patients)]
    assert widths[1] > 1.5 * widths[0]
    for m in (over_pairs, over_patients):
        assert m["interval"][0] < m["value"] < m["interval"][1]


def test_pairs_without_a_body_are_left_out_and_counted():
    target, source = slices(9, 5, seed=1), slices(9, 50, seed=2)
    target[4] = -1000
    metrics = evaluate(source, source, target)
    rest = np.arange(9) != 4
    without = evaluate(source[rest], source[rest], target[rest])
    assert metrics["mae_hu"]["value"] == without["mae_hu"]["value"]
    assert metrics["mae_hu"]["interval"] == without["mae_hu"]["interval"]
    assert metrics["mae_hu"]["reason"] == "1 of 9 pairs left out: no body in the target"
    assert without["mae_hu"]["reason"] is None


def test_what_cannot_be_measured_is_null_with_a_reason():
    none = evaluate(*(np.empty((0, 32, 32, 1), np.int16),) * 3)
    assert {(m["value"], m["reason"]) for m in none.values()} == {(None, "no pairs")}
    small = evaluate(*(slices(6, 9, seed=s)[:, :8, :8] for s in (1, 2, 3)))
    assert small["mae_hu"]["value"] is not None
    assert (small["ssim"]["value"], small["ssim_gain"]["value"]) == (None, None)
    assert "window of 11 pixels" in small["ssim"]["reason"]
    target = slices(6, 9, seed=1)
    equal = evaluate(target, target, target)
    assert equal["mae_hu"]["value"] == 0
    for name in ("psnr_db", "psnr_db_do_nothing", "psnr_db_gain"):
        assert equal[name]["value"] is None
        assert "6 pairs are equal images" in equal[name]["reason"]
    json.dumps([none, small, equal], allow_nan=False)


def test_refuses_arrays_that_do_not_fit():
    target = slices(3, 0, seed=1)
    with pytest.raises(ValueError, match="must have the same shape"):
        evaluate(target, target[:, :, :9], target)


def test_regions_are_measured_apart_by_hand():
    """Contrast medium adds 100 HU to 32 of 64 pixels; the model adds 60 there and 4 elsewhere."""
    plain = np.full((1, 16, 16, 1), -1000, np.int16)
    plain[:, 4:12, 4:12] = 40
    vessels = np.zeros((16, 16), bool)
    vessels[4:8, 4:12] = True
    truth, made = plain.copy(), plain.astype(float)
    truth[:, vessels] += 100
    truth[:, 8:12, 4:12] += 6  # too little to be told from noise
    made[:, vessels] += 60
    made[:, 8:12, 4:12] += 4
    regions = regions_of(plain[0], truth[0], None)
    assert (regions["enhanced"] == vessels).all() and regions["elsewhere"].sum() == 32
    cases = [Case(plain[0], made[0], truth[0], regions, shift=53.0)] * 6
    metrics = evaluate_translation(measure_pairs(cases, RANGE), SETTINGS, seed=1)
    values = {name: m["value"] for name, m in metrics.items() if name.startswith("mae")}
    assert values == pytest.approx({
        "mae_hu": 21, "mae_hu_do_nothing": 53, "mae_hu_gain": 32, "mae_hu_mean_shift": 47,
        "mae_hu_enhanced": 40, "mae_hu_enhanced_do_nothing": 100, "mae_hu_enhanced_gain": 60,
        "mae_hu_enhanced_mean_shift": 47,
        "mae_hu_elsewhere": 2, "mae_hu_elsewhere_do_nothing": 6, "mae_hu_elsewhere_gain": 4,
        "mae_hu_elsewhere_mean_shift": 47,
    })  # fmt: skip
    assert without_baseline(metrics) == []


def test_a_region_is_the_mean_over_the_pairs_that_have_some_of_it():
    target = slices(8, 5, seed=1)
    source = slices(8, 5, seed=2)
    inside = np.zeros((8, 32, 32, 1), np.uint8)
    inside[:6, 14:18, 14:18] = 1
    cases = [
        Case(a, a, b, regions_of(a, b, m)) for a, b, m in zip(source, target, inside, strict=True)
    ]
    found = evaluate_translation(measure_pairs(cases, RANGE), SETTINGS, seed=1)["mae_hu_mask"]
    expected = np.abs(source[:6, 14:18, 14:18].astype(float) - target[:6, 14:18, 14:18]).mean()
    assert found["value"] == pytest.approx(expected)
    assert found["reason"] == "2 of 8 pairs left out: nothing of it in the target"


def test_images_of_8_bits_are_measured_in_0_to_1_where_they_show_something():
    target = np.zeros((16, 16, 1), np.uint8)
    target[4:12, 4:12] = 102
    wrong = np.where(target > 0, 153, 255).astype(np.uint8)  # beside the object does not count
    found = measure_pairs([Case(target, wrong, target)]).iloc[0]
    assert found["mae"] == pytest.approx(0.2) and found["mae_do_nothing"] == 0
    assert found["psnr_db"] == pytest.approx(20 * np.log10(1 / 0.2))
    assert content_of(target).sum() == 64 and mean_of([target, target]) == 102
