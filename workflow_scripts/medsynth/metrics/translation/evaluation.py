"""How well translated CT slices match their targets, against doing nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from skimage.metrics import structural_similarity

from medsynth.imaging.ct.body import body_mask
from medsynth.metrics.baselines import DO_NOTHING, GAIN
from medsynth.metrics.intervals import Better, Metric, bootstrap_interval, metric
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng

_SSIM_SIGMA = 1.5  # pixels (Wang et al. 2004)
_SSIM_WINDOW = 11  # pixels, the support scikit-image gives that sigma


def mae_hu(image: np.ndarray, target: np.ndarray, mask: np.ndarray) -> float:
    """Mean absolute error in Hounsfield units inside the mask."""
    return float(np.abs(image - target)[mask].mean())


def psnr_db(image: np.ndarray, target: np.ndarray, mask: np.ndarray, span: float) -> float:
    """10 log10(span^2 / MSE) inside the mask; infinite for equal images."""
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(span**2 / ((image - target)[mask] ** 2).mean()))


def ssim(image: np.ndarray, target: np.ndarray, mask: np.ndarray, span: float) -> float:
    """Structural similarity (Wang et al. 2004, Gaussian window), its map averaged in the mask.

    Images must be at least 11 pixels on a side.
    """
    _, similarity = structural_similarity(
        image,
        target,
        data_range=span,
        gaussian_weights=True,
        sigma=_SSIM_SIGMA,
        use_sample_covariance=False,
        full=True,
    )
    return float(similarity[mask].mean())


def measure_pairs(
    pairs: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray]], hu_range: tuple[int, int]
) -> pd.DataFrame:
    """MAE, PSNR and SSIM of each pair, of the translation and of doing nothing, pair after pair.

    All images are first cut to `hu_range`, the only values a model can give back, and measured
    inside the target's body.

    Args:
        pairs: what was translated, the model's output, and the other phase of the same slice;
            each (H, W, 1) HU.
        hu_range: lowest and highest HU of the model; their span is the data range.

    Returns:
        One row a pair. ``mae_hu``, ``psnr_db``, ``ssim`` (translated against target) and the same
        names with ``_do_nothing`` (source against target); ``body`` is False, and all are NaN,
        where the target shows no body. SSIM is NaN where images are smaller than its window.

    Raises:
        ValueError: the three differ in shape.
    """
    span = float(hu_range[1] - hu_range[0])
    measures: dict[str, Callable[..., float]] = {
        "mae_hu": mae_hu,
        "psnr_db": partial(psnr_db, span=span),
        "ssim": partial(ssim, span=span),
    }
    rows = []
    for source, translated, target in pairs:
        if not source.shape == translated.shape == target.shape:
            raise ValueError(
                f"source {source.shape}, translated {translated.shape} and target {target.shape}"
                " must have the same shape"
            )
        body = body_mask(target[..., 0])
        row: dict[str, Any] = {"body": body.any()}
        before, after, goal = (
            np.clip(x[..., 0].astype(np.float64), *hu_range) for x in (source, translated, target)
        )
        for name, measure in measures.items():
            if row["body"] and not (name == "ssim" and min(target.shape[:2]) < _SSIM_WINDOW):
                row[name] = measure(after, goal, body)
                row[name + DO_NOTHING] = measure(before, goal, body)
        rows.append(row)
    columns = [*measures, *(name + DO_NOTHING for name in measures)]
    return pd.DataFrame(rows, columns=["body", *columns]).astype(
        {"body": bool} | dict.fromkeys(columns, float)
    )


def evaluate_translation(
    measured: pd.DataFrame,
    settings: Evaluation,
    *,
    seed: int,
    patients: np.ndarray | None = None,
) -> dict[str, Metric]:
    """MAE, PSNR and SSIM of all pairs together, of the translation and of doing nothing.

    Each metric is the mean over pairs, under three names: ``mae_hu`` (translated against target),
    ``mae_hu_do_nothing`` (source against target) and ``mae_hu_gain`` (how much better the
    translation is, from the differences within pairs; above 0 it helps).

    Args:
        measured: from :func:`measure_pairs`, one row a pair.
        settings: bootstrap resamples.
        seed: decides the resamples.
        patients: patient of each pair (n,); given, patients are resampled instead of pairs.

    Returns:
        {name: Metric}; null with a reason where nothing can be measured.
    """
    kept = measured["body"].to_numpy()
    left_out = len(measured) - kept.sum()
    note = (
        f"{left_out} of {len(measured)} pairs left out: no body in the target" if left_out else None
    )
    of_patient = None if patients is None else np.asarray(patients)[kept]
    betters: dict[str, Better] = {"mae_hu": "lower", "psnr_db": "higher", "ssim": "higher"}
    metrics: dict[str, Metric] = {}
    for name, better in betters.items():
        better_of: dict[str, Better] = {
            name: better,
            name + DO_NOTHING: better,
            name + GAIN: "higher",
        }
        translation, nothing = (measured[n].to_numpy()[kept] for n in (name, name + DO_NOTHING))
        if name == "ssim" and np.isnan(translation).any():
            reason = f"images are smaller than the window of {_SSIM_WINDOW} pixels"
            metrics |= {n: metric(None, b, None, reason) for n, b in better_of.items()}
            continue
        with np.errstate(invalid="ignore"):  # infinite PSNR on both sides; _mean gives the reason
            gain = nothing - translation if better == "lower" else translation - nothing
        for (n, b), values in zip(better_of.items(), (translation, nothing, gain), strict=True):
            rng = numpy_rng(seed, "bootstrap", n)
            metrics[n] = _mean(values, b, note, settings, rng, of_patient)
    return metrics


def _mean(
    values: np.ndarray,
    better: Better,
    note: str | None,
    settings: Evaluation,
    rng: np.random.Generator,
    patients: np.ndarray | None,
) -> Metric:
    if not values.size:
        return metric(None, better, None, "no pairs", note)
    if infinite := np.sum(~np.isfinite(values)):
        return metric(None, better, None, f"infinite: {infinite} pairs are equal images", note)
    interval, none = bootstrap_interval(
        np.mean, [values], settings.bootstrap, rng, patients=[patients]
    )
    return metric(float(values.mean()), better, interval, note, none)
