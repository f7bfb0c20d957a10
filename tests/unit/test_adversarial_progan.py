"""ProGAN: layers, growth, training, sampling."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from memory_images import Memory

from medsynth.models.contract import LabelledImages
from medsynth.models.progan import training
from medsynth.models.progan.growth import Growth
from medsynth.models.progan.layers import (
    EqualisedConv2d,
    EqualisedLinear,
    initialise,
    minibatch_stddev,
    pixel_norm,
)
from medsynth.models.progan.networks import Critic, Generator, phases, shrink, widths
from medsynth.models.progan.sampling import generate
from medsynth.models.progan.settings import ProganSampling, ProganTraining
from medsynth.models.progan.training import model_card
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator, numpy_rng
from medsynth.store.models import Model

torch.set_num_threads(1)  # these networks are too small for more
LABELS = np.array([0, 1] * 8)


def classes_of_grey(size: int = 8) -> np.ndarray:
    """Class 0 is dark, class 1 is bright; uint8 (16, size, size, 3)."""
    noise = numpy_rng(1).integers(-20, 20, (len(LABELS), size, size, 3))
    return (60 + 130 * LABELS[:, None, None, None] + noise).astype(np.uint8)


def settings(**changes: object) -> ProganTraining:
    short = {
        "steps": 8,
        "batch": 4,
        "phase_images": [16],
        "channels": 8,
        "latent": 6,
        "log_every": 1,
    }
    return ProganTraining(**{**short, "checkpoint_every": 3, **changes})


def networks(size: int = 16) -> tuple[Generator, Critic]:
    networks = Generator(size, 3, 2, latent=6, channels=8), Critic(size, 3, 2, channels=8)
    for network in networks:
        initialise(network, generator(1))
    return networks


def test_equalised_layers_scale_their_weights_at_runtime():
    conv, dense = EqualisedConv2d(5, 4, 3), EqualisedLinear(20, 4, gain=1.0)
    assert conv.scale == pytest.approx(np.sqrt(2 / (5 * 9)))
    assert dense.scale == pytest.approx(np.sqrt(1 / 20))
    for layer in (conv, dense):
        torch.nn.init.ones_(layer.weight)
        torch.nn.init.ones_(layer.bias)
    out = conv(torch.ones(1, 5, 3, 3))
    assert out[0, :, 1, 1].tolist() == pytest.approx([45 * np.sqrt(2 / 45) + 1] * 4)
    assert dense(torch.ones(1, 20))[0].tolist() == pytest.approx([20 * np.sqrt(1 / 20) + 1] * 4)


def test_initial_weights_are_standard_normal():
    network, _ = networks(64)
    weights = torch.cat([p.flatten() for n, p in network.named_parameters() if "weight" in n])
    tolerance = 5 / np.sqrt(len(weights))
    assert abs(weights.mean()) < tolerance and abs(weights.std() - 1) < tolerance


def test_minibatch_stddev_equals_numpy():
    x = numpy_rng(1).normal(size=(4, 3, 5, 5))
    out = minibatch_stddev(torch.from_numpy(x)).numpy()
    assert out.shape == (4, 4, 5, 5)
    assert np.array_equal(out[:, :3], x)
    expected = np.sqrt(x.var(axis=0) + 1e-8).mean()
    np.testing.assert_allclose(out[:, 3], expected, rtol=1e-12)


def test_pixel_norm_gives_unit_mean_square():
    x = torch.randn(2, 7, 3, 3, generator=generator(1), dtype=torch.float64) * 50
    torch.testing.assert_close(
        pixel_norm(x).square().mean(1), torch.ones(2, 3, 3, dtype=torch.float64)
    )


@pytest.mark.parametrize("size", [4, 12, 0, 33])
def test_other_sizes_than_powers_of_two_are_refused(size: int):
    with pytest.raises(ValueError, match=f"a power of two, not {size} pixels"):
        phases(size)


@pytest.mark.parametrize("channels", [32, 512])
@pytest.mark.parametrize("size", [8, 32, 256, 1024])
def test_widths_are_those_of_the_paper(size: int, channels: int):
    published = [512, 512, 512, 512, 256, 128, 64, 32, 16]  # Karras et al. 2018, table 2
    wanted = [min(width, channels) for width in published[: phases(size)]]
    assert widths(size, channels) == wanted
    generator = Generator(size, 3, 2, latent=4, channels=channels)
    assert [layer.weight.shape[1] for layer in generator.to_image] == wanted


def test_phases_are_counted_in_images_and_fade_for_half():
    growth = Growth.of(settings(steps=24, batch=4, phase_images=[30]), 16)
    schedule = [growth.at(i) for i in range(24)]
    assert [p for p, _ in schedule] == [0] * 8 + [1] * 8 + [2] * 8
    assert [a for _, a in schedule[:8]] == [1.0] * 8
    for later in (schedule[8:16], schedule[16:]):
        assert [a for _, a in later] == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]
    assert [i for i in range(24) if growth.begins(i)] == [0, 8, 16]
    long, short = (Growth.of(settings(steps=n, phase_images=[32]), 16) for n in (80, 18))
    assert [a for _, a in map(long.at, range(16, 80))] == [0, 0.25, 0.5, 0.75] + [1] * 60
    assert [short.at(i) for i in (15, 16, 17)] == [(1, 1.0), (2, 0.0), (2, 1.0)]


@pytest.mark.parametrize("size", [32, 256])
def test_low_phases_have_32_000_images_unless_asked_otherwise(size: int):
    wanted = ProganTraining()
    growth = Growth.of(wanted, size)
    reached = np.array([growth.at(i)[0] for i in range(wanted.steps)])
    images = np.bincount(reached) * wanted.batch
    assert len(images) == phases(size) and images.min() >= 32_000


def test_steps_that_end_before_the_networks_are_grown_are_refused(tmp_path: Path):
    said = r"3 steps end before the networks reach 8 pixels: the lower resolutions take 4 \("
    with pytest.raises(ValueError, match=said):
        train(Memory(classes_of_grey()), LABELS, settings(steps=3), tmp_path)
    assert settings(steps=5).misfit(8).key == "train.steps"
    assert settings(steps=6).misfit(8) is None
    assert "take 4 + 4 + 4 (" in settings().misfit(32).why
    assert settings(phase_images=[16, 8]).lower_phases(64) == [4, 2, 2, 2]
    longer = settings(steps=100, phase_images=[16, 8, 8])
    assert longer.misfit(32) is None
    assert longer.misfit(16).key == "train.phase_images"
    assert "leave out the last 1:" in longer.misfit(16).why


@pytest.mark.parametrize("wrong", [{"batch": 1}, {"gradient_penalty": 0}, {"ema_decay": 1}])
def test_settings_that_cannot_work_are_refused(wrong: dict):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        settings(**wrong)


def double(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def halve(x: torch.Tensor) -> torch.Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def test_generator_fades_from_the_low_to_the_high_resolution():
    network, _ = networks()
    z, labels = torch.randn(3, 6, generator=generator(2)), torch.tensor([0, 1, 1])
    low, high = double(network(z, labels, phase=1)), network(z, labels, phase=2)
    assert high.shape == (3, 3, 16, 16)
    torch.testing.assert_close(network(z, labels, phase=2, alpha=0.0), low)
    torch.testing.assert_close(network(z, labels, phase=2, alpha=1.0), high)
    torch.testing.assert_close(network(z, labels, 2, alpha=0.25), 0.75 * low + 0.25 * high)
    torch.testing.assert_close(network(z, labels), high)


def test_critic_fades_from_the_low_to_the_high_resolution():
    _, network = networks()
    x, labels = torch.randn(3, 3, 16, 16, generator=generator(2)), torch.tensor([0, 1, 1])
    low = network(halve(x), labels, phase=1)
    torch.testing.assert_close(network(x, labels, phase=2, alpha=0.0), low)
    full = network(x, labels, phase=2)
    assert full.shape == (3,)
    torch.testing.assert_close(network(x, labels, phase=2, alpha=1 - 1e-7), full)
    assert not torch.allclose(full, low)


def test_critic_judges_the_class():
    _, network = networks()
    x = torch.randn(3, 3, 16, 16, generator=generator(2))
    zeros, ones = torch.zeros(3, dtype=torch.long), torch.ones(3, dtype=torch.long)
    assert not torch.isclose(network(x, zeros), network(x, ones)).any()


def test_real_images_fade_with_the_networks():
    x = torch.randn(2, 3, 16, 16, generator=generator(1))
    torch.testing.assert_close(shrink(x, 2, 1.0), x)
    torch.testing.assert_close(shrink(x, 1, 1.0), halve(x))
    torch.testing.assert_close(shrink(x, 2, 0.25), 0.75 * double(halve(x)) + 0.25 * x)


def train(images, labels, settings, work: Path, seed: int = 1, classes=("dark", "bright")):
    data = LabelledImages(images, labels, list(classes))
    trained = training.train(data, settings, TrainingRun(seed, "cpu", work))
    return trained.state, trained.history


@pytest.mark.parametrize("reads", [4, 6])  # at the end of a phase, and in the next one
def test_resumed_training_equals_an_uninterrupted_one(tmp_path: Path, reads: int):
    images, own = classes_of_grey(), settings(phase_images=[12])
    whole, curve = train(Memory(images), LABELS, own, tmp_path / "1", seed=3)
    with pytest.raises(KeyboardInterrupt):
        train(Memory(images, reads), LABELS, own, tmp_path / "2", seed=3)
    assert torch.load(tmp_path / "2" / "checkpoint.pt", weights_only=True)["step"] == 3
    resumed, second = train(Memory(images), LABELS, own, tmp_path / "2", seed=3)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)
    assert curve.read_text() == second.read_text()


def test_optimizers_begin_anew_with_every_phase(tmp_path: Path):
    """Adam counts its steps: at the end of a phase those of the phase."""
    own = settings(phase_images=[12], checkpoint_every=1)

    def counted(steps: int) -> set[float]:
        with pytest.raises(KeyboardInterrupt):
            train(Memory(classes_of_grey(), reads=1 + steps), LABELS, own, tmp_path / str(steps))
        saved = torch.load(tmp_path / str(steps) / "checkpoint.pt", weights_only=True)
        assert saved["step"] == steps
        moments = [saved[name]["state"] for name in ("optimizer_g", "optimizer_d")]
        return {float(of["step"]) for states in moments for of in states.values()}

    assert counted(3) == {3.0}
    assert counted(4) == {1.0}
    assert max(counted(7)) == 4  # the layer of the faded resolution takes fewer


def test_labels_that_do_not_fit_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="3 labels for 16 images"):
        train(Memory(classes_of_grey()), LABELS[:3], settings(), tmp_path)
    with pytest.raises(ValueError, match=r"labels must lie in 0..0; found \[0 1\]"):
        train(Memory(classes_of_grey()), LABELS, settings(), tmp_path, classes=["one"])


def test_trained_classes_differ_and_samples_do_not_depend_on_their_batch(tmp_path: Path):
    wanted = settings(
        steps=240, batch=8, phase_images=[960], lr=5e-3, log_every=20, checkpoint_every=240
    )
    state, curve = train(Memory(classes_of_grey()), LABELS, wanted, tmp_path)
    with open(curve, newline="") as file:
        assert {row["name"] for row in csv.DictReader(file)} == {
            "critic", "penalty", "generator", "resolution", "alpha"
        }  # fmt: skip
    card = model_card(wanted, ["dark", "bright"], image_channels=3, image_size=8)

    def sample(labels: np.ndarray, batch: int) -> np.ndarray:
        sampling = ProganSampling(batch=batch)
        request = pd.DataFrame({"label": np.array(card["classes"])[labels]})
        request["number"] = request.groupby("label").cumcount()
        batches = generate(Model(state, card), request, sampling, Run(4, "cpu"))
        return np.concatenate(list(batches)).astype(int)

    dark, bright = sample(np.zeros(6, int), 6), sample(np.ones(6, int), 6)
    assert dark.shape == (6, 8, 8, 3)
    assert bright.mean() - dark.mean() > 60  # the true difference is 130
    assert len(np.unique(dark, axis=0)) == 6
    mixed = sample(np.array([1, 1, 0, 1]), 3)
    # Convolutions of another batch size may round differently: at most one grey level.
    assert abs(mixed - np.concatenate([bright[:2], dark[:1], bright[2:3]])).max() <= 1
