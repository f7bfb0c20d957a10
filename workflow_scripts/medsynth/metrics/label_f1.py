"""F1 of what the classifier sees against what was asked for, between guessing and real images."""

from __future__ import annotations

import numpy as np

from medsynth.metrics.baselines import with_chance
from medsynth.metrics.intervals import MIN_ITEMS, Metric, bootstrap_interval, counted, metric
from medsynth.runtime.seeding import numpy_rng


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


def shuffled_f1(seen: np.ndarray, asked: np.ndarray) -> float:
    """The mean of :func:`macro_f1` over all orders of `asked`.

    TP is then hypergeometric, of mean (n seen as the class) (n asked for) / n, and all else in F1
    stays. It is also what images drawn anew with shuffled prompts reach in the mean, since an image
    is a function of its prompt and of noise that knows nothing of it.
    """
    counts = [(np.sum(seen == label), np.sum(asked == label)) for label in np.unique(asked)]
    return float(np.mean([2 * a * b / (a + b) for a, b in counts])) / len(asked)


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

    ``chance`` is the mean over all ways to shuffle what was asked for among these images, see
    :func:`shuffled_f1`: what images reach that do not depend on it. The real ones are those of the
    classes that were asked for.
    """
    if len(asked) < MIN_ITEMS:
        reason = f"asked for {counted(len(asked), 'image')}, at least {MIN_ITEMS} are needed"
        return with_chance(metric(None, "higher", None, reason), None)
    rng = numpy_rng(seed, "label f1")
    interval, none = bootstrap_interval(
        lambda pairs: macro_f1(pairs[:, 0], pairs[:, 1]),
        [np.stack([seen, asked], axis=1)],
        bootstrap,
        rng,
        bounds=(0, 1),
    )
    value = metric(macro_f1(seen, asked), "higher", interval, none)
    found = with_chance(value, shuffled_f1(seen, asked))
    if (real := np.isin(labels_of_real, asked)).any():
        found["floor"] = macro_f1(seen_of_real[real], labels_of_real[real])
    return found
