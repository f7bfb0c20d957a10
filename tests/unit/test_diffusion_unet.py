"""The noise predictor: embeddings, shapes, zero start, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medsynth.models.ddpm.training_settings import UNet
from medsynth.models.ddpm.unet import SelfAttention, build_unet, timestep_embedding

SMALL = UNet(channels=8, multipliers=[1, 2], attention=[4])


def test_timestep_embedding_equals_the_formula():
    t, dim = np.array([1, 17, 1000]), 12
    frequencies = 10000.0 ** (-2 * np.arange(dim // 2) / dim)
    angles = t[:, None] * frequencies
    expected = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    np.testing.assert_allclose(timestep_embedding(torch.from_numpy(t), dim), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "size", "settings"),
    [
        (1, 8, SMALL),
        (3, 12, SMALL.model_copy(update={"attention": [6], "blocks": 2})),
        (1, 16, UNet(channels=24, multipliers=[1, 2, 3], attention=[16, 4], dropout=0.1)),
    ],
)
def test_output_is_zero_at_first_and_has_the_shape_of_the_image(channels, size, settings):
    model = build_unet(channels, size, 3, settings)
    x = torch.randn(2, channels, size, size)
    out = model(x, torch.tensor([1, 9]), torch.tensor([0, model.null_label]))
    assert torch.equal(out, torch.zeros_like(x))


def test_output_depends_on_time_and_label():
    torch.manual_seed(0)
    model = build_unet(1, 8, 3, SMALL).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    x = torch.randn(1, 1, 8, 8).expand(3, -1, -1, -1)
    first, later, other = model(x, torch.tensor([1, 9, 1]), torch.tensor([0, 0, 2]))
    assert not torch.allclose(first, later, atol=1e-3)
    assert not torch.allclose(first, other, atol=1e-3)


def test_every_weight_is_trained_after_the_zero_start():
    torch.manual_seed(0)
    model = build_unet(1, 8, 2, SMALL)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, t = torch.randn(6, 1, 8, 8), torch.arange(1, 7)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    for _ in range(4):  # the zeroed layers open one after another
        optimizer.zero_grad()
        (model(x, t, labels) - x).square().mean().backward()
        optimizer.step()
    silent = [name for name, p in model.named_parameters() if not p.grad.any()]
    assert silent == []


def test_attention_equals_softmax_over_all_pixels():
    torch.manual_seed(0)
    layer = SelfAttention(8).double()
    torch.nn.init.normal_(layer.out.weight)
    x = torch.randn(2, 8, 3, 3, dtype=torch.float64)
    q, k, v = layer.qkv(layer.norm(x)).flatten(2).chunk(3, dim=1)  # (N, C, HW)
    share = torch.softmax(torch.einsum("ncq,nck->nqk", q, k) / 8**0.5, dim=-1)
    h = torch.einsum("nqk,nck->ncq", share, v).view_as(x)
    torch.testing.assert_close(layer(x), x + layer.out(h), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("size", "settings", "message"),
    [
        (30, UNet(multipliers=[1, 2, 2], attention=[]), "multiple of 4"),
        (64, UNet(multipliers=[1, 2, 2], attention=[8]), r"\[64, 32, 16\]"),
    ],
)
def test_impossible_shapes_are_refused_with_advice(size, settings, message):
    with pytest.raises(ValueError, match=message):
        build_unet(1, size, 2, settings)
