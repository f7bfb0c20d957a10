"""How close generated images come to real ones, and whether they show what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medsynth.metrics.baselines import with_accuracy, with_baselines
from medsynth.metrics.images.comparison import (
    FIGURES,
    Group,
    compare,
    counts_of,
    in_feature_space,
)
from medsynth.metrics.images.draws import drawn
from medsynth.metrics.images.inception_score import inception_score
from medsynth.metrics.images.label_agreement import label_agreement
from medsynth.metrics.intervals import Metric, bootstrap_interval, metric
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng


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
    real, training, generated, nulls = in_feature_space(real, training, generated, nulls)
    counts, few = counts_of(real, training, generated, classes)
    metrics = compare(FIGURES, real, training, generated, nulls, counts, few, settings, seed)
    metrics["inception_score"] = _inception(real, generated, nulls, counts, few, settings, seed)
    agreement, agreement_per_class = label_agreement(
        generated.probabilities, generated.labels, classes
    )
    metrics["label_agreement"] = with_accuracy(agreement, accuracy)
    per_class = {}
    for i, name in enumerate(classes):
        of_class = [g.at(np.flatnonzero(g.labels == i)) for g in (real, training, generated)]
        drawn_of_it = counts_of(*of_class, classes)
        key = ("class", name)
        found = compare(("fid", "kid"), *of_class, nulls, *drawn_of_it, settings, seed, *key)
        agreed = with_accuracy(agreement_per_class[name], accuracy)
        per_class[name] = {**found, "label_agreement": agreed}
    mix = dict(zip(classes, counts.tolist(), strict=True))
    return {"n": int(counts.sum()), "mix": mix, "metrics": metrics, "per_class": per_class}


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
