from __future__ import annotations

import pytest
import torch

from medsynth.classify.network import Classifier


@pytest.mark.parametrize("size", [8, 12, 32, 33])
def test_shapes(size: int):
    network = Classifier(size, 3, 5, channels=4, features=10)
    x = torch.randn(2, 3, size, size)
    assert network.features(x).shape == (2, 10)
    assert network(x).shape == (2, 5)


def test_the_head_is_linear_in_the_features():
    network = Classifier(16, 1, 3, channels=4, features=10)
    x = torch.randn(2, 1, 16, 16)
    expected = network.features(x) @ network.head.weight.T + network.head.bias
    torch.testing.assert_close(network(x), expected)


def test_an_image_does_not_see_the_rest_of_its_batch():
    network = Classifier(16, 1, 3, channels=4, features=10)
    x = torch.randn(4, 1, 16, 16)
    torch.testing.assert_close(network(x)[:1], network(x[:1]), rtol=1e-5, atol=1e-6)
