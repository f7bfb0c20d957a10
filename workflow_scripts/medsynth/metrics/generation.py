"""How close generated images come to real ones, and whether they show what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from medsynth.metrics.frechet import frechet_distance
from medsynth.metrics.inception_score import inception_score
from medsynth.metrics.intervals import Metric, bootstrap_interval, metric, wilson_interval
from medsynth.metrics.kernel_distance import subset_distances
from medsynth.metrics.neighbours import K, within_manifold
from medsynth.runtime.config.models import Evaluation
from medsynth.runtime.seeding import numpy_rng


def evaluate_generation(
    features_real: np.ndarray,
    features_generated: np.ndarray,
    probabilities_generated: np.ndarray,
    labels_generated: np.ndarray,
    settings: Evaluation,
    *,
    seed: int,
    labels_real: np.ndarray,
    classes: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Every generation metric, overall and per class.

    Args:
        features_real: classifier features (n, d) of held-out real images.
        features_generated: the same of generated images (m, d).
        probabilities_generated: the classifier's answers to generated images (m, k).
        labels_generated: class index each generated image was asked for, (m,).
        settings: KID subsets and bootstrap resamples.
        seed: decides subsets and resamples.
        labels_real: class index of the real images, (n,).
        classes: k names.

    Returns:
        ``metrics`` {name: Metric} and ``per_class`` {class: {name: Metric}}.

    Raises:
        ValueError: a feature or probability is not finite.
    """
    for name, values in {
        "features of real images": features_real,
        "features of generated images": features_generated,
        "probabilities of generated images": probabilities_generated,
    }.items():
        if not np.isfinite(values).all():
            raise ValueError(f"{name} are not all finite; check the classifier's training curve")
    metrics = {
        "fid": _frechet(features_real, features_generated, settings, numpy_rng(seed, "fid")),
        "kid": _kernel(features_real, features_generated, settings, numpy_rng(seed, "kid")),
        "inception_score": _inception(
            probabilities_generated, settings, numpy_rng(seed, "inception score")
        ),
        "precision": _covered(features_generated, features_real),
        "recall": _covered(features_real, features_generated),
    }
    agreement, agreement_per_class = label_agreement(
        probabilities_generated, labels_generated, classes
    )
    per_class = {}
    for i, name in enumerate(classes):
        real, generated = features_real[labels_real == i], features_generated[labels_generated == i]
        per_class[name] = {
            "fid": _class_frechet(real, generated, settings, numpy_rng(seed, "fid", i)),
            "kid": _kernel(real, generated, settings, numpy_rng(seed, "kid", i)),
            "label_agreement": agreement_per_class[name],
        }
    return {"metrics": {**metrics, "label_agreement": agreement}, "per_class": per_class}


def label_agreement(
    probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> tuple[Metric, dict[str, Metric]]:
    """Share of images asked for as a class that the classifier calls that class.

    ``chance`` is the share that would agree if answers did not depend on what was asked: for one
    class how often the classifier says it at all, overall their mean weighted by what was asked.

    Args:
        probabilities: (n, k).
        labels: class index asked for (n,).
        classes: k names.

    Returns:
        the overall share and that of every class, with Wilson intervals.
    """
    called = probabilities.argmax(1)
    said = np.bincount(called, minlength=len(classes)) / max(len(called), 1)
    asked = np.bincount(labels, minlength=len(classes)) / max(len(labels), 1)
    overall = _agreement(called == labels, float(said @ asked))
    per_class = {
        name: _agreement(called[labels == i] == i, float(said[i])) for i, name in enumerate(classes)
    }
    return overall, per_class


def _agreement(agrees: np.ndarray, chance: float) -> Metric:
    if not agrees.size:
        return {**metric(None, "higher", None, "no images were asked for"), "chance": chance}
    interval = wilson_interval(agrees.sum(), agrees.size)
    doubt = f"not above chance ({chance:.3g})" if interval[0] <= chance else None
    return {**metric(float(agrees.mean()), "higher", interval, doubt), "chance": chance}


def _frechet(
    real: np.ndarray, generated: np.ndarray, settings: Evaluation, rng: np.random.Generator
) -> Metric:
    fewest, d = min(len(real), len(generated)), real.shape[1]
    if fewest < 2:
        return metric(None, "lower", None, f"{fewest} images, a covariance needs two")
    singular = (
        f"{fewest} images for {d} features: the covariance is singular and the distance too large;"
        " compare only with distances of equally many images"
    )
    interval, none = bootstrap_interval(
        frechet_distance, [real, generated], settings.bootstrap, rng, bounds=(0, np.inf)
    )
    value = frechet_distance(real, generated)
    return metric(value, "lower", interval, singular if fewest <= d else None, none)


def _class_frechet(
    real: np.ndarray, generated: np.ndarray, settings: Evaluation, rng: np.random.Generator
) -> Metric:
    # Classes differ in size, so a distance that depends on size would compare sizes.
    fewest, d = min(len(real), len(generated)), real.shape[1]
    if fewest <= d:
        reason = f"{fewest} images of this class, more than {d} (features) are needed; see kid"
        return metric(None, "lower", None, reason)
    return _frechet(real, generated, settings, rng)


def _kernel(
    real: np.ndarray, generated: np.ndarray, settings: Evaluation, rng: np.random.Generator
) -> Metric:
    """KID, the mean over subsets, with the range of 95 % of them as its interval.

    A subset takes at most half of the images: their spread is then no narrower than the sampling
    error of all (delete-half jackknife, Shao and Wu 1989).
    """
    fewest = min(len(real), len(generated))
    if fewest < 4:
        return metric(None, "lower", None, f"{fewest} images, half of them must be two or more")
    size = min(settings.kid_subset_size, fewest // 2)
    values = subset_distances(real, generated, settings.kid_subsets, size, rng)
    shrunk = f"subsets of {size} images, {settings.kid_subset_size} are configured"
    low, high = np.percentile(values, [2.5, 97.5])
    reason = shrunk if size < settings.kid_subset_size else None
    return metric(float(values.mean()), "lower", [float(low), float(high)], reason)


def _inception(probabilities: np.ndarray, settings: Evaluation, rng: np.random.Generator) -> Metric:
    if not len(probabilities):
        return metric(None, "higher", None, "no images")
    interval, none = bootstrap_interval(
        inception_score,
        [probabilities],
        settings.bootstrap,
        rng,
        bounds=(1, probabilities.shape[1]),
    )
    return metric(inception_score(probabilities), "higher", interval, none)


def _covered(points: np.ndarray, reference: np.ndarray) -> Metric:
    """Precision or recall; the interval takes the reference manifold as given."""
    if not len(points) or len(reference) <= K:
        reason = f"{len(points)} images against {len(reference)}, more than {K} are needed"
        return metric(None, "higher", None, reason)
    inside = within_manifold(points, reference)
    return metric(float(inside.mean()), "higher", wilson_interval(inside.sum(), inside.size))
