from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.images.draws import balanced, counts_at_mix, drawn, round_robin


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_patient_has_a_turn_before_anybody_has_a_second():
    patients = np.repeat(["a", "b", "c"], [5, 1, 3])
    order = patients[round_robin(patients, rng())].tolist()
    assert sorted(order[:3]) == ["a", "b", "c"]
    assert sorted(order[3:5]) == sorted(order[5:7]) == ["a", "c"]
    assert order[7:] == ["a", "a"]


@pytest.mark.parametrize(
    ("images", "kept"),
    [
        ([48] * 6, [48] * 6),
        ([1, 2, 1, 2], [1, 2, 1, 2]),
        ([1000] + [1] * 9, [2] + [1] * 9),
        ([48] + [10] * 5, [25] + [10] * 5),  # 25 of 75 among six
        ([300], [300]),
        ([300, 1], [300, 1]),  # of two, one always has less than twice the half
    ],
)
def test_no_patient_has_more_than_twice_an_equal_share(images: list[int], kept: list[int]):
    patients = np.repeat(np.arange(len(images)), images)
    chosen = balanced(patients, 10_000, rng())
    assert len(set(chosen)) == len(chosen)
    assert np.bincount(patients[chosen]).tolist() == kept


def test_fewer_images_are_taken_from_patients_in_turn():
    patients = np.repeat(np.arange(5), 20)
    assert np.bincount(patients[balanced(patients, 10, rng())]).tolist() == [2] * 5
    assert len(balanced(np.array([]), 10, rng())) == 0


@pytest.mark.parametrize(
    ("mix", "available", "counts"),
    [
        ([11, 9, 11], [[64, 64, 64]], [11, 9, 11]),
        ([70, 30], [[35, 35]], [35, 15]),
        ([70, 30], [[64, 64], [200, 3]], [8, 3]),
        ([5, 0], [[8, 8]], [5, 0]),  # a class that held-out patients lack is not compared
        ([5, 0], [[8, 0]], [5, 0]),
        ([95, 5], [[64, 0]], [0, 0]),
        ([0, 0], [[8, 8]], [0, 0]),
    ],
)
def test_a_mix_is_kept_and_as_many_taken_as_all_sides_have(mix, available, counts):
    found = counts_at_mix(np.array(mix), [np.array(side) for side in available])
    assert found.tolist() == counts


def test_draws_the_mix_from_the_patients_of_each_class_in_turn():
    labels = np.array([0] * 30 + [1] * 30)
    patients = np.concatenate([np.repeat([1, 2, 3], [26, 2, 2]), np.repeat([4, 5], [15, 15])])
    chosen = drawn(labels, patients, np.array([6, 4]), rng())
    assert np.bincount(labels[chosen]).tolist() == [6, 4]
    assert np.bincount(patients[chosen])[1:].tolist() == [2, 2, 2, 2, 2]
    assert chosen.tolist() == drawn(labels, patients, np.array([6, 4]), rng()).tolist()
    assert chosen.tolist() != drawn(labels, patients, np.array([6, 4]), rng(1)).tolist()
