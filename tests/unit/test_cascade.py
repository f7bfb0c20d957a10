"""The cascade: images of low resolution are learned, drawn, and enlarged by a second model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from test_experiment_files import DEMO

from medsynth.config.experiment_files import ExperimentFiles
from medsynth.config.loading import parse_config
from medsynth.config.mistakes import ConfigError
from medsynth.models.cascade import sampling, training
from medsynth.models.cascade.network import Enlarging, SuperResolutionUNet
from medsynth.models.cascade.restoration import restore
from medsynth.models.cascade.settings import CascadeSampling, CascadeTraining
from medsynth.models.cascade.training import augmented
from medsynth.models.contract import LabelledImages
from medsynth.models.ddpm import sampling as ddpm_sampling
from medsynth.models.ddpm import training as ddpm_training
from medsynth.models.ddpm.schedule import linear_schedule
from medsynth.models.ddpm.training_settings import DdpmTraining, UNet
from medsynth.models.resolution import Shrunk, area_averaged, enlarged
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator, numpy_rng
from medsynth.store.layout import Layout
from medsynth.store.models import Model

SIZE, LOW = 8, 4
SCHEDULE = {"timesteps": 20, "beta_start": 0.02, "beta_end": 0.5}
SMALL = UNet(channels=8, multipliers=[1, 2], attention=[])
CLASSES = ["dark", "bright"]


class Memory:
    """Images in memory, with labels; their patients are two images each."""

    def __init__(self, images: np.ndarray, labels: np.ndarray):
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    @property
    def manifest(self) -> pd.DataFrame:
        n = len(self)
        names = {
            "item_id": [f"i{i}" for i in range(n)],
            "patient": [f"p{i // 2}" for i in range(n)],
        }
        return pd.DataFrame(names | {"label": np.array(CLASSES)[self.labels]})

    def read(self, positions) -> np.ndarray:
        return self.images[positions]


def chequered(n: int, seed: int) -> LabelledImages:
    """Blocks of 2 x 2 pixels, of which low resolution keeps the mean and the class tells the rest.

    Of the dark class they are brighter on one diagonal, of the bright class on the other.
    """
    labels = np.arange(n) % 2
    means = numpy_rng(seed).uniform(60, 195, (n, LOW, LOW)).round()
    diagonal = np.array([[50, -50], [-50, 50]])
    pattern = np.where(labels[:, None, None] == 1, 1, -1) * np.tile(diagonal, (LOW, LOW))
    images = means.repeat(2, axis=1).repeat(2, axis=2) + pattern
    return LabelledImages(Memory(images[..., None].astype(np.uint8), labels), labels, CLASSES)


def low_model(**settings) -> Model:
    """Untrained, of random weights."""
    training = DdpmTraining(**SCHEDULE, image_size=LOW, unet=SMALL, **settings)
    torch.manual_seed(0)
    network = ddpm_training.build_unet(1, LOW, 2, SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    return Model(network.state_dict(), ddpm_training.model_card(training, CLASSES, 1, SIZE))


def trained_on(data: LabelledImages, folder: Path, **settings) -> tuple[Model, str]:
    """The model that enlarges, and its curves."""
    folder.mkdir(exist_ok=True)
    chosen = CascadeTraining(
        **{"batch": 16, "lr": 1e-2, "ema_decay": 0.95, "unet": SMALL, **SCHEDULE, **settings}
    )
    low = low_model()
    data = replace(data, models={"low": low})
    trained = training.train(data, chosen, TrainingRun(1, "cpu", folder))
    return Model(trained.state, trained.card, {"low": low}), trained.history.read_text()


def requested(n: int) -> pd.DataFrame:
    table = pd.DataFrame({"label": np.array(CLASSES)[np.arange(n) % 2]})
    return table.assign(number=table.groupby("label").cumcount())


def test_means_of_blocks_are_what_is_left_and_constants_are_enlarged_to_themselves():
    images = numpy_rng(1).integers(0, 256, (5, SIZE, SIZE, 3), np.uint8)
    store = Shrunk(Memory(images, np.zeros(5, int)), LOW)
    blocks = images.reshape(5, LOW, 2, LOW, 2, 3).astype(float).mean((2, 4))
    assert np.abs(store.read([3, 1]) - blocks[[3, 1]]).max() <= 0.5 and len(store) == 5
    flat = torch.tensor([-0.4, 0.9]).view(2, 1, 1, 1).expand(2, 1, LOW, LOW)
    torch.testing.assert_close(enlarged(flat, SIZE), flat.repeat(1, 1, 2, 2))
    with pytest.raises(ValueError, match="3 does not divide images of 8 pixels"):
        area_averaged(torch.zeros(1, 1, SIZE, SIZE), 3)


def test_a_model_of_low_resolution_learns_small_images_and_gives_large_ones(tmp_path):
    data = chequered(16, seed=1)
    data = replace(data, validation=chequered(4, seed=2))
    settings = DdpmTraining(steps=2, batch=8, image_size=LOW, unet=SMALL, **SCHEDULE)
    trained = ddpm_training.train(data, settings, TrainingRun(1, "cpu", tmp_path))
    assert trained.card["image_size"] == SIZE and trained.card["settings"]["image_size"] == LOW
    model, drawing = Model(trained.state, trained.card), CascadeSampling(batch=3, guidance=0)
    (small, *_), (large, *_) = (
        list(f(model, requested(4), drawing, Run(3, "cpu")))
        for f in (ddpm_sampling.drawn, ddpm_sampling.generate)
    )
    assert small.shape == (3, 1, LOW, LOW) and large.shape == (3, SIZE, SIZE, 1)
    expected = (enlarged(small, SIZE).clamp(-1, 1) + 1) * 127.5
    assert np.abs(large - expected.permute(0, 2, 3, 1).numpy()).max() <= 0.51


def test_the_network_sees_noisy_and_enlarged_images_and_the_level():
    network = SuperResolutionUNet(3, SIZE, 2, SMALL, covariates=4)
    assert network.stem.weight.shape == (8, 6, 3, 3)
    assert network.covariates.in_features == 4 + SMALL.channels
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    x, low = torch.randn(2, 2, 3, SIZE, SIZE, generator=generator(1))
    rows = torch.tensor([[1.0, 0, 0.5, 0, 0, 1], [0, 0, 1, 1, 0, 0]])
    t, level = torch.tensor([4, 9]), torch.tensor([0, 6])
    how = linear_schedule(20, 0.02, 0.5), "velocity"
    said = Enlarging(network, low, level, *how)(x, t, rows)
    assert said.shape == x.shape
    for other in ((low, level + 1), (-low, level)):
        assert not torch.allclose(Enlarging(network, *other, *how)(x, t, rows), said, atol=1e-3)
    twice = Enlarging(network, low, level, *how)(*(torch.cat([part] * 2) for part in (x, t, rows)))
    torch.testing.assert_close(twice, torch.cat([said, said]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("predicts", ["noise", "velocity"])
def test_an_untrained_network_says_that_the_enlarged_image_is_the_image(predicts):
    """And that the noise is what is left: (x - sqrt(a) image) sqrt(1 - a) of it is known."""
    schedule = linear_schedule(20, 0.02, 0.5)
    network = SuperResolutionUNet(1, SIZE, 2, SMALL)  # says 0
    x, low = torch.randn(2, 3, 1, SIZE, SIZE, generator=generator(3))
    t, labels = torch.tensor([2, 9, 20]), torch.tensor([0, 1, 2])
    signal = schedule.alphas_bar[t].view(-1, 1, 1, 1)
    asked = Enlarging(network, low, torch.zeros(3, dtype=torch.long), schedule, predicts)
    known = -(1 - signal).sqrt() * low.double()
    if predicts == "noise":
        known = (1 - signal).sqrt() * (x.double() - signal.sqrt() * low)
    torch.testing.assert_close(asked(x, t, labels).double(), known, rtol=1e-5, atol=1e-6)


def test_indices_and_rows_of_labels_say_the_same():
    network = SuperResolutionUNet(1, SIZE, 2, SMALL)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    x, low = torch.randn(2, 3, 1, SIZE, SIZE, generator=generator(2))
    t, level = torch.tensor([1, 2, 3]), torch.tensor([0, 3, 5])
    asked = Enlarging(network, low, level, linear_schedule(20, 0.02, 0.5), "noise")
    rows = torch.tensor([[0.0, 1], [1, 0], [0, 0]])  # the last has no label
    torch.testing.assert_close(asked(x, t, torch.tensor([1, 0, 2])), asked(x, t, rows))


def test_augmentation_is_the_forward_process_at_levels_told():
    schedule, n = linear_schedule(20, 0.02, 0.5), 4000
    low = torch.rand(n, 1, LOW, LOW, generator=generator(1)) * 2 - 1
    noisy, level = augmented(low, 6, schedule, generator(2))
    again = generator(2)
    assert torch.equal(level, torch.randint(0, 7, (n,), generator=again))
    noise = torch.randn(low.shape, generator=again).double().numpy()
    left = np.cumprod(1 - np.concatenate([[0], np.linspace(0.02, 0.5, 20)]))[level.numpy()]
    left = left[:, None, None, None]
    oracle = np.sqrt(left) * low.double().numpy() + np.sqrt(1 - left) * noise
    np.testing.assert_allclose(noisy, oracle, rtol=1e-5, atol=1e-6)
    shares = np.bincount(level, minlength=7) / n
    assert len(shares) == 7 and np.abs(shares - 1 / 7).max() < 5 * np.sqrt(6 / 49 / n)
    clean = level == 0
    assert torch.equal(noisy[clean], low[clean]) and not torch.equal(noisy[~clean], low[~clean])


def test_what_low_resolution_tells_is_learned_better_than_bicubic(tmp_path):
    model, history = trained_on(
        replace(chequered(64, seed=1), validation=chequered(8, seed=3)),
        tmp_path, steps=150, log_every=50, checkpoint_every=150, lr=4e-3, low_noise=0.2,
        predicts="velocity", zero_terminal_snr=True,
    )  # fmt: skip
    assert model.card["family"] == "cascade" and "validate_denoising_loss" in history
    held_out = chequered(32, seed=2).images
    drawing = CascadeSampling(guidance=0, low_noise=0, batch=16)
    everyone = held_out.manifest, np.arange(32)
    found = restore(model, held_out, *everyone, drawing, Run(1, "cpu"))
    real, restored, bicubic = (np.concatenate(p).astype(float) for p in zip(*found, strict=True))
    np.testing.assert_array_equal(real, held_out.images)
    error, plain = np.abs(restored - real).mean(), np.abs(bicubic - real).mean()
    assert plain > 49 and error < 0.65 * plain  # a bicubic image knows nothing of the pattern
    kept = restored.reshape(32, LOW, 2, LOW, 2).mean((2, 4))
    means = real.reshape(32, LOW, 2, LOW, 2).mean((2, 4))
    # It is these very low-resolution images that were enlarged.
    assert np.corrcoef(kept.ravel(), means.ravel())[0, 1] > 0.55


def test_a_resumed_training_ends_with_the_same_weights(tmp_path):
    data, changes = chequered(16, seed=1), {"checkpoint_every": 4, "log_every": 2}
    whole, history = trained_on(data, tmp_path / "whole", steps=8, **changes)
    trained_on(data, tmp_path / "parts", steps=4, **changes)
    resumed, resumed_history = trained_on(data, tmp_path / "parts", steps=8, **changes)
    assert all(torch.equal(whole.state[name], resumed.state[name]) for name in whole.state)
    assert history == resumed_history


@pytest.fixture(scope="module")
def cascade(tmp_path_factory) -> Model:
    return trained_on(chequered(16, seed=1), tmp_path_factory.mktemp("work"), steps=4)[0]


def test_images_are_what_the_low_model_draws_made_larger(cascade, monkeypatch):
    shown = []

    class Seen(Enlarging):
        def __init__(self, network, low, level, *how):
            shown.append((low, level))
            super().__init__(network, low, level, *how)

    monkeypatch.setattr(sampling, "Enlarging", Seen)
    drawing, run = CascadeSampling(batch=3, low_noise=0), Run(5, "cpu")
    (first, second) = sampling.generate(cascade, requested(5), drawing, run)
    assert first.shape == (3, SIZE, SIZE, 1) and len(second) == 2
    low = torch.cat(list(ddpm_sampling.drawn(cascade.inputs["low"], requested(5), drawing, run)))
    torch.testing.assert_close(torch.cat([s[0] for s in shown]), enlarged(low.clamp(-1, 1), SIZE))
    list(
        sampling.generate(cascade, requested(5), drawing.model_copy(update={"low_noise": 0.5}), run)
    )
    assert [s[1].tolist() for s in shown] == [[0] * 3, [0] * 2, [10] * 3, [10] * 2]


def test_an_image_is_a_function_of_seed_label_and_number(cascade):
    def images(rows: pd.DataFrame, seed: int = 5, **settings) -> np.ndarray:
        drawing = CascadeSampling(**({"batch": 4} | settings))
        return np.concatenate(list(sampling.generate(cascade, rows, drawing, Run(seed, "cpu"))))

    rows = requested(8)
    whole = images(rows)
    assert np.array_equal(whole[4:], images(rows[4:]))  # as a sampling that was cut off goes on
    assert np.abs(whole.astype(int) - images(rows, batch=8)).max() <= 1  # rounding
    assert (whole != images(rows, seed=6)).any() and (whole != images(rows, low_noise=0.4)).any()


def test_noise_above_what_it_learned_is_refused(cascade):
    most = cascade.card["settings"]["low_noise"]
    drawing = CascadeSampling(low_noise=most + 0.1)
    with pytest.raises(ddpm_sampling.CannotDraw, match="above which nothing was learned"):
        next(sampling.generate(cascade, requested(1), drawing, Run(5, "cpu")))


LOW_EXPERIMENT = {
    "name": "small", "family": "ddpm", "cohort": "cxr", "sample": {"guidance": 0},
    "train": {"image_size": 16, "timesteps": 1000, "unet": {"attention": []}},
}  # fmt: skip
CASCADE = {
    "name": "large", "family": "cascade", "cohort": "cxr", "inputs": {"low": "small"},
    "train": {"unet": {"attention": []}},
}  # fmt: skip


def parsed(low: dict, cascade: dict):
    raw = yaml.safe_load(yaml.safe_dump(DEMO))
    both = ((LOW_EXPERIMENT, low), (CASCADE, cascade))
    raw["experiments"] += [base | changes for base, changes in both]
    return parse_config(raw)


def test_it_rests_on_the_low_model_and_on_whom_that_was_trained_on():
    files = ExperimentFiles(parsed({}, {}), Layout("r"))
    assert files.input_files("large")[2] == "r/experiments/small/people.parquet"
    assert "medsynth.models.ddpm.sampling" in files.code("large", "sampling", "product")


def test_the_spectrum_of_a_cohort_is_not_set_against_schedules_of_smaller_images():
    files = ExperimentFiles(parsed({}, {}), Layout("r"))
    named = [name for one in files.schedules("cxr") for name in one["experiments"]]
    assert "cxr_ddpm" in named and "small" not in named


NETWORK = {"unet": {"attention": []}}


@pytest.mark.parametrize(
    ("low", "cascade", "said"),
    [
        ({"train": NETWORK}, {}, "small draws images of the cohort's own size; set its train.image"),  # noqa: E501
        ({"train": NETWORK | {"image_size": 12}}, {}, "train.image_size: 12 pixels: take a divisor of the 32"),  # noqa: E501
        ({"train": NETWORK | {"image_size": 32}}, {}, "train.image_size: 32 pixels: take a divisor of the 32"),  # noqa: E501
        ({"train": {"image_size": 16}}, {"inputs": {"low": "cxr_ddpm"}}, "cxr_ddpm draws images of the cohort's own"),  # noqa: E501
        ({}, {"inputs": {"low": "glioma_ddpm"}}, "is trained on the cohort glioma; this takes one of"),  # noqa: E501
        ({}, {"inputs": {"low": "glioma_progan"}}, "is of family progan; this takes ddpm"),
        ({}, {"inputs": {}}, "inputs.low: is missing"),
        ({"train": NETWORK | {"image_size": 16, "conditions": ["view"]}}, {}, "is conditioned on view, and this on none"),  # noqa: E501
        ({}, {"sample": {"low_noise": 0.6}}, "low_noise 0.6 exceeds train.low_noise 0.5"),
        ({}, {"train": NETWORK | {"low_noise": 1}, "sample": {"low_noise": 1}}, "leaves 0.6% of the low-resolution image"),  # noqa: E501
        ({"train": NETWORK | {"image_size": 16, "timesteps": 50, "beta_start": 0.002, "beta_end": 0.2}},  # noqa: E501
         {"sample": {"steps": 60}}, "cannot draw as this experiment's sample says: steps 60 exceeds"),  # noqa: E501
        ({"train": NETWORK | {"image_size": 16, "label_drop": 0}}, {}, "guidance 1 needs a model that knows"),  # noqa: E501
        ({}, {"train": {"unet": {"attention": [16, 5]}}}, r"unet.attention \[5\] is not among the resolutions"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_before_anything_runs(low, cascade, said):
    with pytest.raises(ConfigError, match=said):
        parsed(low, cascade)
