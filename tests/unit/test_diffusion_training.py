"""Training end to end at toy size: it learns, resumes exactly, and can be rebuilt."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError
from torch.optim.optimizer import register_optimizer_step_pre_hook

from medsynth.models.cascade import training as cascade
from medsynth.models.cascade.settings import CascadeTraining
from medsynth.models.contract import LabelledImages
from medsynth.models.ddpm import training
from medsynth.models.ddpm.dropout import Dropout, drop_as_in_whole
from medsynth.models.ddpm.process import ddpm_loss
from medsynth.models.ddpm.sampling import generate
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.schedule import linear_schedule
from medsynth.models.ddpm.training import model_card
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.models.ddpm.validation import LEVELS, Look, simple_losses
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator, numpy_rng
from medsynth.runtime.tensors import to_network
from medsynth.store.manifests import manifest
from medsynth.store.models import Model
from medsynth.store.shards import ImageStore, ShardWriter

LABELS = np.arange(24) % 2


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Class 0 dark, class 1 bright, 8 x 8, a little noise."""
    folder = tmp_path_factory.mktemp("shards")
    rng, rows = numpy_rng(0, "images"), []
    with ShardWriter(folder / "0.h5", {}) as writer:
        for i, label in enumerate(LABELS):
            image = (60 + 130 * label + rng.normal(0, 8, (8, 8, 1))).astype(np.uint8)
            row = writer.append(image, f"item{i}")
            rows.append({"item_id": f"item{i}", "shard": 0, "row": row, "status": "used"})
    return ImageStore(manifest(rows), folder)


def _settings(**changes) -> DdpmTraining:
    values = {
        "steps": 8,
        "batch": 8,
        "lr": 1e-2,
        "checkpoint_every": 4,
        "log_every": 2,
        "timesteps": 20,
        "beta_start": 0.02,
        "beta_end": 0.5,
        "ema_decay": 0.95,
        "unet": {"channels": 8, "multipliers": [1, 2], "attention": [4]},
    }
    return DdpmTraining(**(values | changes))


def _train(store, settings, work, seed=1, labels=LABELS):
    work.mkdir(exist_ok=True)
    data = LabelledImages(store, labels, ["dark", "bright"])
    trained = training.train(data, settings, TrainingRun(seed, "cpu", work))
    return trained.state, trained.history


@pytest.mark.parametrize(
    ("learned", "drawn"),
    [
        ({}, {}),
        (
            {"predicts": "velocity", "zero_terminal_snr": True},
            {"sampler": "dpm_solver", "steps": 10},
        ),
    ],
)
def test_training_learns_the_classes(store, tmp_path, learned, drawn):
    settings = _settings(steps=200, log_every=20, checkpoint_every=200, **learned)
    state, history = _train(store, settings, tmp_path)
    points = pd.read_csv(history)
    assert set(points["name"]) == {"loss", "gradient_norm"}
    loss = points[points["name"] == "loss"]["value"].to_numpy()
    assert loss[-1] < 0.5 * loss[0]

    card = json.loads(json.dumps(model_card(settings, ["dark", "bright"], 1, 8)))
    wanted = DdpmSampling(guidance=0, **drawn)
    names = pd.DataFrame({"label": np.array(["dark", "bright"])[LABELS[:16]]})
    names["number"] = names.groupby("label").cumcount()
    batches = generate(Model(state, card), names, wanted, Run(2, "cpu"))
    images = np.concatenate(list(batches))
    brightness = images.mean(axis=(1, 2, 3))
    dark, bright = brightness[LABELS[:16] == 0], brightness[LABELS[:16] == 1]
    # One of so small a network's images may be in doubt; chance would call half of them wrong.
    assert ((brightness > 125) == (LABELS[:16] == 1)).sum() >= 15
    assert dark.mean() == pytest.approx(60, abs=25) and bright.mean() == pytest.approx(190, abs=25)


def test_resumed_run_equals_the_uninterrupted_one(store, tmp_path):
    unet = {"channels": 8, "multipliers": [1, 2], "attention": [4], "dropout": 0.1}
    whole, whole_history = _train(store, _settings(unet=unet), tmp_path / "whole")
    _train(store, _settings(unet=unet, steps=4), tmp_path / "parts")
    resumed, history = _train(store, _settings(unet=unet), tmp_path / "parts")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert history.read_text() == whole_history.read_text()


@pytest.fixture
def gradients(tmp_path, monkeypatch):
    """A function that trains for a step, whose network begins with nothing at zero.

    A branch that ends at zero would keep from the gradients what is drawn in it.
    """

    def taken(train, settings) -> tuple[list[torch.Tensor], float]:
        used: list[torch.Tensor] = []

        def see(optimizer, *_):
            groups = optimizer.param_groups
            used.extend(p.grad.clone() for group in groups for p in group["params"])

        work = tmp_path / str(settings.accumulate)
        work.mkdir()
        with register_optimizer_step_pre_hook(see):
            trained = train(settings, TrainingRun(1, "cpu", work))
        return used, pd.read_csv(trained.history)["value"][0]

    monkeypatch.setattr(torch.nn.init, "zeros_", lambda w: torch.nn.init.normal_(w, std=0.1))
    return taken


