"""Seeding, averages, tensors, logging and the training loop."""

import csv
import logging
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from medsynth.runtime.checkpoints import work_folder
from medsynth.runtime.ema import Ema
from medsynth.runtime.logs import configure_logging
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run_info import read_info
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.runtime.settings import Loop
from medsynth.runtime.tensors import hu_to_network, network_to_hu, to_network, to_uint8
from medsynth.store.atomic import sweep_folders


def test_every_item_is_seen_once_an_epoch():
    seen = np.concatenate([batch_positions(10, 4, seed=3, step=i) for i in range(5)])
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    assert list(seen[:10]) != list(seen[10:])


def test_randomness_depends_on_seed_purpose_and_step():
    def draw(*keys):
        return torch.rand(3, generator=generator(*keys)).tolist()

    assert draw(1, "noise", 5) == draw(1, "noise", 5)
    assert len({tuple(draw(*k)) for k in [(1, "a", 5), (2, "a", 5), (1, "b", 5), (1, "a", 6)]}) == 4


def test_nothing_to_train_on_is_an_error():
    with pytest.raises(ValueError, match="training split is empty"):
        batch_positions(0, 4, 1, 0)


def test_uint8_survives_the_way_through_the_network_scale():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    x = to_network(levels)
    assert x.shape == (1, 1, 16, 16) and x.min() == -1 and x.max() == 1
    np.testing.assert_array_equal(to_uint8(x), levels)


def test_hounsfield_units_survive_within_the_range_and_are_clamped_outside():
    hu = np.array([-1200, -1000, -37, 0, 55, 1000, 3000], np.int16).reshape(1, 7, 1, 1)
    x = hu_to_network(hu, (-1000, 1000))
    back = network_to_hu(x, (-1000, 1000)).ravel()
    np.testing.assert_allclose(back, np.clip(hu.ravel(), -1000, 1000), atol=1e-3)


def test_ema_follows_the_formula_in_float64():
    net = nn.Linear(3, 2)
    ema = Ema(net, decay=0.5)
    expected = net.weight.detach().double().numpy().copy()
    for n in range(1, 8):
        with torch.no_grad():
            net.weight.copy_(torch.rand(2, 3, generator=generator(0, n)))
        ema.update()
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * net.weight.detach().double().numpy()
    np.testing.assert_allclose(ema.module.weight.numpy(), expected, rtol=1e-5)


def _training(work, settings, stop_before=None):
    """A small training whose steps draw noise; returns its final weights."""
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)

    def step(i):
        if i == stop_before:
            raise KeyboardInterrupt
        x = torch.rand(8, 4, generator=generator(1, "x", i))
        loss = (net(x) - x.sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return {"loss": loss.item()}

    state = {"net": net, "optimizer": optimizer}
    history = run_steps(step, state=state, settings=settings, work=work)
    return net.weight.detach().clone(), history.read_text()


def test_checkpoints_that_cut_a_point_in_two_are_refused_with_what_fits():
    said = "checkpoint_every 10 must be a multiple of log_every, which is 20; set log_every: 10, or"
    with pytest.raises(ValueError, match=f"{said} checkpoint_every: 20"):
        Loop(checkpoint_every=10)


def test_a_killed_training_resumes_and_ends_as_if_never_killed(tmp_path):
    settings = Loop(steps=30, checkpoint_every=10, log_every=5)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    weights, history = _training(whole, settings)
    with pytest.raises(KeyboardInterrupt):
        _training(killed, settings, stop_before=18)
    resumed_weights, resumed_history = _training(killed, settings)
    assert torch.equal(weights, resumed_weights)
    assert history == resumed_history
    points = list(csv.DictReader(history.splitlines()))
    assert [int(p["step"]) for p in points] == [5, 10, 15, 20, 25, 30]
    assert float(points[-1]["value"]) < float(points[0]["value"])


def test_a_diverged_training_stops_with_advice(tmp_path):
    settings = Loop(steps=3)
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        run_steps(lambda i: {"loss": float("nan")}, state={}, settings=settings, work=tmp_path)


def test_other_settings_find_another_work_folder_and_success_removes_it(tmp_path):
    with pytest.raises(RuntimeError), work_folder(tmp_path, "x", {"lr": 1}) as first:
        raise RuntimeError
    assert first.exists()
    with work_folder(tmp_path, "x", {"lr": 2}) as other:
        assert other != first
    with work_folder(tmp_path, "x", {"lr": 1}) as again:
        assert again == first
    assert not first.exists() and not other.exists()


def test_a_kill_while_a_work_folder_goes_leaves_no_checkpoint_without_its_curves(
    tmp_path, monkeypatch
):
    settings = Loop(steps=10, checkpoint_every=10, log_every=5)

    def remove_the_curves_and_die(folder, **_):
        if folder.exists():
            (folder / "history.csv").unlink()
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", remove_the_curves_and_die)
        with pytest.raises(KeyboardInterrupt), work_folder(tmp_path, "x", 1) as work:
            _, whole = _training(work, settings)
    with work_folder(tmp_path, "x", 1) as work:
        assert _training(work, settings)[1] == whole
        sweep_folders(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_traceback_reaches_the_log_file(tmp_path):
    program = (
        "from medsynth.runtime.logs import configure_logging\n"
        f"with configure_logging({str(tmp_path / 'job.log')!r}):\n"
        "    raise ValueError('the slide is upside down')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True)
    text = (tmp_path / "job.log").read_text()
    assert result.returncode == 1
    assert "Traceback" in text and "the slide is upside down" in text


def test_an_error_that_the_user_can_mend_is_logged_without_a_traceback(tmp_path):
    program = (
        "from medsynth.runtime.logs import configure_logging\n"
        "from medsynth.store.errors import MedsynthError\n"
        f"with configure_logging({str(tmp_path / 'job.log')!r}, reads_patients=True):\n"
        "    raise MedsynthError('labels.csv: no column grade; add it')\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    text = (tmp_path / "job.log").read_text()
    assert result.returncode == 1
    assert "labels.csv: no column grade; add it" in text and "Traceback" not in text
    assert result.stderr == ""
    told = {"error": "labels.csv: no column grade; add it"}
    assert read_info([tmp_path / "job.log"]) == told


def test_messages_reach_the_log_file(tmp_path):
    with configure_logging(tmp_path / "job.log"):
        logging.getLogger("medsynth.x").info("12 slides")
    assert "12 slides" in (tmp_path / "job.log").read_text()
