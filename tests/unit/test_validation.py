"""The step that is kept: chosen by validation images, whatever kills the training."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from medsynth.models.validation import Diverged, Figures, Judge, Validation, standard_error
from medsynth.runtime.loop import run_steps
from medsynth.runtime.settings import Loop

PATIENTS = np.array(["a", "b", "c", "d"])


def chosen(*looks: list[float], patients=PATIENTS) -> tuple[Validation, list[float]]:
    """After these figures of the images, look by look; a step is its number, and the weight."""
    net = nn.Linear(1, 1, bias=False)
    remaining = iter(looks)

    def look() -> Figures:
        return Figures(np.array(next(remaining), float), {"train_x": 0.5})

    validation = Validation(net, Judge("x", look, np.array(patients), {"guessing": 9.0}))
    curve = []
    for step in range(1, len(looks) + 1):
        nn.init.constant_(net.weight, step)
        curve.append(validation.look(step)["validate_x"])
    return validation, curve


def test_the_standard_error_is_that_of_patients():
    rng = np.random.default_rng(1)
    values, n = rng.normal(size=40), 40
    of_images = values.std(ddof=1) / math.sqrt(n)
    assert standard_error(values, np.arange(n)) == pytest.approx(of_images, rel=1e-12)
    # Copies of an image tell nothing new.
    copies, patients = np.repeat(values, 5), np.repeat(np.arange(n), 5)
    assert standard_error(copies, patients) == pytest.approx(of_images, rel=1e-12)
    assert math.isnan(standard_error(values, np.zeros(n)))


def test_the_lowest_is_kept_and_a_later_one_that_ties_with_it():
    rising = chosen([4, 5, 6, 7], [1, 2, 3, 4], [2, 3, 4, 5.1])
    facts = rising[0].facts(3)
    assert rising[1] == [5.5, 2.5, 3.525] and facts["step"] == 2
    assert rising[0].weights["weight"].item() == 2
    assert (facts["value"], facts["lowest"], facts["looks"]) == (2.5, {"step": 2, "value": 2.5}, 3)
    assert facts["standard_error"] == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)
    assert (facts["beside"], facts["baselines"]) == ({"train_x": 0.5}, {"guessing": 9.0})

    # The values spread by 1, but the differences of the third look do not: it is worse for sure.
    tied = chosen([1, 2, 3, 4], [3, 1, 5, 2], [1.1, 2.1, 3.1, 4.2])[0].facts(3)
    assert (tied["step"], tied["lowest"]["step"]) == (2, 1)


def test_of_one_patient_the_lowest_is_kept_however_many_images():
    facts = chosen([5, 6, 7, 8], [1, 2, 3, 4], [1, 2, 3, 4.1], patients=["a"] * 4)[0].facts(3)
    assert (facts["step"], facts["value"], facts["standard_error"]) == (2, 2.5, None)


def test_a_training_without_a_finite_figure_keeps_nothing():
    nan = [math.nan] * 4
    assert chosen(nan, [1, 2, 3, 4], nan)[0].facts(3)["step"] == 2
    with pytest.raises(Diverged, match="has diverged.*lower train.lr"):
        chosen(nan, nan)[0].facts(2)


def test_without_validation_images_the_last_step_is_kept():
    validation = Validation(nn.Linear(1, 1), None)
    assert validation.look(7) == {}
    facts = validation.facts(7)
    assert facts == {"step": 7, "of": 7, "reason": facts["reason"]}
    assert "too few validation images" in facts["reason"]
    assert set(validation.weights) == {"weight", "bias"}


@pytest.mark.parametrize(
    ("settings", "first", "looks"),
    [
        ({"steps": 30}, 0, [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]),
        ({"steps": 31}, 0, [4, 8, 12, 16, 20, 24, 28, 31]),
        ({"steps": 10, "validate_every": 4}, 0, [4, 8, 10]),
        ({"steps": 10, "validate_every": 99}, 0, [10]),
        ({"steps": 30}, 20, list(range(21, 31))),
    ],
)
def test_looks_are_spread_over_the_candidates_and_the_last_step_is_one(settings, first, looks):
    loop = Loop(**settings)
    assert [i for i in range(1, loop.steps + 1) if loop.validates(i, first)] == looks


def _train(work, stop_before=None):
    """A weight that walks through 0, whose square is the figure, and steps on to 3."""
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, -1.0)

    def step(i):
        if i == stop_before:
            raise KeyboardInterrupt
        with torch.no_grad():
            net.weight += 0.1
        return {"loss": net.weight.item()}

    def look():
        return Figures(net.weight.item() ** 2 + np.arange(4) / 10, {})

    validation = Validation(net, Judge("loss", look, PATIENTS, {}))
    loop = Loop(steps=40, checkpoint_every=8, log_every=4, validate_every=5)
    history = run_steps(step, state={"net": net}, settings=loop, work=work, validation=validation)
    return validation, history.read_text()


@pytest.mark.parametrize("stop_before", [7, 13, 16, 39])
def test_a_killed_training_keeps_the_same_step(tmp_path, stop_before):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    expected, history = _train(whole)
    assert expected.facts(40)["step"] == 10 and abs(expected.weights["weight"].item()) < 1e-6
    with pytest.raises(KeyboardInterrupt):
        _train(killed, stop_before)
    resumed, resumed_history = _train(killed)
    assert resumed.facts(40) == expected.facts(40) and resumed_history == history
    assert torch.equal(resumed.weights["weight"], expected.weights["weight"])
    points = pd.read_csv(whole / "history.csv")
    looks = points[points["name"] == "validate_loss"]["step"].to_list()
    assert looks == [5, 10, 15, 20, 25, 30, 35, 40]


def test_a_figure_that_is_no_number_stops_the_training(tmp_path):
    net = nn.Linear(1, 1)
    judge = Judge("loss", lambda: Figures(np.full(4, np.nan), {}), PATIENTS, {})
    validation = Validation(net, judge)
    with pytest.raises(FloatingPointError, match="validate_loss became nan at step 1"):
        run_steps(
            lambda i: {}, state={}, settings=Loop(steps=1), work=tmp_path, validation=validation
        )