ONE = {"steps": 1, "log_every": 1, "batch": 8, "timesteps": 20, "beta_start": 0.02, "beta_end": 0.5}


@pytest.mark.parametrize("accumulate", [2, 3])
@pytest.mark.parametrize("family", ["ddpm", "cascade"])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(store, gradients, family, accumulate):
    """Each image has the dropout, and the noise on what is enlarged, that it has in the whole."""
    data = LabelledImages(store, LABELS, ["dark", "bright"])
    unet = {"channels": 8, "multipliers": [1, 2], "attention": [4], "dropout": 0.5}
    module, kind = (training, DdpmTraining) if family == "ddpm" else (cascade, CascadeTraining)
    if family == "cascade":
        low = Model({}, {"settings": {"image_size": 4}})
        data = replace(data, models={"low": low})
    (whole, loss), (apart, same) = (
        gradients(partial(module.train, data), kind(**ONE, unet=unet, accumulate=parts))
        for parts in (1, accumulate)
    )
    assert all(one.any() for one in whole)
    for expected, found in zip(whole, apart, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-5)
    assert same == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("form", [torch.contiguous_format, torch.channels_last])
def test_a_part_loses_what_it_loses_in_the_whole(form):
    dropout = Dropout(0.3)
    x = torch.rand(7, 3, 4, 5, generator=generator(1)).contiguous(memory_format=form)
    torch.manual_seed(5)
    whole = torch.nn.functional.dropout(x, 0.3)
    for part in training.parts(7, 2):
        drop_as_in_whole(dropout, 7, part)
        torch.manual_seed(5)
        assert torch.equal(dropout(x[part]), whole[part])
    assert torch.equal(dropout.eval()(x), x)


def test_the_learning_rate_rises_and_falls_to_nothing(store, tmp_path):
    used = []

    def see(optimizer, *_):
        used.append(optimizer.param_groups[0]["lr"])

    settings = _settings(steps=100, lr=0.01, lr_schedule="cosine")
    wanted = [training.learning_rate(i, settings) for i in range(100)]
    assert wanted[0] == 0.0025 and max(wanted) == wanted[3] > 0.0099
    assert wanted[50] == pytest.approx(0.005) and 0 < wanted[99] < 1e-5
    assert training.learning_rate(99, _settings(steps=100, lr=0.01)) == 0.01
    with register_optimizer_step_pre_hook(see):
        _train(store, _settings(steps=3, lr=0.01, lr_schedule="cosine", log_every=1), tmp_path)
    assert used == pytest.approx([0.01, 0.0075, 0.0025])


def test_a_batch_has_no_more_parts_than_images():
    assert [s.stop - s.start for s in training.parts(8, 3)] == [2, 3, 3]
    with pytest.raises(ValidationError, match="accumulate 9 exceeds batch 8; lower it"):
        _settings(batch=8, accumulate=9)


def test_long_gradients_are_cut_to_1_and_logged_as_they_were(store, tmp_path, monkeypatch):
    computed, used = [], []

    def flat(gradients) -> torch.Tensor:
        return torch.cat([g.flatten() for g in gradients])

    def loss_of(model, *args, **rest):
        """Every second loss is so small that its gradient is short."""
        loss = (1 if len(computed) % 2 == 0 else 0.1) * ddpm_loss(model, *args, **rest)
        gradients = torch.autograd.grad(loss, [*model.parameters()], retain_graph=True)
        computed.append(flat(gradients))
        return loss

    def see(optimizer, *_):
        used.append(flat(p.grad for group in optimizer.param_groups for p in group["params"]))

    monkeypatch.setattr(training, "ddpm_loss", loss_of)
    with register_optimizer_step_pre_hook(see):
        _, history = _train(store, _settings(steps=4, log_every=1), tmp_path)
    norms = [g.norm().item() for g in computed]
    assert [norm > 1.2 for norm in norms] == [True, False, True, False] and min(norms) < 0.5
    for whole, norm, cut in zip(computed, norms, used, strict=True):
        torch.testing.assert_close(cut, whole / max(norm, 1), rtol=1e-4, atol=1e-6)
    points = pd.read_csv(history)
    logged = points[points["name"] == "gradient_norm"]["value"].to_list()
    assert logged == pytest.approx(norms, rel=1e-4)


def test_seed_decides_the_weights(store, tmp_path):
    one, _ = _train(store, _settings(steps=1), tmp_path / "one")
    other, _ = _train(store, _settings(steps=1), tmp_path / "other", seed=2)
    assert not torch.equal(one["stem.weight"], other["stem.weight"])


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (LABELS[:-1], "23 labels for 24 images"),
        (np.where(LABELS == 1, 2, LABELS), "labels must lie in 0..1"),
        (np.zeros((24, 2), np.float32), "at least one 1"),
        (np.ones((24, 3), np.float32), "must hold 2 times"),
    ],
)
def test_labels_that_do_not_fit_are_refused(store, tmp_path, labels, said):
    with pytest.raises(ValueError, match=said):
        _train(store, _settings(), tmp_path, labels=labels)


