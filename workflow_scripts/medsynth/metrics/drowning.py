"""The noise level at which what images show drowns, by spatial frequency.

Of an image noised as x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise (a: alpha_bar; Ho et al. 2020, eq.
4) what has the power S(f) stands above the noise as long as a_t S(f) >= 1 - a_t, the
signal-to-noise ratio is 1 at least. Natural images have less power the finer the frequency, so
detail drowns first and is decided last when noise is taken off (Rissanen et al. 2023, sec. 2; Choi
et al. 2022, sec. 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

CONTENT = 0.9  # share of the variance within images that their coarsest frequencies hold together


def octaves(n_rings: int, side: int) -> list[tuple[int, int]]:
    """Bands of rings, first and last of each, whose frequency doubles; the last goes on to the end.

    It begins with a quarter of a cycle a pixel.
    """
    starts = [2**k for k in range(side.bit_length()) if 2**k <= max(side // 2, 1)]
    return [(a, b - 1) for a, b in zip(starts, [*starts[1:], n_rings + 1], strict=True)]


def of_bands(power: np.ndarray, modes: np.ndarray, bands: Sequence[tuple[int, int]]) -> np.ndarray:
    """Mean power (..., b) of the modes of each band of rings, of that (..., r) of the rings."""
    sums = [(power * modes)[..., a - 1 : b].sum(-1) / modes[a - 1 : b].sum() for a, b in bands]
    return np.stack(sums, -1)


def signal_to_noise(power: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Ratio (..., t) of what has the power (...), at noise levels whose alpha_bar is `signal` (t,).

    The noise is white and of variance 1.
    """
    noise = np.broadcast_to(1 - signal, (*power.shape, len(signal)))
    free = np.full(noise.shape, np.inf)
    return np.divide(power[..., None] * signal, noise, out=free, where=noise > 0)


def measured_ratio(clean: np.ndarray, noised: np.ndarray, both: np.ndarray) -> np.ndarray:
    """The ratio that coefficients of clean and noised images themselves show.

    Their squared correlation is ratio / (ratio + 1), whatever was added to the clean ones.

    Args:
        clean, noised, both: sums of squares of the former, of the latter, and of their products.
    """
    explained = both**2 / np.maximum(clean * noised, np.finfo(float).tiny)
    return explained / np.maximum(1 - explained, np.finfo(float).eps)


def drowning(ratio: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The first t (...) at which the ratio is below 1; NaN where it never is.

    Args:
        ratio: (..., t), at `levels`.
        levels: rising t (t,), from 1; where some are left out log ratio is taken as straight.
    """
    below = ratio < 1
    at = below.argmax(-1)
    before = np.maximum(at - 1, 0)
    logs = np.log(np.maximum(ratio, np.finfo(float).tiny))
    high, low = (np.take_along_axis(logs, i[..., None], -1)[..., 0] for i in (before, at))
    part = np.where(at > 0, high / np.where(high > low, high - low, 1), 1)
    # A ratio of exactly 1 stands above the noise, and drowns with the next level.
    crossing = levels[before] + part * (levels[at] - levels[before])
    first = np.minimum(np.floor(crossing + 1e-9) + 1, levels[at])
    return np.where(below.any(-1), np.where(at > 0, first, levels[0]), np.nan)


class Ranges(NamedTuple):
    """Noise levels t by what is decided at them, from x_T on; each from its first t to its last.

    None where there is none. Content are the coarsest frequencies that together hold 90 % of the
    variance within images, detail are the others.

    Attributes:
        nothing: all frequencies are drowned.
        content: of content some stand above the noise, of detail none.
        detail: some of detail do.
        clean_up: all frequencies do.
    """

    nothing: tuple[int, int] | None
    content: tuple[int, int] | None
    detail: tuple[int, int] | None
    clean_up: tuple[int, int] | None


def coarsest(power: np.ndarray, modes: np.ndarray) -> int:
    """The number of rings that content takes: the coarsest that hold 90 % of the variance."""
    share = np.cumsum(power * modes)
    return int(np.searchsorted(share, CONTENT * share[-1]) + 1)


def ranges(drowned: np.ndarray, content: int, timesteps: int) -> Ranges:
    """What is decided at which t.

    Args:
        drowned: t (r,) at which each ring drowns; NaN: never.
        content: how many rings it takes.
        timesteps: T.
    """
    drowned = np.where(np.isnan(drowned), timesteps + 1, drowned).astype(int)
    first = drowned.min()
    of_detail = max(drowned[content:].max(initial=1), first)
    last = drowned.max()

    def between(start: int, end: int) -> tuple[int, int] | None:
        return (int(start), int(end)) if start <= end else None

    return Ranges(
        between(last, timesteps),
        between(of_detail, last - 1),
        between(first, of_detail - 1),
        between(1, first - 1),
    )
