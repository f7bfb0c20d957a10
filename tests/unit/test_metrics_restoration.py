"""Real images restored from low resolution are judged beside a plain enlargement of it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from test_cascade import SIZE, cascade, chequered  # noqa: F401  (a fixture)

from medsynth.metrics.images.frechet import frechet_distance
from medsynth.metrics.restoration import Side, restoration_metrics
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.models import named_inputs, save_model
from medsynth.tasks.generation.restoration import evaluate_restoration

N = 40
SETTINGS = Evaluation(bootstrap=40)


def side(images: np.ndarray) -> Side:
    return Side(images, images.reshape(len(images), -1)[:, :5].astype(float) / 255)


def sides(size: int = 16) -> tuple[Side, Side, Side]:
    """Real images, some with little noise on them, and some with much."""
    rng = numpy_rng(1)
    real = rng.integers(60, 190, (N, size, size, 3))
    near, far = (real + rng.normal(0, noise, real.shape).round() for noise in (4, 40))
    return tuple(side(images.clip(0, 255).astype(np.uint8)) for images in (real, near, far))


def judged(real: Side, restored: Side, plain: Side) -> dict:
    patients = np.arange(len(real.images)) // 2
    return restoration_metrics(real, restored, plain, "bicubic", patients, SETTINGS, seed=1)


def test_figures_are_those_of_peers_and_stand_beside_the_plain_enlargement():
    real, near, far = sides()
    found = judged(real, near, far)
    for other, value in ((near, "value"), (far, "null")):
        pairs = list(zip(real.images, other.images, strict=True))
        mae = np.mean([np.abs(a.astype(float) - b).mean() / 255 for a, b in pairs])
        psnr = np.mean([peak_signal_noise_ratio(a, b, data_range=255) for a, b in pairs])
        similar = [
            structural_similarity(
                a, b, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
                use_sample_covariance=False,
            )
            for a, b in pairs
        ]  # fmt: skip
        fid = frechet_distance(real.features, other.features)
        expected = {"mae": mae, "psnr_db": psnr, "ssim": np.mean(similar), "fid": fid}
        for name, one in expected.items():
            shown = found[f"restored_{name}"][value]
            assert (shown["bicubic"] if value == "null" else shown) == pytest.approx(one, rel=1e-9)
    assert all(m["reason"] is None and len(m["interval"]) == 2 for m in found.values())
    worse = judged(real, far, near)
    for name in ("restored_mae", "restored_psnr_db", "restored_ssim", "restored_fid"):
        assert "not better than bicubic" in worse[name]["reason"]


def test_what_cannot_be_measured_says_why():
    found = judged(*(Side(s.images[:4], s.features[:4]) for s in sides()))
    assert {m["value"] for m in found.values()} == {None}
    assert "at least 5 are needed" in found["restored_fid"]["reason"]
    real, near, far = sides(size=8)
    some = Side(np.concatenate([real.images[:3], near.images[3:]]), near.features)
    found = judged(real, some, far)
    assert found["restored_ssim"]["reason"] == "images are smaller than the window of 11 pixels"
    assert found["restored_psnr_db"]["reason"] == "infinite: 3 images are restored exactly"
    assert found["restored_mae"]["value"] > 0


def test_a_cascade_is_judged_on_real_images(cascade, tmp_path):  # noqa: F811
    low = tmp_path / "low"
    save_model(cascade.inputs["low"].state, cascade.inputs["low"].card, *files(low))
    own = files(tmp_path / "cascade")
    card = cascade.card | {"inputs": named_inputs(own[0], {"low": "low"})}
    save_model(cascade.state, card, *own)
    inputs = SimpleNamespace(model=own[0], model_card=own[1])
    how = {
        "module": "medsynth.models.cascade.restoration",
        "settings": {"batch": 8, "guidance": 0, "low_noise": 0},
    }
    seen = []

    def features(batches) -> np.ndarray:
        seen.append(np.concatenate(list(batches)))
        return seen[-1].reshape(len(seen[-1]), -1)[:, :6].astype(float)

    store = chequered(16, seed=2).images
    known = numpy_rng(1).normal(100, 20, (30, 6))
    found = evaluate_restoration(inputs, how, store, features, known, SETTINGS, Run(1, "cpu"))
    real, restored, bicubic = seen
    np.testing.assert_array_equal(real, store.images)
    assert restored.shape == bicubic.shape == (16, SIZE, SIZE, 1)
    error = np.abs(restored.astype(float) - real).mean() / 255
    assert found["restored_mae"]["value"] == pytest.approx(error)
    assert set(found["restored_mae"]["null"]) == {"bicubic"}


def files(folder) -> tuple:
    folder.mkdir()
    return folder / "model.safetensors", folder / "model.json"
