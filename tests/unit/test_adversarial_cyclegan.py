"""CycleGAN training and translation on phantoms: B is A plus a bright disc."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from memory_images import Memory

from medsynth.models.contract import Translation, TwoDomains
from medsynth.models.cyclegan import training
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.models.cyclegan.networks import CycleGan, _frozen
from medsynth.models.cyclegan.sampling import generate
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.cyclegan.training import model_card
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator, numpy_rng
from medsynth.store.models import Model

torch.set_num_threads(1)  # these networks are too small for more
SIZE = 16
NO_PAIRS = np.empty((0, 2), np.int64)


def phantoms(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Slices without and with a disc of contrast medium, int16 HU (n, SIZE, SIZE, 1)."""
    rng = numpy_rng(seed)
    y, x = np.mgrid[:SIZE, :SIZE]
    centre = rng.uniform(5, SIZE - 6, (2, n, 1, 1))
    disc = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < 3**2
    a = np.where(disc, 0.0, -500.0) + rng.normal(0, 10, (n, SIZE, SIZE))
    b = a + np.where(disc, 500.0, 0.0)
    return a[..., None].astype(np.int16), b[..., None].astype(np.int16)


def settings(**changes: object) -> CycleganTraining:
    short = {"steps": 6, "batch": 2, "channels": 4, "depth": 1, "pool": 3, "log_every": 1}
    return CycleganTraining(**{**short, "checkpoint_every": 2, **changes})


def diagonal(n: int) -> np.ndarray:
    return np.stack([np.arange(n)] * 2, axis=1)


def train(a, b, pairs: np.ndarray, settings: CycleganTraining, work: Path, seed: int = 1):
    trained = training.train(TwoDomains(a, b, pairs), settings, TrainingRun(seed, "cpu", work))
    return trained.state, trained.history


def history(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_resumed_training_equals_an_uninterrupted_one(tmp_path: Path):
    a, b = phantoms(8, 1)
    whole, curve = train(Memory(a), Memory(b), diagonal(8), settings(), tmp_path / "1", 3)
    with pytest.raises(KeyboardInterrupt):
        train(Memory(a), Memory(b, reads=9), diagonal(8), settings(), tmp_path / "2", 3)
    assert torch.load(tmp_path / "2" / "checkpoint.pt", weights_only=True)["step"] == 4
    resumed, second = train(Memory(a), Memory(b), diagonal(8), settings(), tmp_path / "2", 3)
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)
    assert history(curve) == history(second)


def test_pair_discriminator_sees_plain_then_contrast():
    model = CycleGan((1, SIZE, SIZE), settings(pool=0), paired=True, seed=1, device="cpu")
    seen = []
    model.discriminators["D_C"].register_forward_pre_hook(
        lambda _, args: seen.append(args[0].detach())
    )
    a, b = torch.full((2, 1, SIZE, SIZE), -0.5), torch.full((2, 1, SIZE, SIZE), 0.5)
    pair = (torch.full((2, 1, SIZE, SIZE), -0.9), torch.full((2, 1, SIZE, SIZE), 0.9))
    model.step(a, b, pair, generator(1))
    # Untrained generators are identities: G(a) is a and F(b) is b.
    expected = [(a, a), (b, b), pair, (torch.cat([a, b]), torch.cat([a, b]))]
    assert len(seen) == len(expected)
    for got, (first, second) in zip(seen, expected, strict=True):
        assert torch.equal(got, torch.cat([first, second], dim=1))
    with torch.no_grad():
        fake_b, fake_a = model.g(a), model.f(b)
    assert not torch.equal(fake_b, a)
    seen.clear()
    model.step(a, b, pair, generator(2))
    assert torch.equal(seen[0], torch.cat([a, fake_b], dim=1))
    assert torch.equal(seen[1], torch.cat([fake_a, b], dim=1))


def test_identity_holds_each_generator_to_images_it_should_leave_alone():
    """G, which adds contrast medium, to b; F, which removes it, to a (Zhu et al. 2017, 5.2)."""
    model = CycleGan((1, SIZE, SIZE), settings(), paired=False, seed=1, device="cpu")
    gain, offset = (torch.tensor(x, requires_grad=True) for x in (2.0, 0.3))
    model.g, model.f = (lambda x: gain * x), (lambda x: x + offset)
    a, b = torch.full((3, 1, SIZE, SIZE), 0.1), torch.full((2, 1, SIZE, SIZE), -0.5)
    losses, fake_b, fake_a = model.improve_generators(a, b)
    # F(a) is 0.4, G(b) is -1; F(G(a)) is 0.5, G(F(b)) is -0.4
    assert losses["identity"].item() == pytest.approx(abs(0.4 - 0.1) + abs(-1 + 0.5))
    assert losses["cycle"].item() == pytest.approx(abs(0.5 - 0.1) + abs(-0.4 + 0.5))
    assert torch.equal(fake_b, 2 * a) and torch.equal(fake_a, b + 0.3)


