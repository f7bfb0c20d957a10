"""Schedule, forward process and objective against float64 formulas of the papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from medsynth.models.ddpm.process import ddpm_loss, drop_labels, q_sample
from medsynth.models.ddpm.schedule import linear_schedule, p2_weights

T = 1000
BETAS = np.concatenate([[0.0], np.linspace(1e-4, 0.02, T)])
ALPHAS_BAR = np.cumprod(1 - BETAS)


@pytest.fixture(scope="module")
def schedule():
    return linear_schedule(T, 1e-4, 0.02)


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class _Remembers(nn.Module):
    """Predicts a tenth of its input and keeps what it was asked."""

    null_label = 3

    def forward(self, x, t, labels):
        self.x, self.t, self.labels = x, t, labels
        return 0.1 * x


def test_tables_equal_the_formula(schedule):
    assert schedule.timesteps == T
    np.testing.assert_allclose(schedule.betas.numpy(), BETAS, rtol=1e-13)
    np.testing.assert_allclose(schedule.alphas_bar.numpy(), ALPHAS_BAR, rtol=1e-12)


@pytest.mark.parametrize(("start", "end"), [(0.02, 1e-4), (0.0, 0.02), (1e-4, 1.0)])
def test_impossible_variances_are_refused(start, end):
    with pytest.raises(ValueError, match="beta_start"):
        linear_schedule(10, start, end)


def test_q_sample_equals_eq_4(schedule):
    x0, noise = torch.randn(4, 2, 8, 8, generator=_generator()).split(2, dim=0)
    t = torch.tensor([1, 700])
    expected = (
        np.sqrt(ALPHAS_BAR[t]).reshape(-1, 1, 1, 1) * x0.double().numpy()
        + np.sqrt(1 - ALPHAS_BAR[t]).reshape(-1, 1, 1, 1) * noise.double().numpy()
    )
    np.testing.assert_allclose(q_sample(x0, t, noise, schedule), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("t", [1, 250, 1000])
def test_q_sample_has_the_moments_of_eq_4(schedule, t):
    n = 200_000
    noise = torch.randn(1, 1, 1, n, generator=_generator(t), dtype=torch.float64)
    xt = q_sample(torch.full_like(noise, 0.7), torch.tensor([t]), noise, schedule)
    variance = 1 - ALPHAS_BAR[t]
    assert xt.mean() == pytest.approx(0.7 * ALPHAS_BAR[t] ** 0.5, abs=5 * (variance / n) ** 0.5)
    assert xt.var() == pytest.approx(variance, rel=5 * (2 / n) ** 0.5)


def test_single_steps_compose_to_q_sample(schedule):
    """q(x_t | x_(t-1)) of eq. 2, iterated, has the marginal's mean and variance."""
    one, zero = torch.ones(1, 1, 1, 1, dtype=torch.float64), torch.zeros(1, 1, 1, 1).double()
    factor, variance = 1.0, 0.0
    for t in range(1, T + 1):
        factor *= np.sqrt(1 - BETAS[t])
        variance = (1 - BETAS[t]) * variance + BETAS[t]
        step = torch.tensor([t])
        assert q_sample(one, step, zero, schedule).item() == pytest.approx(factor, rel=1e-10)
        assert q_sample(zero, step, one, schedule).item() ** 2 == pytest.approx(variance, rel=1e-10)


def test_p2_without_gamma_is_the_plain_loss(schedule):
    weights = p2_weights(schedule, 0.0, 1.0)
    assert torch.equal(weights, torch.ones(T + 1, dtype=torch.float64))

    x0, labels = torch.randn(8, 1, 4, 4, generator=_generator()), torch.zeros(8, dtype=torch.long)
    model = _Remembers()
    rest = {"label_drop": 0.1, "generator": _generator(1), "predicts": "noise"}
    loss = ddpm_loss(model, x0, labels, schedule, weights, **rest)
    signal = schedule.alphas_bar[model.t].view(-1, 1, 1, 1)
    noise = (model.x.double() - signal.sqrt() * x0) / (1 - signal).sqrt()  # eq. 4 solved for it
    assert loss.item() == pytest.approx((noise - 0.1 * model.x).square().mean().item(), rel=1e-4)
    assert 1 <= model.t.min() and model.t.max() <= T


@pytest.mark.parametrize("gamma", [0.5, 1.0])
def test_p2_weights_equal_the_formula(schedule, gamma):
    k = 2.0
    snr = ALPHAS_BAR[1:] / (1 - ALPHAS_BAR[1:])
    expected = 1 / (k + snr) ** gamma
    np.testing.assert_allclose(p2_weights(schedule, gamma, k)[1:], expected, rtol=1e-9)


def test_p2_weights_scale_each_image_of_the_loss(schedule):
    x0, labels = torch.randn(1, 1, 4, 4, generator=_generator()), torch.zeros(1, dtype=torch.long)
    model, weights = _Remembers(), p2_weights(schedule, 1.0, 1.0)
    plain, weighted = (
        ddpm_loss(
            model, x0, labels, schedule, w, label_drop=0, generator=_generator(2), predicts="noise"
        )
        for w in (torch.ones_like(weights), weights)
    )
    assert weighted.item() == pytest.approx(plain.item() * weights[model.t].item(), rel=1e-6)


def test_timesteps_are_uniform_over_1_to_T():
    few = linear_schedule(4, 0.01, 0.1)
    model, n = _Remembers(), 8000
    ddpm_loss(
        model,
        torch.zeros(n, 1, 1, 1),
        torch.zeros(n, dtype=torch.long),
        few,
        torch.ones(5),
        label_drop=0,
        generator=_generator(),
        predicts="noise",
    )
    counts = np.bincount(model.t, minlength=5)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:] / n, 0.25, atol=5 * (0.25 * 0.75 / n) ** 0.5)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_labels_are_dropped_in_the_asked_share(share):
    n = 20_000
    labels = torch.arange(n) % 3
    dropped = drop_labels(labels, share, 3, _generator())
    kept = dropped != 3
    assert torch.equal(dropped[kept], labels[kept])
    observed = 1 - kept.float().mean().item()
    assert observed == pytest.approx(share, abs=5 * (share * (1 - share) / n) ** 0.5)
