"""How coarse or fine is what images show: their power by spatial frequency.

An image is taken as mirrored at its borders, where it then goes on without a jump. Its Fourier
transform is the discrete cosine transform (DCT-II, Ahmed et al. 1974; Strang 1999, sec. 2), which
is orthonormal: without any window power adds up to the variance (Parseval), and white noise stays
white, of its own variance at every frequency. A plain DFT would instead take the jump from one
border to the opposite one for fine detail.

Frequencies are cycles a pixel: 0.5 is the finest of a row, 0.71 that of a diagonal. Modes whose
frequency is nearest to i / (2 side) are ring i, from 1 on; ring 0 is the mean of an image.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn, idctn

PLANE = (1, 2)  # axes of images (n, H, W, C)


def rings(side: int) -> np.ndarray:
    """Ring (side, side) of every mode of square images."""
    k = np.arange(side)
    return np.hypot(k, k[:, None]).round().astype(int)


def frequencies(side: int) -> np.ndarray:
    """Cycles a pixel (r,) of the rings 1..r."""
    return np.arange(1, rings(side).max() + 1) / (2 * side)


def modes(side: int) -> np.ndarray:
    """How many modes (r,) each of the rings 1..r has."""
    return np.bincount(rings(side).ravel())[1:]


def transform(images: np.ndarray) -> np.ndarray:
    """Coefficients (n, side, side, C) of images of this shape, float64, orthonormal."""
    found: np.ndarray = dctn(images.astype(np.float64), axes=PLANE, norm="ortho")
    return found


def summed_by_ring(values: np.ndarray) -> np.ndarray:
    """Sums (r,) of values (side, side) over the modes of each of the rings 1..r."""
    return np.bincount(rings(len(values)).ravel(), weights=values.ravel())[1:]


def radial_power(images: np.ndarray) -> np.ndarray:
    """Power (n, r) of a mode of each of the rings 1..r, mean of the channels.

    Each image and channel has its own mean left out. The sum of power times :func:`modes`, over
    side^2, is the mean of the channels' variances; of white noise every power is its variance.
    """
    squares = (transform(images) ** 2).mean(3)
    return np.stack([summed_by_ring(of_image) for of_image in squares]) / modes(images.shape[1])


def filtered(images: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Images (n, side, side, C) of the rings alone that are `kept`, (r + 1,) bool, 0 their mean."""
    chosen = kept[rings(images.shape[1])]
    back: np.ndarray = idctn(transform(images) * chosen[..., None], axes=PLANE, norm="ortho")
    return back
