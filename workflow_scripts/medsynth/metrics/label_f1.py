"""F1 of what the classifier sees against what was asked for, between guessing and real images."""

from __future__ import annotations

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.intervals import MIN_ITEMS, Metric, bootstrap_interval, counted, metric
from medsynth.runtime.seeding import numpy_rng

_SHUFFLES = 20  # whose mean is the chance


def macro_f1(seen: np.ndarray, asked: np.ndarray) -> float:
    """Mean of the classes' F1 = 2 TP / (2 TP + FP + FN), over the classes that were asked for.

    Args:
        seen: class index (n,) of the classifier's answer, -1 for none.
        asked: class index (n,).
    """
    scores = []
    for label in np.unique(asked):
        both = np.sum((seen == label) & (asked == label))
        scores.append(2 * both / (np.sum(seen == label) + np.sum(asked == label)))
    return float(np.mean(scores))


def label_f1(
    seen: np.ndarray,
    asked: np.ndarray,
    seen_of_real: np.ndarray,
    labels_of_real: np.ndarray,
    *,
    bootstrap: int,
    seed: int,
) -> Metric:
    """F1 of generated images, with that of held-out real ones (``floor``) and of guessing.

    ``chance`` is that of the same images beside the labels of other, shuffled images: what images
    reach that do not depend on what was asked for. The real ones are those of the classes that were
    asked for.
    """
    if len(asked) < MIN_ITEMS:
        reason = f"asked for {counted(len(asked), 'image')}, at least {MIN_ITEMS} are needed"
        return with_chance(metric(None, "higher", None, reason), None)
    rng = numpy_rng(seed, "label f1")
    shuffled = [macro_f1(seen, rng.permutation(asked)) for _ in range(_SHUFFLES)]
    interval, none = bootstrap_interval(
        lambda pairs: macro_f1(pairs[:, 0], pairs[:, 1]),
        [np.stack([seen, asked], axis=1)],
        bootstrap,
        rng,
        bounds=(0, 1),
    )
    found = with_chance(
        metric(macro_f1(seen, asked), "higher", interval, none), float(np.mean(shuffled))
    )
    if (real := np.isin(labels_of_real, asked)).any():
        found["floor"] = macro_f1(seen_of_real[real], labels_of_real[real])
    return found
