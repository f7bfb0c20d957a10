from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics import neighbours
from medsynth.metrics.neighbours import within_manifold


def brute_force(points: np.ndarray, reference: np.ndarray, k: int) -> list[bool]:
    """Kynkäänniemi et al. 2019, Eq. 1, one pair at a time."""
    radii = []
    for i, a in enumerate(reference):
        others = [np.linalg.norm(a - b) for j, b in enumerate(reference) if j != i]
        radii.append(sorted(others)[k - 1])
    return [
        any(np.linalg.norm(p - a) <= r for a, r in zip(reference, radii, strict=True))
        for p in points
    ]


@pytest.mark.parametrize("at_once", [2**23, 210], ids=["one block", "several blocks"])
def test_equals_brute_force(monkeypatch: pytest.MonkeyPatch, at_once: int):
    monkeypatch.setattr(neighbours, "_AT_ONCE", at_once)
    rng = np.random.default_rng(0)
    points, reference = rng.standard_normal((40, 3)) * 1.5, rng.standard_normal((30, 3))
    expected = brute_force(points, reference, 3)
    assert 0 < sum(expected) < len(expected)
    assert within_manifold(points, reference).tolist() == expected


def test_a_hand_built_line():
    """Items 0, 1, 3, 7 with k = 1 reach 1, 1, 2 and 4."""
    reference = np.array([[0.0], [1.0], [3.0], [7.0]])
    points = np.array([[-1.0], [-1.5], [4.9], [11.0], [11.5]])
    assert within_manifold(points, reference, k=1).tolist() == [True, False, True, True, False]


def test_mode_collapse_is_precise_without_recall():
    rng = np.random.default_rng(1)
    real = np.concatenate([rng.standard_normal((20, 2)), rng.standard_normal((20, 2)) + 50])
    generated = real[:20] + 1e-3
    assert within_manifold(generated, real).mean() == 1
    assert within_manifold(real, generated).mean() == 0.5


def test_refuses_too_few_items():
    with pytest.raises(ValueError, match="more than 3 items, there are 3"):
        within_manifold(np.zeros((5, 2)), np.zeros((3, 2)))
