"""The radial power spectrum, against Parseval, white noise, sinusoids and a plain DFT."""

from __future__ import annotations

import numpy as np
import pytest

from medsynth.imaging.spectrum import filtered, frequencies, modes, radial_power, rings


def white(n: int, side: int, channels: int = 1, sigma: float = 0.5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.2, sigma, (n, side, side, channels))


def pink(n: int, side: int, exponent: float, seed: int = 0) -> np.ndarray:
    """Images (n, side, side, 1) of power f^-exponent, cut out of larger ones, so not periodic."""
    rng, large = np.random.default_rng(seed), 4 * side
    f = np.hypot(np.fft.fftfreq(large), np.fft.fftfreq(large)[:, None])
    amplitude = np.where(f > 0, np.maximum(f, 1e-9) ** (-exponent / 2), 0)
    noise = np.fft.fft2(rng.normal(size=(n, large, large)))
    return np.fft.ifft2(noise * amplitude).real[:, :side, :side, None]


@pytest.mark.parametrize("side", [8, 15, 32])
@pytest.mark.parametrize("channels", [1, 3])
def test_power_adds_up_to_the_variance_of_the_pixels(side: int, channels: int):
    images = white(4, side, channels) * np.linspace(0.3, 2, channels)
    total = (radial_power(images) * modes(side)).sum(1) / side**2
    np.testing.assert_allclose(total, images.var((1, 2)).mean(1), rtol=1e-12)


def test_white_noise_is_flat_at_its_variance():
    power = radial_power(white(400, 32)).mean(0)
    sure = 0.25 * np.sqrt(2 / (400 * modes(32)))  # standard error of a mean of squares
    assert (np.abs(power - 0.25) < 4 * sure).all()


@pytest.mark.parametrize("cycles", [(3, 0), (0, 5), (6, 8), (11, 2)])
def test_a_sinusoid_lands_at_its_frequency(cycles: tuple[int, int]):
    side = 32
    y, x = np.mgrid[:side, :side] + 0.5
    wave = np.cos(2 * np.pi * cycles[0] * y / side) * np.cos(2 * np.pi * cycles[1] * x / side)
    power = radial_power(wave[None, ..., None])[0] * modes(side)
    assert frequencies(side)[power.argmax()] == pytest.approx(np.hypot(*cycles) / side, abs=0.008)
    assert power.max() / power.sum() > 1 - 1e-12
    # Of the worst phase 82 % does; the rest is where mirroring bends the wave at the borders.
    shifted = radial_power(np.sin(2 * np.pi * 5 * x / side)[None, ..., None])[0] * modes(side)
    assert shifted[8:11].sum() / shifted.sum() > 0.8


def test_no_detail_is_seen_in_the_jump_between_opposite_borders():
    """A ramp has hardly any fine detail; NumPy's transform sees its jump as such."""
    side = 64
    ramp = np.broadcast_to(np.linspace(-1, 1, side), (1, side, side))[..., None]
    ours = radial_power(ramp)[0] * modes(side)
    plain = np.abs(np.fft.fft2(ramp[0, ..., 0])) ** 2
    k = np.hypot(np.fft.fftfreq(side), np.fft.fftfreq(side)[:, None])
    jump = plain[k > 0.25].sum() / plain[k > 0].sum()
    assert ours[side // 2 :].sum() / ours.sum() < jump / 1000


def test_a_spectrum_is_that_of_numpy_s_windowed_fourier_transform():
    """Welch's method (1967): a Hann window, its power divided out."""
    side, images = 64, pink(200, 64, 2.0)
    window = np.hanning(side)[:, None] * np.hanning(side)
    x = images[..., 0]
    x = window * (x - (window * x).sum((1, 2), keepdims=True) / window.sum())
    plain = (np.abs(np.fft.fft2(x)) ** 2).mean(0) / (window**2).sum()
    k = np.hypot(np.fft.fftfreq(side), np.fft.fftfreq(side)[:, None])
    ours, f = radial_power(images).mean(0), frequencies(side)
    for low, high in ((0.06, 0.12), (0.12, 0.25), (0.25, 0.5)):
        theirs = plain[(k > low) & (k <= high)].mean()
        of_ours = np.average(
            ours[(f > low) & (f <= high)], weights=modes(side)[(f > low) & (f <= high)]
        )
        assert of_ours == pytest.approx(theirs, rel=0.12)


def test_parts_add_up_to_the_image():
    images = white(2, 16, 3)
    kept = np.arange(rings(16).max() + 1) <= 5
    coarse, fine = filtered(images, kept), filtered(images, ~kept)
    np.testing.assert_allclose(coarse + fine, images, atol=1e-12)
    np.testing.assert_allclose(fine.mean((1, 2)), 0, atol=1e-12)
    assert radial_power(coarse)[:, 5:].max() < 1e-20 < radial_power(coarse)[:, :5].min()
