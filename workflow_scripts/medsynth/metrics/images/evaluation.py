"""How close generated images come to real ones, and whether they show what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medsynth.metrics.baselines import with_accuracy, with_baselines
from medsynth.metrics.findings import finding_figures, judged, mean_of_findings
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
from medsynth.metrics.label_f1 import label_f1
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.manifests import multi_hot

NO_DISTRIBUTION = (
    "an image may have several findings: the classifier's answers are no distribution over classes"
)


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
    findings: Mapping[str, Metric] | None = None,
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
        accuracy: the classifier's balanced accuracy on held-out real images, or its mean area under
            the ROC curve for findings, with ``chance``.
        settings: KID subsets and bootstrap resamples.
        seed: decides draws, subsets and resamples.
        classes: k names; of images with several findings, their combinations.
        findings: where images have several: in the order of probabilities how well the classifier
            tells each on held-out real images, as ``accuracy``.

    Returns:
        ``n`` images compared, ``mix`` {class: how many of them}, ``metrics`` {name: Metric} and
        ``per_class`` {class: {name: Metric}}; of findings also ``per_finding``.

    Raises:
        ValueError: a feature or probability is not finite.
    """
    real, training, generated, nulls = in_feature_space(real, training, generated, nulls)
    counts, few = counts_of(real, training, generated, classes)
    metrics = compare(FIGURES, real, training, generated, nulls, counts, few, settings, seed)
    if findings is None:
        metrics["inception_score"] = _inception(real, generated, nulls, counts, few, settings, seed)
        predicted, per_finding = generated.probabilities.argmax(1), {}
        of_real = real.probabilities.argmax(1)
    else:
        metrics["inception_score"] = metric(None, "higher", None, NO_DISTRIBUTION)
        predicted, of_real = (
            seen_combination(g.probabilities, classes, list(findings)) for g in (generated, real)
        )
        control = _finding_agreement(generated, classes, findings, settings, seed)
        metrics["finding_agreement"] = with_accuracy(mean_of_findings(control), accuracy)
        per_finding = {"per_finding": {f: {"finding_agreement": m} for f, m in control.items()}}
    agreement, agreement_per_class = label_agreement(predicted, generated.labels, classes)
    metrics["label_agreement"] = with_accuracy(agreement, accuracy)
    f1 = label_f1(
        predicted, generated.labels, of_real, real.labels, bootstrap=settings.bootstrap, seed=seed
    )
    metrics["label_f1"] = with_accuracy(f1, accuracy)
    per_class = {}
    for i, name in enumerate(classes):
        x, y, z = (g.at(np.flatnonzero(g.labels == i)) for g in (real, training, generated))
        of_it, too_few = counts_of(x, y, z, classes)
        key = ("class", name)
        found = compare(("fid", "kid"), x, y, z, nulls, of_it, too_few, settings, seed, *key)
        agreed = with_accuracy(agreement_per_class[name], accuracy)
        per_class[name] = {**found, "label_agreement": agreed}
    mix = dict(zip(classes, counts.tolist(), strict=True))
    whole = {"n": int(counts.sum()), "mix": mix, "metrics": metrics, "per_class": per_class}
    return whole | per_finding


def seen_combination(
    probabilities: np.ndarray, classes: Sequence[str], findings: Sequence[str]
) -> np.ndarray:
    """Index (n,) of the class whose findings are those that the classifier sees, -1 for none.

    It sees a finding that it holds for more likely than not; its loss weighs both sides alike.
    """
    same = ((probabilities > 0.5)[:, None] == (multi_hot(classes, findings) > 0)).all(2)
    return np.where(same.any(1), same.argmax(1), -1)


def _finding_agreement(
    generated: Group,
    classes: Sequence[str],
    findings: Mapping[str, Metric],
    settings: Evaluation,
    seed: int,
) -> dict[str, Metric]:
    """How well the classifier tells images asked for with a finding from those without.

    Of a finding by which the classifier itself could not be judged there is no figure.
    """
    names = list(findings)
    asked = multi_hot(classes, names)[generated.labels]
    found = finding_figures(
        generated.probabilities, asked, generated.patients, names, settings.bootstrap, seed
    )
    known = judged(findings)
    return {
        name: with_accuracy(
            figures["auroc"] if name in known else {**metric(None, "higher"), "chance": 0.5},
            findings[name],
        )
        for name, figures in found.items()
    }


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
