from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.images.inception_score import inception_score


def test_equals_the_formula_written_out():
    p = np.random.default_rng(0).dirichlet([1.0, 0.5, 2.0], 30)
    marginal = p.mean(0)
    divergences = [sum(a * np.log(a / b) for a, b in zip(row, marginal, strict=True)) for row in p]
    assert inception_score(p) == pytest.approx(np.exp(np.mean(divergences)), rel=1e-12)


def test_is_the_number_of_classes_for_sure_and_even_answers():
    assert inception_score(np.tile(np.eye(4), (5, 1))) == pytest.approx(4, rel=1e-12)


def test_is_one_when_all_answers_are_alike():
    assert inception_score(np.tile([0.2, 0.5, 0.3], (7, 1))) == pytest.approx(1, rel=1e-12)
    assert inception_score(np.tile([0.0, 1.0], (7, 1))) == pytest.approx(1, rel=1e-12)
