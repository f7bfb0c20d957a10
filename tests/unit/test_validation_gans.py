"""The step of GANs is chosen by images that they were not trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from memory_images import Memory

from medsynth.metrics.images.kernel_distance import paired_values, squared_mmd
from medsynth.models.contract import LabelledImages, TwoDomains
from medsynth.models.cyclegan import training as cyclegan
from medsynth.models.cyclegan import validation as of_cyclegan
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.models.cyclegan.settings import CycleganTraining
from medsynth.models.progan import training as progan
from medsynth.models.progan.growth import Growth
from medsynth.models.progan.settings import ProganTraining
from medsynth.models.validation import standard_error
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import manifest
from medsynth.tasks.probe import kernel_probe
from medsynth.tasks.translation.data import validation_slices

torch.set_num_threads(1)
SIZE = 8
NO_PAIRS = np.empty((0, 2), np.int64)


def grey(n: int, seed: int) -> np.ndarray:
    """Dark and bright in turn, uint8 (n, SIZE, SIZE, 1)."""
    noise = numpy_rng(seed).integers(-20, 20, (n, SIZE, SIZE, 1))
    return (60 + 130 * (np.arange(n) % 2)[:, None, None, None] + noise).astype(np.uint8)


def test_the_values_of_pairs_have_the_statistics_mean_and_error():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 4)), rng.normal(0.5, 1, size=(9, 4))

    def k(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    def h(i, j):
        return k(x[i], x[j]) + k(y[i], y[j]) - k(x[i], y[j]) - k(x[j], y[i])

    others = [(i, j) for i in range(9) for j in range(9) if i != j]
    expected = np.mean([h(i, j) for i, j in others])
    assert paired_values(x, y).mean() == pytest.approx(expected, rel=1e-12)

    draws = rng.normal(size=(400, 2, 40, 3)) + np.array([0, 0.6])[:, None, None]
    found = [paired_values(*pair) for pair in draws]
    means = np.array([values.mean() for values in found])
    errors = [standard_error(values, np.arange(40)) for values in found]
    assert np.median(errors) == pytest.approx(means.std(), rel=0.25)
    assert means.mean() == pytest.approx(np.mean([squared_mmd(*p) for p in draws]), rel=0.05)


def test_the_probe_tells_other_images_from_the_same_without_training():
    compare = kernel_probe(grey(40, seed=1))
    real, noise = grey(20, seed=2), numpy_rng(4).integers(0, 256, (20, SIZE, SIZE, 1))
    same = compare(real, grey(20, seed=3))
    again = kernel_probe(grey(40, seed=1))(real, grey(20, seed=3))
    np.testing.assert_array_equal(same, again)
    dark = compare(real, grey(40, seed=3)[::2])
    assert same.mean() < 0.1 * dark.mean() < dark.mean() < compare(real, noise.astype("u1")).mean()


@pytest.mark.parametrize(
    ("lengths", "first"),
    [((500,) * 4, 1750), ((4, 4, 4), 10), ((4, 4, 32), 10), ((4, 2), 5), ((1, 1, 1, 2), 4)],
)
def test_candidates_are_grown(lengths: tuple[int, ...], first: int):
    growth = Growth(lengths)
    assert growth.grown == first
    assert growth.at(first) == (len(lengths) - 1, 1.0)
    assert growth.at(first - 1) != (len(lengths) - 1, 1.0)


def grown(work: Path, reads: float = np.inf):
    work.mkdir()
    labels, classes = np.arange(16) % 2, ["dark", "bright"]
    held_out = LabelledImages(Memory(grey(6, seed=2)), labels[:6], classes)
    images = Memory(grey(16, seed=1), reads)
    data = LabelledImages(images, labels, classes, validation=held_out, probe=kernel_probe)
    settings = ProganTraining(
        steps=12,
        batch=4,
        phase_images=[28],
        channels=8,
        latent=6,
        log_every=2,
        checkpoint_every=2,
        validate_every=1,
    )
    return lambda: progan.train(data, settings, TrainingRun(1, "cpu", work)), images


def test_the_step_of_a_progan_is_one_at_full_resolution(tmp_path: Path):
    trained = grown(tmp_path / "whole")[0]()
    points = pd.read_csv(trained.history).pivot(index="step", columns="name", values="value")
    kid, facts = points["validate_kid"].dropna(), trained.card["validation"]
    assert list(kid.index) == [10, 11, 12] and facts["looks"] == 3 and facts["figure"] == "kid"
    assert facts["value"] == pytest.approx(kid[facts["step"]], rel=1e-5)
    assert (facts["images"], facts["patients"]) == (6, 3)
    assert all(
        np.isfinite(points[f"critic_gap{of}"].dropna()).all() for of in ("", "_to_generated")
    )
    assert facts["baselines"]["training images"] < facts["baselines"]["noise"]

    train, images = grown(tmp_path / "killed", reads=3 + 10)  # before the loop, ten steps
    with pytest.raises(KeyboardInterrupt):
        train()
    saved = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)
    assert (saved["step"], saved["validation"]["looks"]) == (10, 1)
    images.reads = np.inf
    resumed = train()
    assert resumed.card == trained.card
    assert resumed.history.read_text() == trained.history.read_text()
    assert all(torch.equal(resumed.state[name], trained.state[name]) for name in trained.state)


def slices(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Without and with contrast medium, int16 HU (n, 16, 16, 1): a disc 200 HU brighter."""
    rng = numpy_rng(seed)
    y, x = np.mgrid[:16, :16]
    disc = (y - 8) ** 2 + (x - 8) ** 2 < 9
    a = rng.normal(0, 10, (n, 16, 16)) - 50
    return tuple(image[..., None].astype(np.int16) for image in (a, a + 200 * disc))


