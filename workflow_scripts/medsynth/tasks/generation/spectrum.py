"""At which noise level of its diffusion models what a cohort's images show drowns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from medsynth.imaging.spectrum import (
    filtered,
    frequencies,
    modes,
    radial_power,
    summed_by_ring,
    transform,
)
from medsynth.metrics.drowning import (
    CONTENT,
    coarsest,
    drowning,
    measured_ratio,
    octaves,
    of_bands,
    ranges,
    signal_to_noise,
)
from medsynth.metrics.images.draws import round_robin
from medsynth.models.ddpm.process import q_sample
from medsynth.models.ddpm.schedule import Schedule, even_in_log_snr, schedule_of
from medsynth.models.ddpm.training_settings import Diffusion
from medsynth.runtime.seeding import generator, numpy_rng
from medsynth.runtime.tensors import to_network, to_uint8
from medsynth.store.manifests import TEST, TRAIN, in_split
from medsynth.store.shards import ImageStore, batches

MOST = 1000  # training images, every patient's first before anybody's second
BATCH = 64
NOISED = 2**19  # values of the images that are noised, about
LEVELS = 32  # at which they are
SHOWN = 3  # images of as many classes
COLUMNS = 8  # pictures of an image


class Found(NamedTuple):
    """The figures, ready for JSON; and pictures (n, H, W, C) uint8 with the row of each."""

    figures: dict[str, Any]
    pictures: np.ndarray
    rows: list[str]


def measure_spectrum(
    manifest: pd.DataFrame,
    folder: Path,
    schedules: Sequence[Mapping[str, Any]],
    seed: int,
) -> Found:
    """The radial power spectrum of training images against every schedule, by formula and measured.

    Pixels are in [-1, 1], as models see them. Pictures are of test images, with the first schedule.

    Args:
        folder: of the shards.
        schedules: each with `experiments`, and `train`: the settings of a schedule.
        seed: decides which images, and their noise.
    """
    training = ImageStore(in_split(manifest, TRAIN), folder)
    patients = training.manifest["patient"].to_numpy()
    chosen = round_robin(patients, numpy_rng(seed, "spectrum"))[:MOST]
    stacks = (to_pixels(x) for x in batches(training, BATCH, chosen))
    of_images = np.concatenate([radial_power(x) for x in stacks])
    some = training.read(chosen[:1])
    side, channels = some.shape[1], some.shape[3]
    n, power = modes(side), of_images.mean(0)
    bands, content = octaves(len(n), side), coarsest(power, n)
    f, shares = frequencies(side), power * n / max((power * n).sum(), np.finfo(float).tiny)
    noised = chosen[: max(NOISED // some.size, 16)]
    # A schedule alone may be refused, which with predicts: velocity is right.
    processes = [schedule_of(Diffusion.model_construct(**each["train"])) for each in schedules]
    found = [
        {"experiments": list(each["experiments"])}
        | _against(process, of_images, training.read(noised), content, seed)
        for each, process in zip(schedules, processes, strict=True)
    ]
    figures = {
        "split": TRAIN,
        "images": len(chosen),
        "images_noised": len(noised),
        "patients": len(np.unique(patients[chosen])),
        "side": side,
        "channels": channels,
        "variance": float((power * n).sum() / side**2),
        "rings": {"frequency": f.tolist(), "modes": n.tolist(), "power": power.tolist()},
        "bands": [
            {
                "frequency": [float(f[a - 1]), float(f[b - 1])],
                "power": float(p),
                "share": float(shares[a - 1 : b].sum()),
            }
            for (a, b), p in zip(bands, of_bands(power, n, bands), strict=True)
        ],
        "content": {"share": CONTENT, "up_to": float(f[content - 1])},
        "schedules": found,
    }
    shown = _first_of_classes(manifest, folder)
    pictures, rows, levels = _pictures(shown, power, content, processes[0], found[0], seed)
    return Found(figures | {"shown": levels}, pictures, rows)


def to_pixels(images: np.ndarray) -> np.ndarray:
    """uint8 images (n, H, W, C) as models see them, in [-1, 1]."""
    return images / 127.5 - 1


def _against(
    schedule: Schedule, of_images: np.ndarray, images: np.ndarray, content: int, seed: int
) -> dict[str, Any]:
    """Where each ring and each band drowns in the noise of a schedule.

    Args:
        of_images: power (n, r) of a mode of each ring.
        images: some of them, to be noised.
        content: rings.
    """
    every = np.arange(1, schedule.timesteps + 1)
    signal, side = schedule.alphas_bar.numpy(), images.shape[1]
    n = modes(side)
    bands = octaves(len(n), side)
    some = np.array(even_in_log_snr(schedule, min(LEVELS, schedule.timesteps))[1:])
    sums = _noised_sums(schedule, images, some, seed)
    by_band = of_bands(sums / n, n, bands)  # (3, t, b)
    by_formula, by_image = (
        drowning(signal_to_noise(p, signal[every]), every)
        for p in (of_bands(of_images.mean(0), n, bands), of_bands(of_images, n, bands))
    )
    measured = drowning(measured_ratio(*by_band).T, some)
    late = np.where(np.isnan(by_image), schedule.timesteps + 1, by_image)
    spread = np.percentile(late, [10, 90], axis=0, method="nearest")
    rings = drowning(signal_to_noise(of_images.mean(0), signal[every]), every)
    return {
        "timesteps": schedule.timesteps,
        "signal": [float(s) for s in signal],
        "drowns": [_t(t) for t in rings],
        "bands": [
            {"drowns": _t(t), "measured": _t(m), "images": [int(low), int(high)]}
            for t, m, low, high in zip(by_formula, measured, *spread, strict=True)
        ],
        "ranges": ranges(rings, content, schedule.timesteps)._asdict(),
    }


def _t(t: float) -> int | None:
    """A noise level, None: never."""
    return None if np.isnan(t) else int(t)


def _noised_sums(
    schedule: Schedule, images: np.ndarray, levels: np.ndarray, seed: int
) -> np.ndarray:
    """Sums (3, t, r) over images and modes at these levels: of the clean coefficients' squares, of
    the noised ones', and of the products."""
    x0 = to_network(images)
    clean = transform(_last(x0))
    sums = np.empty((3, len(levels), len(modes(images.shape[1]))))
    for i, t in enumerate(levels.tolist()):
        noise = torch.randn(x0.shape, generator=generator(seed, "spectrum", t))
        noised = transform(_last(q_sample(x0, torch.full((len(x0),), t), noise, schedule)))
        for k, product in enumerate((clean**2, noised**2, clean * noised)):
            sums[k, i] = summed_by_ring(product.sum((0, 3)))
    return sums


