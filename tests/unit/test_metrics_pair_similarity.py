"""How alike pairs of a class are, beside real ones."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from medsynth.metrics.baselines import not_beaten
from medsynth.metrics.images.pair_similarity import Side, different_pairs, pair_similarity, ssim
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng
from medsynth.tasks.viewing.metric_tables import compare, side_by_side

CLASSES = ["one", "other"]
SETTINGS = Evaluation(bootstrap=50)


def side(images: np.ndarray, of_each: int = 1) -> Side:
    n = len(images)
    return Side(np.arange(n) % 2, np.arange(n) // 2 // of_each, images.__getitem__)


def varied(n: int, spread: float, seed: int, size: int = 16) -> np.ndarray:
    """Images around one picture, uint8 (n, size, size, 3)."""
    y, x = np.mgrid[:size, :size]
    picture = 128 + 60 * np.sin(y / 2)[..., None] * np.cos(x / [[[2.0]], [[3.0]]]).sum(0)[..., None]
    noise = numpy_rng(seed).normal(0, spread, (n, size, size, 3))
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def judged(made: np.ndarray, real: np.ndarray):
    return pair_similarity(side(made), side(real, 2), SETTINGS, seed=1, classes=CLASSES)


def test_ssim_is_the_mean_over_channels_with_a_gaussian_window():
    one, other = varied(2, 30, seed=1)
    by_hand = [
        structural_similarity(
            one[..., c].astype(float),
            other[..., c].astype(float),
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for c in range(3)
    ]
    assert ssim(one, other) == pytest.approx(np.mean(by_hand), abs=1e-12)
    assert ssim(one, one) == 1


def test_pairs_are_disjoint_and_of_two_patients():
    patients = np.array(["a"] * 7 + ["b"] * 4 + ["c"] * 2)
    pairs = different_pairs(patients, numpy_rng(1))
    assert 3 <= len(pairs) <= 6 and len(np.unique(pairs)) == pairs.size
    assert (patients[pairs[:, 0]] != patients[pairs[:, 1]]).all()
    assert len(different_pairs(np.array(["a"] * 8), numpy_rng(1))) == 0


def test_a_model_of_few_images_is_told_from_one_as_varied_as_real_images():
    real = varied(64, 30, seed=1)
    alike, per_class = judged(varied(64, 30, seed=2), real)
    assert alike["reason"] is None and not not_beaten(alike)
    assert alike["floor"] == pytest.approx(alike["value"], abs=0.02)
    assert abs(alike["null"]["noise"]) < 0.1 and alike["null"]["constant"] == 1
    assert alike["value"] == pytest.approx(np.mean([per_class[c]["value"] for c in CLASSES]))

    collapsed, _ = judged(varied(64, 3, seed=2), real)
    assert collapsed["value"] > 0.9 > alike["value"]
    assert "more alike than real ones" in collapsed["reason"]
    assert compare(collapsed, alike).startswith("worse")
    noise = numpy_rng(3).integers(0, 256, real.shape, dtype=np.uint8)
    assert not_beaten(judged(noise, real)[0])
    rows = side_by_side({"a": {"pair_ssim": collapsed}, "b": {"pair_ssim": alike}}, {})
    assert rows[0]["best"] == "b"


@pytest.mark.parametrize(
    ("n", "size", "why"), [(8, 16, "no class with 5 pairs"), (64, 8, "no images of 11 pixels")]
)
def test_what_cannot_be_measured_says_why(n: int, size: int, why: str):
    alike, per_class = judged(varied(n, 30, 1, size), varied(n, 30, 2, size))
    for found in (alike, *per_class.values()):
        assert found["value"] is None and why in found["reason"]
