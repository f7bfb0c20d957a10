"""How well translated CT slices match their targets, against doing nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medsynth.metrics.baselines import DO_NOTHING, GAIN, MEAN_SHIFT
from medsynth.metrics.intervals import Better, Metric, bootstrap_interval, metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.translation.measures import SSIM_WINDOW
from medsynth.runtime.seeding import numpy_rng


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
    translation is, from the differences within pairs; above 0 it helps). So is the error in every
    region; of errors there is ``mae_hu_mean_shift``, too, if it was measured. A region's means
    are over the pairs that have some of it.

    Args:
        measured: from :func:`.measures.measure_pairs`, one row a pair.
        settings: bootstrap resamples.
        seed: decides the resamples.
        patients: patient of each pair (n,); given, patients are resampled instead of pairs.

    Returns:
        {name: Metric}; null with a reason where nothing can be measured.
    """
    shown = measured["body"].to_numpy()
    metrics: dict[str, Metric] = {}
    for name in (c for c in measured if c + DO_NOTHING in measured):
        better: Better = "lower" if name.startswith("mae") else "higher"
        of_it = measured[name].to_numpy()
        if name == "ssim" and np.isnan(of_it[shown]).any():
            reason = f"images are smaller than the window of {SSIM_WINDOW} pixels"
            names = {name: better, name + DO_NOTHING: better, name + GAIN: "higher"}
            metrics |= {n: metric(None, b, None, reason) for n, b in names.items()}
            continue
        kept = shown & ~np.isnan(of_it)
        note = None
        if left_out := len(measured) - kept.sum():
            lacking = "no body" if kept.sum() == shown.sum() else "nothing of it"
            note = f"{left_out} of {len(measured)} pairs left out: {lacking} in the target"
        translation, nothing = of_it[kept], measured[name + DO_NOTHING].to_numpy()[kept]
        with np.errstate(invalid="ignore"):  # infinite PSNR on both sides; _mean gives the reason
            gain = nothing - translation if better == "lower" else translation - nothing
        found = {name: translation, name + DO_NOTHING: nothing, name + GAIN: gain}
        if name + MEAN_SHIFT in measured:
            found[name + MEAN_SHIFT] = measured[name + MEAN_SHIFT].to_numpy()[kept]
        of_patient = None if patients is None else np.asarray(patients)[kept]
        for n, values in found.items():
            rng = numpy_rng(seed, "bootstrap", n)
            direction: Better = "higher" if n.endswith(GAIN) else better
            metrics[n] = _mean(values, direction, note, settings, rng, of_patient)
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
