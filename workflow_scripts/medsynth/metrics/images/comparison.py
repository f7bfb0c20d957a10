"""A figure of generated images, beside that of training images and of images that show nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from medsynth.metrics.baselines import with_baselines
from medsynth.metrics.images.draws import counts_at_mix, drawn
from medsynth.metrics.images.feature_space import FeatureSpace
from medsynth.metrics.images.frechet import frechet_distance, singular
from medsynth.metrics.images.kernel_distance import squared_mmd, subset_interval
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

FIGURES: dict[str, tuple[Better, Callable[[np.ndarray, np.ndarray], float]]] = {
    "fid": ("lower", frechet_distance),
    "sfid": ("lower", frechet_distance),  # of the features by place (Nash et al. 2021, sec. 4.1)
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
        places: (n, d'), at first the values of a map, which know where in an image something lies.
        probabilities: (n, k).
        labels: class index (n,); of generated images the one asked for.
        patients: whose each image is, (n,); a generated or empty image is its own.
    """

    features: np.ndarray
    places: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    patients: np.ndarray

    def __len__(self) -> int:
        return len(self.features)

    def at(self, positions: np.ndarray) -> Group:
        return Group(*(values[positions] for values in vars(self).values()))

    def compared_by(self, figure: str) -> np.ndarray:
        """What a figure compares of the images."""
        return self.places if figure == "sfid" else self.features


def in_feature_space(
    real: Group, training: Group, generated: Group, nulls: Mapping[str, Group]
) -> tuple[Group, Group, Group, dict[str, Group]]:
    """The groups with the features of the space that is fitted to the training images.

    Raises:
        ValueError: a feature or probability is not finite.
    """
    named = {"real": real, "training": training, "generated": generated, **nulls}
    for name, group in named.items():
        seen = group.features, group.places, group.probabilities
        if not all(np.isfinite(part).all() for part in seen):
            raise ValueError(
                f"features of {name} images are not all finite; check the classifier's training"
                " curve"
            )
    if len(training) >= MIN_ITEMS:
        space, of_places = FeatureSpace.fit(training.features), FeatureSpace.fit(training.places)
        named = {
            n: replace(g, features=space(g.features), places=of_places(g.places))
            for n, g in named.items()
        }
    real, training, generated, *empty = named.values()
    return real, training, generated, dict(zip(nulls, empty, strict=True))


def counts_of(
    real: Group,
    training: Group,
    generated: Group,
    classes: Sequence[str],
    most: int | None = None,
) -> tuple[np.ndarray, str | None]:
    """Images (k,) of each class that can be compared, and why they are too few.

    Args:
        most: images of all classes together, if fewer shall be compared than can be.
    """
    mix, *sides = (
        np.bincount(g.labels, minlength=len(classes)) for g in (real, training, generated)
    )
    counts = counts_at_mix(mix, sides, most)
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


def compare(
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
    """The named figures of generated images, beside those of training images and of nulls.

    Args:
        names: keys of FIGURES.
        real: what all are compared with.
        training, generated, nulls: what is drawn from, see :func:`evaluate_generation`.
        counts: images (k,) of each class to draw.
        few: why nothing can be compared.
        key: what part of the whole it is, for the random draws; no FID of fewer images than
            features is given of a part. sFID compares what is seen by place, in a space of its own.
    """
    if few:
        return {name: metric(None, FIGURES[name][0], None, few) for name in names}

    def draw(group: Group, *purpose: str | int) -> Group:
        rng = numpy_rng(seed, *key, *purpose)
        return group.at(drawn(group.labels, group.patients, counts, rng))

    made = draw(generated, "generated")
    floors = [draw(training, "floor", i) for i in range(_FLOORS)]
    empty = {name: group.at(np.arange(counts.sum())) for name, group in nulls.items()}
    found = {}
    for name in names:
        better, figure = FIGURES[name]
        x = real.compared_by(name)
        doubt = (
            singular(min(len(x), int(counts.sum())), x.shape[1])
            if figure is frechet_distance
            else None
        )
        if key and doubt:
            # Classes differ in size, and this distance would compare sizes.
            found[name] = metric(None, better, None, f"{doubt}; see KID")
            continue
        value = figure(x, made.compared_by(name))
        interval, none = _interval(name, real, made, settings, numpy_rng(seed, *key, name))
        floor = float(np.mean([figure(x, f.compared_by(name)) for f in floors]))
        null = {kind: figure(x, f.compared_by(name)) for kind, f in empty.items()}
        found[name] = with_baselines(metric(value, better, interval, doubt, none), floor, null)
    return found


def _interval(
    name: str, real: Group, made: Group, settings: Evaluation, rng: np.random.Generator
) -> tuple[Interval | None, str | None]:
    """95 % interval, or why there is none. Neighbourhoods are taken as they are."""
    x, y = real.compared_by(name), made.compared_by(name)
    if name in ("fid", "sfid"):
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
