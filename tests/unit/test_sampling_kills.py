"""Images of people with several findings, by every sampler; after a kill the rest follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from medsynth.models.cascade import sampling as cascade_sampling
from medsynth.models.cascade.network import SuperResolutionUNet
from medsynth.models.cascade.settings import CascadeTraining
from medsynth.models.classifier.network import Classifier
from medsynth.models.conditioning import wanted
from medsynth.models.covariates import describe, width
from medsynth.models.ddpm import sampling as ddpm_sampling
from medsynth.models.ddpm.samplers import SAMPLERS
from medsynth.models.ddpm.settings import DdpmTraining, Diffusion
from medsynth.models.ddpm.training import model_card
from medsynth.models.ddpm.unet import ConditionalUNet, build_unet
from medsynth.runtime.checkpoints import kept_batches
from medsynth.runtime.run import Run
from medsynth.store.models import Model

SIZE, LOW, BATCH = 8, 4, 2
CLASSES = ["left", "none", "right"]
FACTS = {
    "combinations": {"left": 12, "left + right": 11, "none": 10},
    "covariates": describe(pd.DataFrame({"sex": ["f", "m"], "age": [30.0, 50.0]}), ["sex", "age"]),
}
SETTINGS = {
    "timesteps": 6, "beta_start": 0.2, "beta_end": 0.9,
    "unet": {"channels": 8, "multipliers": [1], "attention": []},
}  # fmt: skip
REQUEST = wanted({"classes": CLASSES} | FACTS, None, n=2, at_least=10).assign(
    sex=["f", "m", None] * 2, age=[30.0, 60.0, np.nan] * 2
)


def random(make: Callable[[], nn.Module]) -> dict[str, Any]:
    """Weights with which a network says something."""
    torch.manual_seed(0)
    network = make()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network.state_dict()


def model(settings: Diffusion, size: int, kind=ConditionalUNet, **inputs: Model) -> Model:
    people = width(FACTS["covariates"])
    state = random(lambda: build_unet(1, size, len(CLASSES), settings.unet, people, kind))
    return Model(state, model_card(settings, CLASSES, 1, SIZE) | FACTS, inputs)


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """A DDPM that a classifier guides, and a cascade."""
    known = {"image_size": SIZE, "image_channels": 1, "channels": 4, "features": 4}
    state = random(lambda: Classifier(SIZE, 1, len(CLASSES), 4, 4, noisy=True))
    guide = Model(state, known | {"classes": CLASSES, "noisy": True})
    low = model(DdpmTraining(**SETTINGS, image_size=LOW), LOW)
    return {
        "guided": model(DdpmTraining(**SETTINGS), SIZE, guide=guide),
        "cascade": model(CascadeTraining(**SETTINGS), SIZE, SuperResolutionUNet, low=low),
    }


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(
    ("name", "family", "scale"),
    [("guided", ddpm_sampling, {"guide_scale": 2}), ("cascade", cascade_sampling, {})],
)
def test_a_sampling_that_is_killed_goes_on_to_the_same_images(
    name, family, scale, sampler, models, tmp_path, monkeypatch
):
    settings = family.SETTINGS(sampler=sampler, steps=4, batch=BATCH, **scale)
    sides, last, ask = [], 0, ddpm_sampling.guided

    def guided(network, x, *others):
        sides.append(x.shape[-1])
        if len(sides) == last:
            raise KeyboardInterrupt
        return ask(network, x, *others)

    def drawn(folder: str, request: pd.DataFrame = REQUEST) -> np.ndarray:
        def make(start: int):
            return family.generate(models[name], request.iloc[start:], settings, Run(1, "cpu"))

        return np.concatenate(list(kept_batches(tmp_path / folder, len(request), make)))

    monkeypatch.setattr(ddpm_sampling, "guided", guided)
    whole = drawn("whole")
    # The last step of the second of three batches.
    last = len(sides) * 2 // 3
    sides.clear()
    with pytest.raises(KeyboardInterrupt):
        drawn("killed")
    assert sides[-1] == SIZE and (LOW in sides) == (name == "cascade")  # which was enlarging
    assert len(list((tmp_path / "killed").iterdir())) == 1
    np.testing.assert_array_equal(drawn("killed"), whole)
    for people in ({"sex": "f"}, {"age": 45.0}):
        assert (drawn(str(people), REQUEST.assign(**people)) != whole).any()
