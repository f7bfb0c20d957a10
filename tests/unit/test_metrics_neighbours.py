from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.images import neighbours
from medsynth.metrics.images.neighbours import coverage, density, precision, recall


class BruteForce:
    """The definitions, one pair at a time: Kynkäänniemi et al. 2019 and Naeem et al. 2020."""

    def __init__(self, real: np.ndarray, generated: np.ndarray):
        self.real, self.generated = real, generated

    @staticmethod
    def within(item: np.ndarray, centre: int, items: np.ndarray, k: int) -> bool:
        """Whether `item` lies in the ball of items[centre], which reaches its k-th other one."""
        others = [np.linalg.norm(items[centre] - b) for j, b in enumerate(items) if j != centre]
        return np.linalg.norm(item - items[centre]) <= sorted(others)[k - 1]

    def precision(self, k: int) -> list[float]:
        balls = range(len(self.real))
        return [any(self.within(g, i, self.real, k) for i in balls) for g in self.generated]

    def recall(self, k: int) -> list[float]:
        balls = range(len(self.generated))
        return [any(self.within(r, i, self.generated, k) for i in balls) for r in self.real]

    def density(self, k: int) -> list[float]:
        balls = range(len(self.real))
        return [sum(self.within(g, i, self.real, k) for i in balls) / k for g in self.generated]

    def coverage(self, k: int) -> list[float]:
        balls = range(len(self.real))
        return [any(self.within(g, i, self.real, k) for g in self.generated) for i in balls]


@pytest.mark.parametrize("at_once", [2**23, 210], ids=["one block", "several blocks"])
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("figure", [precision, recall, density, coverage])
def test_equals_brute_force(monkeypatch: pytest.MonkeyPatch, figure, k: int, at_once: int):
    monkeypatch.setattr(neighbours, "_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    real, generated = rng.standard_normal((24, 3)), rng.standard_normal((30, 3)) * 0.9 + 1
    expected = getattr(BruteForce(real, generated), figure.__name__)(k)
    assert 0 < np.mean(expected) and len(set(expected)) > 1
    assert figure(real, generated, k).tolist() == expected


@pytest.mark.parametrize("figure", [precision, recall])
def test_precision_and_recall_look_at_three_neighbours_density_and_coverage_at_five(figure):
    rng = np.random.default_rng(0)
    real, generated = rng.standard_normal((24, 3)), rng.standard_normal((30, 3)) * 0.9 + 1
    assert figure(real, generated).tolist() == figure(real, generated, 3).tolist()
    for other in (density, coverage):
        assert other(real, generated).tolist() == other(real, generated, 5).tolist()


def test_distances_are_taken_in_double_precision():
    """In single precision all would lie on one point."""
    near = np.linspace(0, 1, 12)[:, None] ** 2 * 1e-3
    far = near.astype(np.float32) + np.float64(1e5)
    expected = density(near, near + 1e-4).tolist()
    assert density(near + 1e5, near + 1e5 + 1e-4).tolist() == expected
    assert precision(far, far + 1).sum() == 0


def test_a_hand_built_line():
    """Items 0, 1, 3, 7 with k = 1 reach 1, 1, 2 and 4."""
    real = np.array([[0.0], [1.0], [3.0], [7.0]])
    generated = np.array([[-1.0], [-1.5], [4.9], [11.0], [11.5]])
    assert precision(real, generated, k=1).tolist() == [True, False, True, True, False]
    assert density(real, generated, k=1).tolist() == [1, 0, 2, 1, 0]
    assert coverage(real, generated, k=1).tolist() == [True, False, True, True]


def test_mode_collapse_is_precise_and_dense_without_recall_and_coverage():
    rng = np.random.default_rng(1)
    real = np.concatenate([rng.standard_normal((20, 2)), rng.standard_normal((20, 2)) + 50])
    generated = real[:20] + 1e-3
    assert precision(real, generated).mean() == 1
    assert density(real, generated).mean() > 0.8
    assert recall(real, generated).mean() == coverage(real, generated).mean() == 0.5


def test_one_image_repeated_covers_next_to_nothing():
    real = np.random.default_rng(2).standard_normal((60, 4))
    generated = np.repeat(real[:1] + 1e-3, 60, axis=0)
    assert precision(real, generated).all()
    assert recall(real, generated).sum() == 0
    assert coverage(real, generated).mean() < 0.3


def test_an_outlier_among_the_real_images_is_forgiven_less_by_density():
    rng = np.random.default_rng(3)
    real = np.concatenate([rng.standard_normal((50, 2)), [[40.0, 0.0]]])
    generated = rng.standard_normal((50, 2)) + [20, 0]
    assert precision(real, generated).mean() == 1
    assert density(real, generated).mean() == pytest.approx(1 / 5)


@pytest.mark.parametrize("figure", [precision, density])
def test_refuses_too_few_items(figure):
    with pytest.raises(ValueError, match="more than 3 items, there are 3"):
        figure(np.zeros((3, 2)), np.zeros((5, 2)), 3)
