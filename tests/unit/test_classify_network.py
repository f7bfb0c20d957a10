from __future__ import annotations

import numpy as np
import pytest
import torch

from medsynth.classify.network import Classifier


@pytest.mark.parametrize("size", [8, 12, 32, 33])
def test_shapes(size: int):
    network = Classifier(size, 3, 5, channels=4, features=10)
    x = torch.randn(2, 3, size, size)
    assert network(x).shape == (2, 5)
    statistics, logits = network.look(x)
    assert statistics.shape == (2, 2 * sum(network.widths))
    assert torch.isfinite(statistics).all()
    assert torch.equal(logits, network(x))


def test_every_layer_tells_mean_and_log_spread_of_its_channels():
    network = Classifier(16, 1, 3, channels=4, features=10)
    x = torch.randn(2, 1, 16, 16)
    first, second = network.body[0](x), network.body[1](network.body[0](x))
    statistics, _ = network.look(x)
    expected = []
    for layer in (first, second):
        values = layer.detach().numpy()
        expected += [values.mean((2, 3)), np.log(values.std((2, 3)) + 2 / 255 / 12**0.5)]
    np.testing.assert_allclose(statistics.detach(), np.concatenate(expected, 1), rtol=1e-4)


def test_an_image_does_not_see_the_rest_of_its_batch():
    network = Classifier(16, 1, 3, channels=4, features=10)
    x = torch.randn(4, 1, 16, 16)
    torch.testing.assert_close(network(x)[:1], network(x[:1]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(network.look(x)[0][:1], network.look(x[:1])[0], rtol=1e-4, atol=1e-5)
