from __future__ import annotations

import numpy as np
import pytest
import torch

from medsynth.models.classifier.network import Classifier


@pytest.mark.parametrize("size", [8, 12, 32, 33])
def test_shapes(size: int):
    network = Classifier(size, 3, 5, channels=4, features=10)
    x = torch.randn(2, 3, size, size)
    assert network(x).shape == (2, 5)
    statistics, logits, places = network.look(x)
    assert statistics.shape == (2, 4 * 3 + 2 * sum(network.widths))
    assert torch.isfinite(statistics).all()
    assert torch.equal(logits, network(x))
    assert places.shape[:2] == (2, 7) and 4 <= places.shape[2] <= 8


def test_the_map_knows_where_in_an_image_something_lies():
    network = Classifier(32, 1, 2, channels=4, features=10).eval()
    x = torch.zeros(1, 1, 32, 32)
    x[..., 4:8, 20:24] = 1
    *_, empty = network.look(torch.zeros_like(x))
    *_, seen = network.look(x)
    moved = (seen - empty).abs().sum(1)[0]
    assert divmod(int(moved.argmax()), 8) in [(1, 5), (1, 6), (2, 5), (2, 6)]


def test_image_and_every_layer_tell_mean_and_log_spread_of_their_channels():
    network = Classifier(16, 1, 3, channels=4, features=10)
    x = torch.randn(2, 1, 16, 16)
    first = network.body[0](x)
    statistics = network.look(x)[0].detach().numpy()

    def log_spread(values: torch.Tensor) -> np.ndarray:
        return np.log(values.detach().numpy().std((2, 3)) + 2 / 255 / 12**0.5)

    expected = [log_spread(x[:, :, 1:] - x[:, :, :-1]), log_spread(x[..., 1:] - x[..., :-1])]
    for layer in (x, first, network.body[1](first)):
        expected += [layer.detach().numpy().mean((2, 3)), log_spread(layer)]
    np.testing.assert_allclose(statistics, np.concatenate(expected, 1), rtol=1e-4, atol=1e-6)


def test_an_image_does_not_see_the_rest_of_its_batch():
    network = Classifier(16, 1, 3, channels=4, features=10)
    x = torch.randn(4, 1, 16, 16)
    torch.testing.assert_close(network(x)[:1], network(x[:1]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(network.look(x)[0][:1], network.look(x[:1])[0], rtol=1e-4, atol=1e-5)


def test_weights_of_a_test_are_the_same_whatever_ran_before():
    first = Classifier(8, 1, 2, channels=4, features=10).head.weight
    torch.manual_seed(0)
    assert torch.equal(first, Classifier(8, 1, 2, channels=4, features=10).head.weight)
