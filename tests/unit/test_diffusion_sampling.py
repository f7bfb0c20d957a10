"""Algorithm 2 and guidance: single steps, an analytic oracle, independence of the batch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from medsynth.models.ddpm.sampling import CannotDraw, generate, guided, sample
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.schedule import Schedule, linear_schedule
from medsynth.models.ddpm.training import model_card
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.models.ddpm.unet import build_unet
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import generator, sample_generators
from medsynth.store.models import Model


class _GaussianNoise(nn.Module):
    """The exact E[noise | x_t] when all pixels of class c are N(means[c], std^2).

    x_t and the noise are jointly normal, so it is linear in x_t:
    sqrt(1 - a) (x_t - sqrt(a) mean) / (a std^2 + 1 - a) with a = alpha_bar_t.
    """

    def __init__(self, schedule: Schedule, means: list[float], std: float):
        super().__init__()
        self.alphas_bar, self.means, self.std = schedule.alphas_bar, torch.tensor(means), std
        self.null_label = len(means) - 1

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        a = self.alphas_bar[t].view(-1, 1, 1, 1)
        mean = self.means[labels].view(-1, 1, 1, 1)
        noise = (1 - a).sqrt() * (x - a.sqrt() * mean) / (a * self.std**2 + 1 - a)
        return noise.to(x.dtype)


def _generators(n: int) -> list[torch.Generator]:
    return [generator(5, "sample", i) for i in range(n)]


@pytest.mark.parametrize("std", [1.0, 0.5])
def test_exact_predictor_recovers_the_gaussian_it_knows(std):
    schedule = linear_schedule(1000, 1e-4, 0.02)
    n, size = 16, 64
    labels = torch.arange(n) % 2
    model = _GaussianNoise(schedule, [-0.6, 1.4, 0.0], std)
    x = sample(
        model, labels, (1, size, size), schedule, _generators(n), DdpmSampling(guidance=0), "noise"
    )
    pixels = n // 2 * size**2
    for label, mean in ((0, -0.6), (1, 1.4)):  # 1.4: nothing is clipped to [-1, 1]
        drawn = x[labels == label]
        assert drawn.mean().item() == pytest.approx(mean, abs=5 * std / pixels**0.5)
        assert drawn.std().item() == pytest.approx(std, rel=0.02)


def test_no_guidance_is_the_conditional_model():
    schedule = linear_schedule(10, 0.01, 0.3)
    model = _GaussianNoise(schedule, [-0.5, 0.5, 0.0], 0.3)
    x = torch.randn(2, 1, 4, 4, generator=generator(0))
    t, labels = torch.tensor([3, 3]), torch.tensor([0, 1])
    assert torch.equal(guided(model, x, t, labels, 0.0), model(x, t, labels))


def test_guidance_equals_the_formula():
    schedule = linear_schedule(10, 0.01, 0.3)
    model = _GaussianNoise(schedule, [-0.5, 0.5, 0.0], 0.3)
    x = torch.randn(2, 1, 4, 4, generator=generator(0))
    t, labels, null = torch.tensor([3, 7]), torch.tensor([0, 1]), torch.tensor([2, 2])
    expected = 3 * model(x, t, labels) - 2 * model(x, t, null)
    torch.testing.assert_close(guided(model, x, t, labels, 2.0), expected)
    assert not torch.allclose(expected, model(x, t, labels))


@pytest.fixture(scope="module")
def saved_model():
    settings = DdpmTraining(
        timesteps=6,
        beta_start=0.2,
        beta_end=0.9,
        unet={"channels": 8, "multipliers": [1, 2], "attention": [4]},
    )
    torch.manual_seed(0)
    model = build_unet(1, 8, 2, settings.unet)
    for parameter in model.parameters():  # an untrained network predicts zero for everything
        nn.init.normal_(parameter, std=0.15)
    return Model(model.state_dict(), model_card(settings, ["a", "b"], 1, 8))


def _draw(saved_model, labels, seed=3, **settings) -> np.ndarray:
    wanted = DdpmSampling(**settings)
    request = pd.DataFrame({"label": np.array(["a", "b"])[labels]})
    request["number"] = request.groupby("label").cumcount()
    batches = generate(saved_model, request, wanted, Run(seed, "cpu"))
    return np.concatenate(list(batches))


def test_images_do_not_depend_on_the_batch(saved_model):
    labels = [0, 1, 1, 0, 1]
    together = _draw(saved_model, labels, batch=5)
    assert together.shape == (5, 8, 8, 1) and together.dtype == np.uint8
    for batch in (1, 2):
        apart = _draw(saved_model, labels, batch=batch)
        # the network may round differently in another batch: one grey level at most
        assert np.abs(together.astype(int) - apart).max() <= 1


def test_an_image_depends_on_its_number_within_its_label_alone(saved_model):
    alone, among = _draw(saved_model, [1, 1], batch=2), _draw(saved_model, [0, 1, 0, 1], batch=2)
    assert np.abs(alone.astype(int) - among[[1, 3]]).max() <= 1  # rounding
    assert (alone[0] != alone[1]).any()


def test_another_class_leaves_the_noise_of_the_others_as_it_was():
    """`ab` comes between `a` and `b`, so that `b` gets another index."""

    def noise(classes: list[str]) -> dict[str, list[Tensor]]:
        labels = np.repeat(classes, 3)
        drawn = [
            torch.randn(5, generator=g)
            for g in sample_generators(labels, [0, 1, 2] * len(classes), seed=3)
        ]
        return {name: drawn[3 * k : 3 * k + 3] for k, name in enumerate(classes)}

    two, three = noise(["a", "b"]), noise(["a", "ab", "b"])
    for name, drawn in two.items():
        assert torch.equal(torch.stack(drawn), torch.stack(three[name]))
    assert len({x.sum().item() for drawn in three.values() for x in drawn}) == 9


@pytest.mark.parametrize(
    ("trained", "asked", "said"),
    [
        ({}, {"steps": 7}, "steps 7 exceeds train.timesteps 6"),
        ({"label_drop": 0.0}, {"guidance": 2}, "train.label_drop 0 hides none"),
        (
            {"zero_terminal_snr": True, "predicts": "velocity"},
            {"sampler": "probability_flow"},
            "zero_terminal_snr leaves nothing",
        ),
    ],
)
def test_a_trained_model_refuses_what_its_training_does_not_allow(
    saved_model, trained, asked, said
):
    """From Python, too, where no configuration was read that refuses it."""
    settings = saved_model.card["settings"] | trained
    changed = Model(saved_model.state, saved_model.card | {"settings": settings})
    with pytest.raises(CannotDraw, match=said):
        _draw(changed, [0], **asked)
    assert _draw(changed, [0], guidance=0).shape == (1, 8, 8, 1)


def test_seed_decides_the_images(saved_model):
    first = _draw(saved_model, [0, 0])
    np.testing.assert_array_equal(first, _draw(saved_model, [0, 0]))
    assert (first != _draw(saved_model, [0, 0], seed=4)).any()
    assert (first[0] != first[1]).any()


def test_noise_of_an_image_is_its_own():
    """With a constant predictor nothing rounds differently: equality bit for bit."""

    class Zero(nn.Module):
        null_label = 1

        def forward(self, x, t, labels):
            return torch.zeros_like(x)

    schedule, labels = linear_schedule(5, 0.01, 0.3), torch.zeros(4, dtype=torch.long)
    draws = _generators(4), _generators(4)[3:]
    whole, last = (
        sample(Zero(), labels[-len(g) :], (1, 4, 4), schedule, g, DdpmSampling(), "noise")
        for g in draws
    )
    assert torch.equal(whole[3:], last)
