from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.images.label_agreement import label_agreement

CLASSES = ["ap", "pa"]


def test_counts_each_class_against_its_own_chance():
    """10 asked for ap: 8 called ap. 10 asked for pa: 5 called pa."""
    called = [0] * 8 + [1] * 2 + [0] * 5 + [1] * 5
    overall, per_class = label_agreement(np.array(called), np.repeat([0, 1], 10), CLASSES)
    assert overall["value"] == 13 / 20
    assert overall["chance"] == pytest.approx(0.5)
    assert per_class["ap"]["value"] == 0.8
    assert per_class["ap"]["chance"] == 13 / 20
    assert per_class["pa"]["value"] == 0.5
    assert per_class["pa"]["chance"] == 7 / 20
    assert "not above chance" in overall["reason"]


def test_of_a_constant_answer_is_chance():
    overall, per_class = label_agreement(np.zeros(40, int), np.arange(40) % 2, CLASSES)
    assert overall["value"] == overall["chance"] == 0.5
    assert per_class["ap"]["value"] == per_class["ap"]["chance"] == 1
    assert "not above chance" in per_class["ap"]["reason"]


def test_clear_agreement_has_no_doubt():
    overall, _ = label_agreement(np.arange(40) % 2, np.arange(40) % 2, CLASSES)
    assert overall["value"] == 1
    assert overall["interval"][0] > 0.9
    assert overall["reason"] is None


@pytest.mark.parametrize("n", [0, 1, 2])
def test_of_hardly_an_image_is_null_with_a_reason(n: int):
    overall, _ = label_agreement(np.zeros(n, int), np.zeros(n, int), CLASSES)
    assert overall["value"] is None
    assert overall["reason"] == f"asked for {n} image{'s' * (n != 1)}, at least 5 are needed"