def _last(x: torch.Tensor) -> np.ndarray:
    """Channels last."""
    return x.permute(0, 2, 3, 1).numpy()


def _first_of_classes(manifest: pd.DataFrame, folder: Path) -> tuple[np.ndarray, list[str]]:
    """The first test image of some classes, as on the rest of the page, and their names."""
    rows = in_split(manifest, TEST)
    first = (rows if len(rows) else in_split(manifest, TRAIN)).drop_duplicates("label")
    first = first.sort_values("label")[:SHOWN]
    store = ImageStore(first, folder)
    return store.read(np.arange(len(store))), first["label"].tolist()


def _pictures(
    shown: tuple[np.ndarray, list[str]],
    power: np.ndarray,
    content: int,
    schedule: Schedule,
    against: Mapping[str, Any],
    seed: int,
) -> tuple[np.ndarray, list[str], list[int]]:
    """Of every image: noised; what of it stands above the noise; its content and its detail.

    Returns:
        pictures, their rows, and the noise levels t of the first two rows of an image.
    """
    images, names = shown
    levels = _telling(against["ranges"], schedule.timesteps)
    signal = schedule.alphas_bar.numpy()
    rings = np.arange(len(power) + 1)
    x0, pixels = to_network(images), to_pixels(images)
    noise = torch.randn(x0.shape, generator=generator(seed, "spectrum", "shown"))
    noised, above = [], []
    for t in levels:
        noised.append(to_uint8(q_sample(x0, torch.full((len(x0),), t), noise, schedule)))
        stands = signal_to_noise(power, signal[[t]])[:, 0] >= 1
        above.append(_visible(filtered(pixels, np.append(True, stands))))
    parts = [images, _visible(filtered(pixels, rings <= content))]
    parts.append(_visible(filtered(pixels, rings > content)))
    titles = {"noised": noised, "above the noise": above, "image, content, detail": parts}
    pictures, rows = [], []
    for i, name in enumerate(names):
        for title, columns in titles.items():
            pictures += [column[i] for column in columns]
            rows += [f"{name}: {title}"] * len(columns)
    return np.stack(pictures), rows, levels


def _visible(pixels: np.ndarray) -> np.ndarray:
    """[-1, 1] as uint8; a part without a mean is around the middle grey."""
    return ((pixels.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8)


def _telling(found: Mapping[str, tuple[int, int] | None], timesteps: int) -> list[int]:
    """Noise levels 0 to T, some within each range; eight at most, see COLUMNS."""
    levels = {0, timesteps}
    for name, most in (("clean_up", 1), ("detail", 2), ("content", 3)):
        if bounds := found[name]:
            levels |= set(np.linspace(*bounds, most + 1).round().astype(int).tolist()[1:])
    return sorted(levels)
