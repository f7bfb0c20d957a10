"""The models on a GPU, where there is one."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import train_classifier
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.training import train_cyclegan
from medsynth.models.ddpm.sampling import sample_ddpm
from medsynth.models.ddpm.settings import DdpmSampling, DdpmTraining
from medsynth.models.ddpm.training import model_card, train_ddpm
from medsynth.models.progan.settings import ProganTraining
from medsynth.models.progan.training import train_progan
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import manifest
from medsynth.store.shards import ImageStore, ShardWriter

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

LABELS = np.arange(16) % 2
SHORT = {"steps": 4, "batch": 4, "checkpoint_every": 2, "log_every": 2}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Sixteen grey 16 x 16 images of noise."""
    folder, rows = tmp_path_factory.mktemp("shards"), []
    images = numpy_rng(0, "images").integers(0, 256, (16, 16, 16, 1), dtype=np.uint8)
    with ShardWriter(folder / "0.h5", {}) as writer:
        for i, image in enumerate(images):
            row = writer.append(image, f"item{i}")
            rows.append({"item_id": f"item{i}", "shard": 0, "row": row, "status": "used"})
    return ImageStore(manifest(rows), folder)


def test_ddpm_trains_and_samples_the_same_images_twice(store, tmp_path):
    unet = {"channels": 8, "multipliers": [1, 2], "attention": [8]}
    settings = DdpmTraining(**SHORT, timesteps=10, beta_end=0.5, unet=unet)
    state, _ = train_ddpm(store, LABELS, 2, settings, seed=1, device="cuda", work=tmp_path)
    card = model_card(settings, ["a", "b"], 1, 16)
    images = [
        next(sample_ddpm(state, card, LABELS[:4], DdpmSampling(), seed=2, device="cuda"))
        for _ in range(2)
    ]
    assert images[0].shape == (4, 16, 16, 1)
    # Convolutions may add in another order.
    assert np.abs(np.subtract(*images, dtype=int)).max() <= 1


@pytest.mark.parametrize(
    ("train", "settings"),
    [(train_progan, ProganTraining(**SHORT)), (train_classifier, ClassifierTraining(**SHORT))],
)
def test_labelled_models_train(store, tmp_path, train, settings):
    state, _ = train(store, LABELS, 2, settings, seed=1, device="cuda", work=tmp_path)
    assert all(torch.isfinite(value).all() for value in state.values())


def test_cyclegan_trains(store, tmp_path):
    pairs = np.stack([np.arange(4), np.arange(4)], axis=1)
    settings = CycleganTraining(**SHORT, channels=8)
    state, _ = train_cyclegan(store, store, pairs, settings, seed=1, device="cuda", work=tmp_path)
    assert all(torch.isfinite(value).all() for value in state.values())
