"""How close generated images come to real ones, and whether they show what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from medsynth.metrics.baselines import with_accuracy, with_baselines
from medsynth.metrics.images.draws import counts_at_mix, drawn
from medsynth.metrics.images.feature_space import FeatureSpace
from medsynth.metrics.images.frechet import frechet_distance
from medsynth.metrics.images.inception_score import inception_score
from medsynth.metrics.images.kernel_distance import squared_mmd, subset_interval
from medsynth.metrics.images.label_agreement import label_agreement
from medsynth.metrics.images.neighbours import K_DENSITY, coverage, density, precision, recall
from medsynth.metrics.intervals import (
    MIN_ITEMS,
    Better,
    Interval,
    Metric,
    bootstrap_interval,
    counted,
    metric,
    share_interval,
)
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng

_FLOORS = 5  # draws of training images, whose mean is the floor

_FIGURES: dict[str, tuple[Better, Callable[[np.ndarray, np.ndarray], float]]] = {
    "fid": ("lower", frechet_distance),
    "kid": ("lower", squared_mmd),
    "precision": ("higher", lambda real, made: float(precision(real, made).mean())),
    "recall": ("higher", lambda real, made: float(recall(real, made).mean())),
    "density": ("higher", lambda real, made: float(density(real, made).mean())),
    "coverage": ("higher", lambda real, made: float(coverage(real, made).mean())),
}


@dataclass(frozen=True)
class Group:
    """Images as the classifier sees them.

    Attributes:
        features: (n, d), at first the statistics of its layers.
        probabilities: (n, k).
        labels: class index (n,); of generated images the one asked for.
        patients: whose each image is, (n,); a generated or empty image is its own.
    """

    features: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    def __len__(self) -> int:
        return len(self.features)

    def at(self, positions: np.ndarray) -> Group:
        return Group(*(values[positions] for values in vars(self).values()))


def evaluate_generation(
    real: Group,
    training: Group,
    generated: Group,
    nulls: Mapping[str, Group],
    accuracy: Metric,
    settings: Evaluation,
    *,
    seed: int,
    classes: Sequence[str],
) -> dict[str, Any]:
    """Every generation metric, overall and per class, beside its floor and its nulls.

    All are compared with the same real images: N generated ones, N of training patients (the
    floor) and N that show nothing, each time in the classes' proportions among the real images.
    Label agreement alone looks at all generated images.

    Args:
        real: images of held-out patients, no patient more than others.
        training: images of training patients, to which the feature space is fitted.
        generated: images of the model.
        nulls: images that show nothing, by name, as many as real ones; their labels do not matter.
        accuracy: the classifier's balanced accuracy on held-out real images, with ``chance``.
        settings: KID subsets and bootstrap resamples.
        seed: decides draws, subsets and resamples.
        classes: k names.

    Returns:
        ``n`` images compared, ``mix`` {class: how many of them}, ``metrics`` {name: Metric} and
        ``per_class`` {class: {name: Metric}}.

    Raises:
        ValueError: a feature or probability is not finite.
    """
    named = {"real": real, "training": training, "generated": generated, **nulls}
    for name, group in named.items():
        if not (np.isfinite(group.features).all() and np.isfinite(group.probabilities).all()):
            raise ValueError(
                f"features of {name} images are not all finite; check the classifier's training"
                " curve"
            )
    if len(training) >= MIN_ITEMS:
        space = FeatureSpace.fit(training.features)
        named = {n: replace(g, features=space(g.features)) for n, g in named.items()}
    real, training, generated, *empty = named.values()
    nulls = dict(zip(nulls, empty, strict=True))
    counts, few = _counts(real, training, generated, classes)
    metrics = _compare(_FIGURES, real, training, generated, nulls, counts, few, settings, seed)
    metrics["inception_score"] = _inception(real, generated, nulls, counts, few, settings, seed)
    agreement, agreement_per_class = label_agreement(
        generated.probabilities, generated.labels, classes
    )
    metrics["label_agreement"] = with_accuracy(agreement, accuracy)
    per_class = {}
    for i, name in enumerate(classes):
        of_class = [g.at(np.flatnonzero(g.labels == i)) for g in (real, training, generated)]
        drawn_of_it = _counts(*of_class, classes)
        key = ("class", name)
        found = _compare(("fid", "kid"), *of_class, nulls, *drawn_of_it, settings, seed, *key)
        agreed = with_accuracy(agreement_per_class[name], accuracy)
        per_class[name] = {**found, "label_agreement": agreed}
    mix = dict(zip(classes, counts.tolist(), strict=True))
    return {"n": int(counts.sum()), "mix": mix, "metrics": metrics, "per_class": per_class}


def _counts(
    real: Group, training: Group, generated: Group, classes: Sequence[str]
) -> tuple[np.ndarray, str | None]:
    """Images (k,) of each class that can be compared, and why they are too few."""
    mix, *sides = (
        np.bincount(g.labels, minlength=len(classes)) for g in (real, training, generated)
    )
    counts = counts_at_mix(mix, sides)
    lacking = [
        f"no {name} images of {', '.join(np.array(classes)[missing])}"
        for name, side in zip(("training", "generated"), sides, strict=True)
        if (missing := (mix > 0) & (side == 0)).any()
    ]
    least = K_DENSITY + 1  # a neighbourhood needs them; and five have too few resamples
    if lacking:
        return counts, f"{' and '.join(lacking)}, which {counted(mix.sum(), 'real one')} show"
    if min(counts.sum(), mix.sum()) < least:
        against = f"{counted(counts.sum(), 'image')} against {counted(mix.sum(), 'real one')}"
        return counts, f"{against}, at least {least} are needed"
    return counts, None


def _compare(
    names: Iterable[str],
    real: Group,
    training: Group,
    generated: Group,
    nulls: Mapping[str, Group],
    counts: np.ndarray,
    few: str | None,
    settings: Evaluation,
    seed: int,
    *key: str,
) -> dict[str, Metric]:
    """The named figures of generated images, beside those of training images and of nulls."""
    if few:
        return {name: metric(None, _FIGURES[name][0], None, few) for name in names}

    def draw(group: Group, *purpose: str | int) -> Group:
        rng = numpy_rng(seed, *key, *purpose)
        return group.at(drawn(group.labels, group.patients, counts, rng))

    made = draw(generated, "generated")
    floors = [draw(training, "floor", i).features for i in range(_FLOORS)]
    empty = {name: group.features[: counts.sum()] for name, group in nulls.items()}
    found = {}
    for name in names:
        better, figure = _FIGURES[name]
        doubt = _singular(real, counts) if name == "fid" else None
        if key and doubt:
            # Classes differ in size, and this distance would compare sizes.
            found[name] = metric(None, better, None, f"{doubt}; see KID")
            continue
        value = figure(real.features, made.features)
        interval, none = _interval(name, real, made, settings, numpy_rng(seed, *key, name))
        floor = float(np.mean([figure(real.features, f) for f in floors]))
        null = {kind: figure(real.features, f) for kind, f in empty.items()}
        found[name] = with_baselines(metric(value, better, interval, doubt, none), floor, null)
    return found


def _singular(real: Group, counts: np.ndarray) -> str | None:
    fewest, d = min(len(real), int(counts.sum())), real.features.shape[1]
    if fewest > d:
        return None
    return (
        f"{fewest} images for {d} features: the covariance is singular and the distance too large"
    )


def _interval(
    name: str, real: Group, made: Group, settings: Evaluation, rng: np.random.Generator
) -> tuple[Interval | None, str | None]:
    """95 % interval, or why there is none. Neighbourhoods are taken as they are."""
    x, y = real.features, made.features
    if name == "fid":
        return bootstrap_interval(
            frechet_distance,
            [x, y],
            settings.bootstrap,
            rng,
            patients=[real.patients, None],
            bounds=(0, np.inf),
        )
    if name == "kid":
        size = min(settings.kid_subset_size, min(len(x), len(y)) // 2)
        return subset_interval(x, y, settings.kid_subsets, size, rng, real.patients)
    if name == "density":
        crowds = density(x, y)
        return bootstrap_interval(np.mean, [crowds], settings.bootstrap, rng, bounds=(0, np.inf))
    if name == "precision":
        return share_interval(precision(x, y)), None
    return share_interval({"recall": recall, "coverage": coverage}[name](x, y), real.patients), None


def _inception(
    real: Group,
    generated: Group,
    nulls: Mapping[str, Group],
    counts: np.ndarray,
    few: str | None,
    settings: Evaluation,
    seed: int,
) -> Metric:
    """Inception Score over one split of all N; its floor is that of the real images themselves.

    The classifier was trained on the training images, of whose classes it is surer.
    """
    if few:
        return metric(None, "higher", None, few)
    own, made = (
        g.probabilities[drawn(g.labels, g.patients, counts, numpy_rng(seed, name))]
        for g, name in ((real, "real"), (generated, "generated"))
    )
    interval, none = bootstrap_interval(
        inception_score,
        [made],
        settings.bootstrap,
        numpy_rng(seed, "inception score"),
        bounds=(1, made.shape[1]),
    )
    null = {n: inception_score(g.probabilities[: counts.sum()]) for n, g in nulls.items()}
    score = metric(inception_score(made), "higher", interval, none)
    return {**with_baselines(score, inception_score(own), null), "splits": 1}
