"""The models on a GPU, where there is one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from medsynth.models.captioner.sampling import generate as describe
from medsynth.models.captioner.settings import CaptionerSampling, CaptionerTraining
from medsynth.models.captioner.training import train as train_captioner
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import train as train_classifier
from medsynth.models.contract import DescribedImages, LabelledImages, TwoDomains
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.training import train as train_cyclegan
from medsynth.models.ddpm.sampling import generate
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.training import train as train_ddpm
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.models.progan.settings import ProganTraining
from medsynth.models.progan.training import train as train_progan
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import manifest
from medsynth.store.models import Model
from medsynth.store.shards import ImageStore, ShardWriter
from medsynth.text.settings import TextSettings
from medsynth.text.tokenizer import Tokenizer, train_tokenizer

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
    settings = DdpmTraining(**SHORT, timesteps=10, beta_start=0.02, beta_end=0.7, unet=unet)
    data = LabelledImages(store, LABELS, ["a", "b"])
    trained = train_ddpm(data, settings, TrainingRun(1, "cuda", tmp_path))
    model = Model(trained.state, trained.card)
    request = pd.DataFrame({"label": np.array(["a", "b"])[LABELS[:4]]})
    request["number"] = request.groupby("label").cumcount()
    images = [next(generate(model, request, DdpmSampling(), Run(2, "cuda"))) for _ in range(2)]
    assert images[0].shape == (4, 16, 16, 1)
    # Convolutions may add in another order.
    assert np.abs(np.subtract(*images, dtype=int)).max() <= 1


@pytest.mark.parametrize(
    ("train", "settings"),
    [
        (train_progan, ProganTraining(**SHORT, phase_images=[8])),
        (train_classifier, ClassifierTraining(**SHORT)),
    ],
)
def test_labelled_models_train(store, tmp_path, train, settings):
    data = LabelledImages(store, LABELS, ["a", "b"])
    state = train(data, settings, TrainingRun(1, "cuda", tmp_path)).state
    assert all(torch.isfinite(value).all() for value in state.values())


def test_captioner_trains_and_describes_the_same_twice(store, tmp_path):
    texts = ["clear lungs", "a large heart"] * 8
    tokenizer = Tokenizer(train_tokenizer(texts, " ".join(texts).split(), TextSettings(longest=16)))
    data = DescribedImages(store, tokenizer.encode(texts), dict(tokenizer.content))
    settings = CaptionerTraining(**SHORT, channels=4, width=16)
    trained = train_captioner(data, settings, TrainingRun(1, "cuda", tmp_path))
    model, request = Model(trained.state, trained.card), [store.read([0, 1])]
    first, second = (
        next(describe(model, request, CaptionerSampling(), Run(1, "cuda"))) for _ in range(2)
    )
    assert first.shape == (2, 16) and (first == second).all()


def test_cyclegan_trains(store, tmp_path):
    pairs = np.stack([np.arange(4), np.arange(4)], axis=1)
    settings = CycleganTraining(**SHORT, channels=8)
    data = TwoDomains(store, store, pairs)
    state = train_cyclegan(data, settings, TrainingRun(1, "cuda", tmp_path)).state
    assert all(torch.isfinite(value).all() for value in state.values())
