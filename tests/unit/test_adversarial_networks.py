"""The CycleGAN's parts: generator, discriminators, losses, pool."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from medsynth.models.cyclegan.discriminators import PatchDiscriminator, halvings
from medsynth.models.cyclegan.generators import ResidualUNet
from medsynth.models.cyclegan.image_pool import ImagePool
from medsynth.models.cyclegan.losses import least_squares_discriminator, least_squares_generator
from medsynth.models.progan.losses import gradient_penalty, wasserstein_critic
from medsynth.runtime.seeding import generator, numpy_rng


def images(n: int, size: int = 16, channels: int = 1) -> torch.Tensor:
    return torch.randn(n, channels, size, size, generator=generator(0, "images", n))


def test_generator_starts_as_the_identity_and_every_weight_learns():
    network = ResidualUNet(1, channels=6, depth=2).initialise(generator(1))
    x = images(2)
    assert torch.equal(network(x), x)
    torch.nn.init.ones_(network.last.weight)
    (network(x) * images(2)).sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def test_generator_names_the_depth_when_images_are_too_small():
    with pytest.raises(ValueError, match="12 pixels cannot be halved 3 times; lower it"):
        ResidualUNet(1, channels=4, depth=3)(images(1, 12))


def receptive_field(network: torch.nn.Module, size: int) -> int:
    """Width of the pixels that the central score depends on."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.ones_(layer.weight)
    plain = torch.nn.Sequential(*[x for x in network.layers if isinstance(x, torch.nn.Conv2d)])
    x = torch.zeros(1, 1, size, size, requires_grad=True)
    scores = plain(x)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    return int((x.grad[0, 0].sum(0) > 0).sum())


@pytest.mark.parametrize("size, field", [(32, 16), (64, 16), (128, 34), (256, 70), (512, 70)])
def test_discriminator_sees_published_patches(size: int, field: int):
    assert receptive_field(PatchDiscriminator(1, 4, size), size) == field


def test_discriminator_scores_patches_of_the_smallest_images():
    assert halvings(8) == 1
    assert PatchDiscriminator(2, 4, 8)(images(3, 8, 2)).shape == (3, 1, 2, 2)


def test_least_squares_losses_follow_their_formula():
    rng = numpy_rng(1)
    real, fake = rng.normal(size=(2, 3, 1, 5, 5))
    generated = least_squares_generator(torch.from_numpy(fake))
    judged = least_squares_discriminator(torch.from_numpy(real), torch.from_numpy(fake))
    assert generated.item() == pytest.approx(np.mean((fake - 1) ** 2), rel=1e-12)
    expected = 0.5 * np.mean((real - 1) ** 2) + 0.5 * np.mean(fake**2)
    assert judged.item() == pytest.approx(expected, rel=1e-12)


def test_wasserstein_loss_has_the_published_drift():
    real, fake = numpy_rng(2).normal(size=(2, 7))
    expected = fake.mean() - real.mean() + 0.001 * np.mean(real**2)
    loss = wasserstein_critic(torch.from_numpy(real), torch.from_numpy(fake))
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_gradient_penalty_of_a_linear_critic():
    w = torch.randn(3 * 8 * 8, dtype=torch.float64, generator=generator(3)).requires_grad_(True)
    real, fake = images(2, 8, 3).double(), images(2, 8, 3).double() + 1
    share = torch.full((2, 1, 1, 1), 0.3, dtype=torch.float64)
    penalty = gradient_penalty(lambda x: x.flatten(1) @ w, real, fake, share)
    norm = w.detach().norm()
    assert penalty.item() == pytest.approx((norm.item() - 1) ** 2, rel=1e-12)
    penalty.backward()
    torch.testing.assert_close(w.grad, 2 * (norm - 1) * w.detach() / norm)


def test_gradient_penalty_is_taken_between_real_and_fake():
    real, fake = torch.zeros(2, 1, 1, 1), torch.full((2, 1, 1, 1), 4.0)
    share = torch.tensor([0.25, 0.75]).view(2, 1, 1, 1)
    penalty = gradient_penalty(lambda x: x.flatten(1).square().sum(1), real, fake, share)
    # The slope of x^2 is 2x at x = 1 and x = 3.
    assert penalty.item() == pytest.approx(((2 - 1) ** 2 + (6 - 1) ** 2) / 2)


def test_pool_stays_full_and_returns_old_images_half_of_the_time():
    pool, old, total = ImagePool(50), 0, 0
    for i in range(600):
        batch = torch.full((4, 1, 1, 1), float(i))
        out = pool.exchange(batch, generator(5, i))
        assert out.shape == batch.shape
        assert len(pool) == min(4 * (i + 1), 50)
        if 4 * i >= 50:
            old, total = old + int((out < i).sum()), total + 4
    # An image of the same batch can come back too: 0.5 * (1 - about 1.5 / 50); 5 sigma is 0.05.
    assert abs(old / total - 0.485) < 0.05


def test_empty_pool_hands_images_through():
    batch = images(3).requires_grad_(True)
    out = ImagePool(0).exchange(batch, generator(1))
    assert torch.equal(out, batch) and not out.requires_grad


def test_restored_pool_goes_on_as_the_original():
    pool, copy = ImagePool(5), ImagePool(5)
    for i in range(4):
        pool.exchange(images(2) + i, generator(1, i))
    copy.load_state_dict(pool.state_dict())
    for i in range(4, 12):
        batch = images(2) + i
        expected = pool.exchange(batch, generator(1, i))
        assert torch.equal(copy.exchange(batch, generator(1, i)), expected)