def test_without_pairs_there_is_no_pair_discriminator(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    a, b = phantoms(4, 1)
    with caplog.at_level(logging.WARNING):
        _, curve = train(Memory(a), Memory(b), NO_PAIRS, settings(), tmp_path)
    said = "D_C is off: there are no pairs to train it on"
    assert [r.message for r in caplog.records].count(said) == 1
    names = {row["name"] for row in history(curve)}
    assert names == {"G_adv", "F_adv", "cycle", "identity", "D_A", "D_B"}


def test_the_card_says_why_there_is_no_pair_discriminator():
    def notes(pairs: int, **changes: float) -> list[str]:
        card = model_card(settings(**changes), image_size=SIZE, image_channels=1, pairs=pairs)
        return card["notes"]

    assert notes(4) == []
    assert notes(0) == [
        "D_C is off, the discriminator of pairs: there are no pairs to train it on."
    ]
    assert notes(4, pair_weight=0) == ["D_C is off, the discriminator of pairs: pair_weight is 0."]


def test_generators_reflect_their_borders():
    """Of a constant image every pixel sees the same; with zeros around it the border would not."""
    torch.manual_seed(1)
    network = ResidualUNet(1, 4, 2)
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    for layer in convolutions:
        assert layer.padding_mode == "reflect" and layer.padding == (1, 1)
    made = network(torch.full((1, 1, 16, 16), 0.7))
    torch.testing.assert_close(made, made[..., :1, :1].expand_as(made), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="halved 4 times are one, which has no border"):
        ResidualUNet(1, 4, 4)(torch.zeros(1, 1, 16, 16))


@pytest.mark.parametrize("empty", ["a", "b"])
def test_a_domain_without_images_is_refused(tmp_path: Path, empty: str):
    a, b = phantoms(4, 1)
    stores = {"a": Memory(a), "b": Memory(b), empty: Memory(a[:0])}
    with pytest.raises(ValueError, match="the training split is empty"):
        train(*stores.values(), NO_PAIRS, settings(), tmp_path)


def test_learning_rate_falls_in_the_second_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rates = []
    monkeypatch.setattr(CycleGan, "set_lr", lambda self, lr: rates.append(lr))
    a, b = phantoms(4, 1)
    train(Memory(a), Memory(b), NO_PAIRS, settings(lr=1.0), tmp_path)
    assert rates == pytest.approx([1, 1, 1, 1, 2 / 3, 1 / 3])


def test_training_beats_doing_nothing(tmp_path: Path):
    wanted = settings(steps=150, batch=4, channels=8, lr=2e-3, log_every=10, checkpoint_every=150)
    a, b = phantoms(64, 1)
    state, curve = train(Memory(a), Memory(b), diagonal(64), wanted, tmp_path)
    assert all(np.isfinite(float(row["value"])) for row in history(curve))
    card = model_card(wanted, image_size=SIZE, image_channels=1, pairs=1)
    a, b = (x.astype(int) for x in phantoms(32, 2))
    for images, truth, direction in ((a, b, "ct_to_cect"), (b, a, "cect_to_ct")):
        batches = np.split(images.astype(np.int16), 2)
        made = generate(Model(state, card), Translation(batches, direction), None, Run(1, "cpu"))
        translated = np.concatenate(list(made))
        assert translated.shape == images.shape and translated.dtype == np.int16
        nothing, done = np.abs(images - truth).mean(), np.abs(translated - truth).mean()
        assert done < 0.7 * nothing, f"{direction}: {done:.1f} HU, doing nothing {nothing:.1f}"


def test_untrained_translation_returns_the_slices_inside_and_outside_the_range():
    wanted = settings(hu_range=(-200, 400))
    model = CycleGan((1, SIZE, SIZE), wanted, paired=False, seed=1, device="cpu")
    state = {f"F.{k}": v for k, v in model.f.state_dict().items()}
    images = np.arange(-1000, -1000 + 3 * SIZE * SIZE * 4, 4, dtype=np.int16)
    images = images.reshape(3, SIZE, SIZE, 1)
    card = model_card(wanted, image_size=SIZE, image_channels=1, pairs=1)
    request = Translation([images[:2], images[2:]], "cect_to_ct")
    translated = np.concatenate([*generate(Model(state, card), request, None, Run(1, "cpu"))])
    assert np.array_equal(translated, images)


def test_discriminators_learn_again_after_an_error_in_the_generators_step():
    discriminators = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 1)})
    with pytest.raises(RuntimeError), _frozen(discriminators):
        assert not any(p.requires_grad for p in discriminators.parameters())
        raise RuntimeError
    assert all(p.requires_grad for p in discriminators.parameters())