def test_empty_training_split_is_refused(store, tmp_path):
    empty = ImageStore(store.manifest.iloc[:0], tmp_path)
    with pytest.raises(ValueError, match="training needs images"):
        _train(empty, _settings(), tmp_path, labels=LABELS[:0])


def _validated(store, work, **changes):
    """Trained on the first 16 images; the last 8, of four patients, choose the step."""
    work.mkdir(exist_ok=True)

    def part(rows, labels):
        frame = store.manifest.iloc[rows].assign(patient=[f"p{i // 2}" for i in rows])
        return LabelledImages(ImageStore(frame, store._folder), labels, ["dark", "bright"])

    held_out = part(range(16, 24), LABELS[16:])
    data = replace(part(range(16), LABELS[:16]), validation=held_out)
    return training.train(data, _settings(**changes), TrainingRun(1, "cpu", work))


def test_the_loss_of_validation_images_is_the_plain_one_on_the_same_noise(store):
    schedule = linear_schedule(20, 0.02, 0.5)
    look, positions = Look(3, "validate", 5, torch.device("cpu")), np.array([2, 7, 11])
    seen = []

    class Model(torch.nn.Module):
        def forward(self, x, t, labels):
            seen.extend(zip(x.double(), t.tolist(), labels.tolist(), strict=True))
            return 0.5 * x

    def model(x0):
        return Model()

    losses = simple_losses(model, store, LABELS, positions, schedule, look, "noise")
    first = list(seen)
    smaller = look._replace(batch=2)
    again = simple_losses(model, store, LABELS, positions, schedule, smaller, "noise")
    np.testing.assert_allclose(again, losses, rtol=1e-6)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(first, seen[len(first) :], strict=True))

    expected = []
    for k, (x, t, label) in enumerate(first):
        position = positions[k // LEVELS]
        x0 = to_network(store.read([position]))[0].double()
        signal = schedule.alphas_bar[t]
        noise = (x - signal.sqrt() * x0) / (1 - signal).sqrt()  # eq. 4
        assert label == LABELS[position] and 1 <= t <= 20 and (t - 1) // 10 == k % LEVELS
        expected.append(((0.5 * x - noise) ** 2).mean().item())
    np.testing.assert_allclose(
        losses, np.reshape(expected, (3, LEVELS)).mean(1), rtol=1e-5, atol=1e-7
    )

    def no_noise(x0):
        return lambda x, *_: torch.zeros_like(x)

    everything = simple_losses(no_noise, store, LABELS, np.arange(24), schedule, look, "noise")
    assert everything.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / (24 * LEVELS * 64)))


@pytest.mark.parametrize("p2_gamma", [0.0, 1.0])
def test_the_step_is_chosen_by_images_that_nothing_is_trained_on(store, tmp_path, p2_gamma):
    trained = _validated(store, tmp_path, p2_gamma=p2_gamma, steps=20, checkpoint_every=20)
    points = pd.read_csv(trained.history).pivot(index="step", columns="name", values="value")
    losses = points["validate_denoising_loss"].dropna()
    assert list(losses.index) == list(range(2, 21, 2)) and losses.iloc[-1] < losses.iloc[0]
    facts = trained.card["validation"]
    assert facts["figure"] == "denoising_loss"
    assert facts["baselines"]["no noise predicted"] == 1
    # x_t tells the noise well where there is much of it, and not at all where there is none.
    assert 0 < facts["baselines"]["the noisy image taken for noise"] < 1
    assert (facts["images"], facts["patients"], facts["of"], facts["looks"]) == (8, 4, 20, 10)
    assert facts["value"] == pytest.approx(losses[facts["step"]], rel=1e-5)
    assert facts["lowest"]["value"] == pytest.approx(losses.min(), rel=1e-5)
    json.dumps(trained.card)


def test_a_resumed_run_chooses_the_same_step_and_looking_changes_no_weight(store, tmp_path):
    whole = _validated(store, tmp_path / "whole", steps=12, validate_every=3)
    _validated(store, tmp_path / "parts", steps=8, validate_every=3)
    resumed = _validated(store, tmp_path / "parts", steps=12, validate_every=3)
    # The run of 8 steps looked after its last, which is none of the whole one's looks.
    assert whole.card["validation"] == resumed.card["validation"] | {"looks": 4}
    assert all(torch.equal(whole.state[name], resumed.state[name]) for name in whole.state)
    rarely = _validated(store, tmp_path / "rarely", steps=12, validate_every=12)
    assert whole.card["validation"]["step"] == 12
    assert all(torch.equal(whole.state[name], rarely.state[name]) for name in whole.state)