def domains(seed: int, n: int, pairs: np.ndarray) -> TwoDomains:
    return TwoDomains(*map(Memory, slices(n, seed)), pairs)


PAIRS = np.stack([np.arange(6)] * 2, axis=1)


@pytest.mark.parametrize("paired", [True, False])
def test_translations_are_judged_beside_doing_nothing(paired: bool):
    held_out = domains(2, 6, PAIRS if paired else NO_PAIRS)
    data = replace(domains(1, 12, NO_PAIRS), validation=held_out, probe=kernel_probe)
    nothing = torch.nn.Identity()
    judge = of_cyclegan.judge_of(
        data, nothing, nothing, hu_range=(-200, 400), batch=4, run=Run(1, "cpu")
    )
    figures = judge.look()
    assert figures.values.mean() == pytest.approx(judge.baselines["untranslated"], rel=1e-6)
    # Perfect in both losses, and no translation at all.
    assert figures.beside["validate_cycle"] == figures.beside["validate_identity"] == 0
    assert judge.baselines["cycle and identity, untranslated"] == 0
    if paired:
        a, b = slices(6, 2)
        truth = np.abs(a.astype(float) - b).mean((1, 2, 3))
        np.testing.assert_allclose(figures.values, truth, rtol=1e-5)
        assert judge.figure == "mae_hu" and "validate_kid" in figures.beside
        assert list(judge.patients) == ["p0", "p0", "p1", "p1", "p2", "p2"]
    else:
        assert judge.figure == "kid"
    kid = {name.removeprefix("KID, "): value for name, value in judge.baselines.items()}
    assert kid["training images"] < kid["noise"]
    if not paired:
        assert kid["training images"] < kid["untranslated"] < kid["noise"]


def test_the_kept_generators_are_those_of_the_chosen_step(tmp_path: Path):
    data = replace(domains(1, 12, PAIRS), validation=domains(2, 6, PAIRS), probe=kernel_probe)
    settings = CycleganTraining(
        steps=20, batch=2, channels=4, depth=1, lr=5e-3, hu_range=(-200, 400), pool=0
    )
    trained = cyclegan.train(data, settings, TrainingRun(1, "cpu", tmp_path))
    points = pd.read_csv(trained.history).pivot(index="step", columns="name", values="value")
    error, facts = points["validate_mae_hu"].dropna(), trained.card["validation"]
    assert list(error.index) == list(range(2, 21, 2))
    assert error[facts["step"]] == pytest.approx(facts["value"], rel=1e-5)
    networks = []
    for prefix in ("G.", "F."):
        network = ResidualUNet(1, 4, 1)
        own = {k[2:]: v for k, v in trained.state.items() if k.startswith(prefix)}
        network.load_state_dict(own)
        networks.append(network.eval())
    judge = of_cyclegan.judge_of(data, *networks, hu_range=(-200, 400), batch=2, run=Run(1, "cpu"))
    assert judge.look().values.mean() == pytest.approx(facts["value"], rel=1e-6)


def test_validation_slices_of_a_pair_stand_side_by_side():
    rows = manifest(
        [
            {"item_id": f"{label}{i}", "label": label, "patient": f"p{i % 4}", "status": "used"}
            for label, n in (("ct", 12), ("cect", 9))
            for i in range(n)
        ]
    )
    pairs = pd.DataFrame({"item_a": ["ct1", "ct6", "ct3"], "item_b": ["cect2", "cect8", "gone"]})
    a, b = validation_slices(rows, pairs, 5, 1, ("ct", "cect"))
    assert len(a) == len(b) == 5
    both = list(zip(a["item_id"], b["item_id"], strict=True))
    assert set(both[:2]) == {("ct1", "cect2"), ("ct6", "cect8")}
    assert a["item_id"].is_unique and b["item_id"].is_unique
    assert set(a["label"]) == {"ct"} and set(b["label"]) == {"cect"}
