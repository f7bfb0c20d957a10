"""Real images restored from what is left of them at low resolution, beside a plain enlargement."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from medsynth.metrics.baselines import with_nulls
from medsynth.metrics.images.frechet import frechet_distance, singular
from medsynth.metrics.images.pair_similarity import WINDOW, ssim
from medsynth.metrics.intervals import Better, Metric, bootstrap_interval, metric, too_few
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng


class Side(NamedTuple):
    """Images (n, H, W, C) uint8, and their features (n, d)."""

    images: np.ndarray
    features: np.ndarray


def mae(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute error of uint8 images, as a share of the range."""
    return float(np.abs(one.astype(float) - other).mean() / 255)


def psnr_db(one: np.ndarray, other: np.ndarray) -> float:
    """10 log10(255^2 / MSE) of uint8 images; infinite for equal ones."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(255**2 / ((one.astype(float) - other) ** 2).mean()))


MEASURES: dict[str, tuple[Better, Callable[[np.ndarray, np.ndarray], float]]] = {
    "restored_mae": ("lower", mae),
    "restored_psnr_db": ("higher", psnr_db),
    "restored_ssim": ("higher", ssim),
}
FID = "restored_fid"


def restoration_metrics(
    real: Side,
    restored: Side,
    plain: Side,
    plain_name: str,
    patients: np.ndarray,
    settings: Evaluation,
    seed: int,
) -> dict[str, Metric]:
    """Means over pairs of MAE, PSNR and SSIM, and the FID of all restored images.

    Pixels favour what is blurred (the mean of all that the low resolution may have been has the
    least squared error), the distance of distributions favours what looks real: neither is enough.

    Args:
        real: what was made small.
        restored, plain: of these, in their order, by the model and without one.
        plain_name: the null's.
        patients: whose each image is, (n,), who are resampled.
        settings: bootstrap resamples.
        seed: decides the resamples.
    """
    betters = {name: better for name, (better, _) in MEASURES.items()} | {FID: "lower"}
    if few := too_few(len(real.images)):
        return {name: metric(None, better, None, few) for name, better in betters.items()}
    found: dict[str, Metric] = {}

    def add(name: str, statistic: Callable[..., float], own: np.ndarray, reached: float) -> None:
        interval, none = bootstrap_interval(
            statistic,
            [own],
            settings.bootstrap,
            numpy_rng(seed, "bootstrap", name),
            patients=[patients],
        )
        doubt = singular(*restored.features.shape) if name == FID else None
        figure = metric(float(statistic(own)), betters[name], interval, doubt, none)
        found[name] = with_nulls(figure, {plain_name: reached})

    for name, (better, measure) in MEASURES.items():
        if measure is ssim and min(real.images.shape[1:3]) < WINDOW:
            reason = f"images are smaller than the window of {WINDOW} pixels"
            found[name] = metric(None, better, None, reason)
            continue
        own, reached = (
            np.array([measure(*pair) for pair in zip(real.images, side.images, strict=True)])
            for side in (restored, plain)
        )
        if equal := int(np.isinf([own, reached]).any(0).sum()):
            reason = f"infinite: {equal} images are restored exactly"
            found[name] = metric(None, better, None, reason)
            continue
        add(name, np.mean, own, float(reached.mean()))

    def distance(pairs: np.ndarray) -> float:
        return frechet_distance(real.features[pairs], restored.features[pairs])

    add(FID, distance, np.arange(len(patients)), frechet_distance(real.features, plain.features))
    return found
