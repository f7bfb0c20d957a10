"""How alike images of a class are, by the structural similarity of random pairs.

A model that knows few images of a class makes pairs that are more alike than real ones (Odena et
al. 2017, sec. 4.2, who take its multi-scale form; small images have no scales).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from skimage.metrics import structural_similarity

from medsynth.metrics.baselines import with_baselines
from medsynth.metrics.images.draws import round_robin
from medsynth.metrics.images.nulls import constant, noise
from medsynth.metrics.intervals import MIN_ITEMS, Metric, bootstrap_interval, metric
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng

MOST = 128  # pairs of a class
WINDOW = 11  # pixels, what scikit-image gives Wang's sigma of 1.5


@dataclass(frozen=True)
class Side:
    """Images of all classes.

    Attributes:
        labels: class index (n,).
        patients: whose each image is, (n,); of generated images, each its own.
        read: images (m, H, W, C) uint8 at m positions.
    """

    labels: np.ndarray
    patients: np.ndarray
    read: Callable[[np.ndarray], np.ndarray]


def pair_similarity(
    generated: Side, training: Side, settings: Evaluation, *, seed: int, classes: Sequence[str]
) -> tuple[Metric, dict[str, Metric]]:
    """Mean SSIM of pairs of generated images of a class, beside that of two patients' real images.

    Pairs are disjoint, and so independent. The figure of all is the mean of those classes of which
    both sides have five pairs. Neither less nor more than the real value is good: pairs of noise
    are not alike at all, a constant image is 1.

    Args:
        settings: bootstrap resamples.
        seed: decides pairs and resamples.
        classes: names.

    Returns:
        the figure of all classes, and of each; its reason says where pairs are more alike than real
        ones.
    """
    null = _nulls(training, seed)
    if not null:
        missing = metric(None, "real", None, f"no images of {WINDOW} pixels, the window's, or more")
        return missing, dict.fromkeys(classes, missing)
    made, real = (
        [_similarities(side, c, numpy_rng(seed, "pairs", name, c)) for c in range(len(classes))]
        for name, side in (("generated", generated), ("training", training))
    )
    per_class = {
        name: _figure([made[c]], [real[c]], null, settings, seed, name)
        for c, name in enumerate(classes)
    }
    enough = [c for c in range(len(classes)) if min(len(made[c]), len(real[c])) >= MIN_ITEMS]
    whole = _figure([made[c] for c in enough], [real[c] for c in enough], null, settings, seed)
    return whole, per_class


def ssim(one: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity of images (H, W, C) uint8 (Wang et al. 2004), mean of the channels."""
    return float(
        structural_similarity(
            one,
            other,
            channel_axis=-1,
            data_range=255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def different_pairs(patients: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positions (m, 2) of random disjoint pairs of different patients."""
    order = round_robin(patients, rng)
    pairs = order[: len(order) // 2 * 2].reshape(-1, 2)
    return pairs[patients[pairs[:, 0]] != patients[pairs[:, 1]]]


def _similarities(images: Side, of_class: int, rng: np.random.Generator) -> np.ndarray:
    positions = np.flatnonzero(images.labels == of_class)
    pairs = positions[different_pairs(images.patients[positions], rng)[:MOST]]
    return np.array([ssim(*images.read(pair)) for pair in pairs])


def _figure(
    made: Sequence[np.ndarray],
    real: Sequence[np.ndarray],
    null: Mapping[str, float],
    settings: Evaluation,
    seed: int,
    *key: str,
) -> Metric:
    """The mean over classes, given the similarities of the pairs of each."""
    if not made or min(map(len, [*made, *real])) < MIN_ITEMS:
        reason = f"no class with {MIN_ITEMS} pairs of generated images and of two patients' images"
        return metric(None, "real", None, reason)

    def mean(*classes: np.ndarray) -> float:
        return float(np.mean([values.mean() for values in classes]))

    interval, none = bootstrap_interval(
        mean, made, settings.bootstrap, numpy_rng(seed, "pair similarity", *key), bounds=(-1, 1)
    )
    floor, doubt = mean(*real), None
    if interval and not interval[0] <= floor <= interval[1]:
        than = "more" if interval[0] > floor else "less"
        doubt = f"pairs are {than} alike than real ones ({floor:.3g})"
    return with_baselines(metric(mean(*made), "real", interval, doubt, none), floor, null)


def _nulls(images: Side, seed: int) -> dict[str, float]:
    """The similarity of noise and of a constant image; {} of images without a window."""
    some = images.read(np.arange(min(1, len(images.labels))))
    if not len(some) or min(some.shape[1:3]) < WINDOW:
        return {}
    pairs = noise(2 * MIN_ITEMS, some.shape[1:], 2, numpy_rng(seed, "pairs", "noise"))
    return {
        "noise": float(np.mean([ssim(*pair) for pair in pairs])),
        "constant": ssim(*next(constant(2, some, 2))),
    }
