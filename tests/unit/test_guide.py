"""Classifier guidance: the gradient of a linear classifier in float64, distributions that Bayes'
rule gives, and classifiers that know how noisy an image is."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from memory_images import Memory
from pydantic import ValidationError
from test_adversarial_progan import LABELS, classes_of_grey
from torch import Tensor, nn

from medsynth.models.classifier.extraction import classifier_of, extract
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.contract import LabelledImages
from medsynth.models.ddpm.sampling import CannotDraw, generate, sample
from medsynth.models.ddpm.sampling_settings import DdpmSampling
from medsynth.models.ddpm.schedule import Schedule, linear_schedule
from medsynth.models.ddpm.settings import DdpmExperiment
from medsynth.models.ddpm.training import model_card
from medsynth.models.ddpm.training_settings import DdpmTraining
from medsynth.models.ddpm.unet import build_unet
from medsynth.models.guide.guidance import Guide, guide_of
from medsynth.models.guide.training import noised, train
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import generator
from medsynth.store.models import Model


class Linear(nn.Module):
    """Logits W x + b of the pixels in float64."""

    def __init__(self, pixels: int, classes: int):
        super().__init__()
        self.linear = nn.Linear(pixels, classes, dtype=torch.float64)

    def forward(self, x: Tensor, signal: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


def test_gradient_of_a_linear_classifier_is_the_known_one():
    network = Linear(12, 3)
    x = torch.randn(5, 3, 2, 2, generator=generator(0), dtype=torch.float64)
    w, b = network.linear.weight.detach().numpy(), network.linear.bias.detach().numpy()
    logits = x.flatten(1).numpy() @ w.T + b
    one, several = np.array([0, 1, 2, 1, 0]), np.array([[1, 0, 1], [0, 1, 0], [1, 1, 1]] * 2)[:5]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    with torch.no_grad():  # as sampling asks
        of_one = Guide(network)(x, 0.5, torch.tensor(one))
        # with a covariate behind the findings
        rows = torch.tensor(np.column_stack([several, np.ones(5)]), dtype=torch.float32)
        of_several = Guide(network)(x, 0.5, rows)
    wanted = w[one] - p @ w
    assert np.abs(of_one.flatten(1).numpy() - wanted).max() <= 1e-12
    wanted = (several - 1 / (1 + np.exp(-logits))) @ w
    assert np.abs(of_several.flatten(1).numpy() - wanted).max() <= 1e-12
    assert not of_one.requires_grad


class TwoGreys(nn.Module):
    """Half of the pixels are N(-0.5, 0.3^2), half N(0.5, 0.3^2): the noise in x, known without a
    label, and a linear classifier of x, exact at every level.

    With s = a 0.3^2 + 1 - a, log p(bright | x) - log p(dark | x) = 2 sqrt(a) 0.5 x / s.
    """

    null_label, mean, std = 2, 0.5, 0.3

    def __init__(self, schedule: Schedule):
        super().__init__()
        self.schedule = schedule

    def forward(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        a = self.schedule.alphas_bar[t].view(-1, 1, 1, 1)
        bright = torch.sigmoid(self.logit(x, a))
        mean = a.sqrt() * self.mean * (2 * bright - 1)
        return ((1 - a).sqrt() * (x - mean) / (a * self.std**2 + 1 - a)).float()

    def logit(self, x: Tensor, a: Tensor | float) -> Tensor:
        return 2 * a**0.5 * self.mean * x / (a * self.std**2 + 1 - a)

    def slope(self, x: Tensor, signal: float, labels: Tensor) -> Tensor:
        """Each pixel is an image of its own here, so `Guide` could not be asked for all at once."""
        sign = (2 * labels - 1).view(-1, 1, 1, 1)
        logit = self.logit(x, signal) * sign
        return torch.sigmoid(-logit) * sign * self.logit(torch.ones_like(x), signal)


@pytest.mark.parametrize("settings", [{}, {"sampler": "dpm_solver", "steps": 50}])
def test_a_guide_by_bayes_rule_draws_the_class(settings):
    schedule, labels = linear_schedule(1000, 1e-4, 0.02), torch.tensor([0, 1])
    model, n = TwoGreys(schedule), 64
    chosen = DdpmSampling(guidance=0, guide_scale=1, **settings)
    noise = [generator(5, i) for i in range(2)]
    x = sample(model, labels, (1, n, n), schedule, noise, chosen, "noise", model.slope)
    for drawn, mean in zip(x, (-0.5, 0.5), strict=True):
        assert drawn.mean().item() == pytest.approx(mean, abs=0.02)
        assert drawn.std().item() == pytest.approx(model.std, rel=0.05)
    free = sample(
        model, labels, (1, n, n), schedule, noise, DdpmSampling(guidance=0, steps=50), "noise"
    )
    assert free.std() > 0.5  # of both


def test_noise_is_between_none_and_nothing_else():
    x = torch.full((4000, 1, 2, 2), 0.5)
    noisy, signal = noised(x, generator(0))
    assert 0 <= signal.min() < 0.01 and 0.99 < signal.max() <= 1
    z = (noisy - signal.sqrt().view(-1, 1, 1, 1) * x) / (1 - signal).sqrt().view(-1, 1, 1, 1)
    assert z.mean().abs() < 0.05 and z.std().item() == pytest.approx(1, abs=0.02)
    assert (torch.acos(signal.sqrt()) / (math.pi / 2)).mean().item() == pytest.approx(0.5, abs=0.02)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Model:
    """A guide that tells dark images from bright ones."""
    data = LabelledImages(Memory(classes_of_grey()), LABELS, ["dark", "bright"])
    settings = ClassifierTraining(steps=60, batch=16, lr=0.005, channels=4)
    found = train(data, settings, TrainingRun(1, "cpu", tmp_path_factory.mktemp("work")))
    return Model(found.state, found.card)


def test_a_trained_guide_knows_how_noisy_an_image_is(trained):
    x = torch.from_numpy(classes_of_grey()).permute(0, 3, 1, 2) / 127.5 - 1
    truth = torch.from_numpy(LABELS)
    network = classifier_of(trained.state, trained.card, "cpu")

    def certainty(signal: float, noise: Tensor) -> float:
        seen = signal**0.5 * x + (1 - signal) ** 0.5 * noise
        logits = network(seen, torch.full((len(x),), signal))
        return logits.softmax(1)[torch.arange(len(x)), truth].mean().item()

    noise = torch.randn(x.shape, generator=generator(1))
    assert certainty(0.95, noise) > 0.9
    assert certainty(0.0, noise) == pytest.approx(0.5, abs=0.15)  # nothing is to be seen
    seen = extract(trained.state, trained.card, [classes_of_grey()], "cpu")  # without noise
    assert (seen.probabilities.argmax(1) == LABELS).mean() > 0.9
    # Along the gradient the label becomes likelier.
    guide, start = guide_of(trained, "cpu"), 0.7 * x + 0.7 * noise
    step = start + 0.1 * guide(start, 0.5, 1 - truth)
    half = torch.full((len(x),), 0.5)
    rise = network(step, half).log_softmax(1) - network(start, half).log_softmax(1)
    assert (rise[torch.arange(len(x)), 1 - truth] > 0).all()


def test_a_training_that_is_killed_ends_with_the_same_weights(tmp_path):
    settings = ClassifierTraining(steps=5, batch=4, channels=4, checkpoint_every=2, log_every=1)

    def run(work: str, reads: float = np.inf) -> dict[str, Tensor]:
        held_out = LabelledImages(Memory(classes_of_grey()), LABELS, ["dark", "bright"])
        images = Memory(classes_of_grey(), reads)
        data = LabelledImages(images, LABELS, ["dark", "bright"], validation=held_out)
        return train(data, settings, TrainingRun(1, "cpu", tmp_path / work)).state

    for work in ("whole", "killed"):
        (tmp_path / work).mkdir()
    whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("killed", reads=6)
    again = run("killed")
    assert whole.keys() == again.keys() and all(torch.equal(whole[k], again[k]) for k in whole)


@pytest.fixture
def ddpm(trained) -> Model:
    settings = DdpmTraining(
        timesteps=6, beta_start=0.2, beta_end=0.9,
        unet={"channels": 8, "multipliers": [1], "attention": []},
    )  # fmt: skip
    card = model_card(settings, ["dark", "bright"], 3, 8)
    return Model(build_unet(3, 8, 2, settings.unet).state_dict(), card, {"guide": trained})


def test_a_model_samples_with_its_guide(ddpm):
    rows = pd.DataFrame({"label": ["dark", "bright"] * 3, "number": [0, 0, 1, 1, 2, 2]})

    def drawn(scale: float) -> np.ndarray:
        settings = DdpmSampling(guidance=0, guide_scale=scale)
        return np.concatenate(list(generate(ddpm, rows, settings, Run(0, "cpu"))))

    # The network has learned nothing and says that there is no noise: the guide alone tells them.
    without, strong = drawn(0), drawn(20)
    contrast = [x[1::2].astype(float).mean() - x[::2].mean() for x in (without, strong)]
    assert contrast[1] > contrast[0] + 10


def test_a_guide_that_is_not_there_or_knows_other_classes_is_told(ddpm, trained):
    rows = pd.DataFrame({"label": ["dark"], "number": [0]})
    other = Model(trained.state, trained.card | {"classes": ["bright", "dark"]})
    for inputs, said in (
        ({}, "without inputs.guide"),
        ({"guide": other}, "the guide knows bright"),
    ):
        model = Model(ddpm.state, ddpm.card, inputs)
        with pytest.raises(CannotDraw, match=said):
            next(generate(model, rows, DdpmSampling(guide_scale=1), Run(0, "cpu")))


@pytest.mark.parametrize("settings", [{"sample": {"guide_scale": 2}}, {"inputs": {"guide": "g"}}])
def test_guide_and_scale_are_given_together(settings):
    with pytest.raises(ValidationError, match="give both or neither"):
        DdpmExperiment(name="one", cohort="cxr", family="ddpm", **settings)
