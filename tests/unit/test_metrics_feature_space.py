from __future__ import annotations

import numpy as np
import pytest

from medsynth.metrics.images.feature_space import FeatureSpace


def correlated(n: int, d: int = 40, rank: int = 6, seed: int = 0) -> np.ndarray:
    """Statistics of very different sizes that differ in few directions, and a little in all."""
    rng, basis = np.random.default_rng(seed), np.random.default_rng(99)
    shape, sizes = basis.standard_normal((rank, d)), 10.0 ** basis.uniform(-3, 3, d)
    spread = rng.standard_normal((n, rank)) @ shape + 0.1 * rng.standard_normal((n, d))
    return spread * sizes + sizes


def test_features_of_training_images_have_mean_zero_and_unit_variance():
    statistics = correlated(300)
    features = FeatureSpace.fit(statistics)(statistics)
    assert features.shape == (300, 17) and features.dtype == np.float64
    np.testing.assert_allclose(features.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(features.std(0, ddof=1), 1, rtol=0.01)


def test_what_lies_outside_of_the_training_images_plane_is_far():
    """A move that no training image makes, in a direction that the components leave out."""
    statistics, held_out = correlated(300), correlated(100, seed=1)
    space = FeatureSpace.fit(statistics)
    outside = held_out + statistics.std(0) * np.random.default_rng(2).choice([-1, 1], 40)
    usual, found = space(held_out), space(outside)
    assert abs(usual[:, -1]).mean() < 2
    assert found[:, -1].min() > 10


@pytest.mark.parametrize(("n", "width"), [(300, 17), (60, 7), (25, 3), (5, 2)])
def test_few_training_images_carry_few_components(n: int, width: int):
    assert FeatureSpace.fit(correlated(n))(correlated(9)).shape == (9, width)


def test_no_component_is_what_rounding_left():
    """Of statistics that differ in two directions there are two components and the remainder."""
    statistics = np.random.default_rng(3).standard_normal((300, 2)) @ correlated(2, rank=2)
    space = FeatureSpace.fit(statistics)
    assert space(statistics).shape == (300, 3)
    assert abs(space(statistics + 1e-9 * statistics.std(0))).max() < 20


def test_a_remainder_is_told_by_its_ratio_to_the_usual_one():
    """Twice as far adds as much wherever it begins, and none at all is no minus infinity."""
    statistics = correlated(300)
    space = FeatureSpace.fit(statistics)
    away = space.spread * (np.eye(40)[0] - space.directions @ space.directions[0])
    near, far, farther = space(space.mean + np.array([[64], [128], [256]]) * away)[:, -1]
    assert far - near == pytest.approx(farther - far, rel=0.01)
    assert np.isfinite(space(space.mean[None])).all()


def test_statistics_that_do_not_vary_in_training_do_not_make_features_infinite():
    statistics = np.column_stack([correlated(100), np.full(100, 3.0)])
    features = FeatureSpace.fit(statistics)(statistics + 1e-9)
    assert np.isfinite(features).all() and abs(features).max() < 20
    alike = np.tile(statistics[:1], (50, 1))
    for same in (alike, np.zeros((50, 4)), np.arange(40.0)[:, None]):
        assert np.isfinite(FeatureSpace.fit(same)(same + 1)).all()
