"""Reports without a model, for the same images: what a generated one has to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from medsynth.metrics.text.overlap import rouge_l, words
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.shards import ImageStore, batches

BATCH = 256
MEDOID_OF = 300  # different reports; their similarities grow with the square
SIDE = 16  # pixels of what is compared of an image
NEIGHBOURS = 10_000  # training images among whom the nearest is looked for


def most_frequent(texts: Sequence[str]) -> str:
    """The report that most images have; of several the first in the alphabet."""
    counts = Counter(texts)
    return min(counts, key=lambda text: (-counts[text], text))


def medoid(texts: Sequence[str], seed: int) -> str:
    """The report that is most like all others: of highest mean ROUGE-L, each counted as often as it
    stands. Of more different ones than 300, some are drawn."""
    counts = Counter(texts)
    different = sorted(counts)
    if len(different) > MEDOID_OF:
        drawn = numpy_rng(seed, "medoid").choice(len(different), MEDOID_OF, replace=False)
        different = [different[k] for k in np.sort(drawn)]
    split = [words(text) for text in different]
    weights = np.array([counts[text] for text in different])
    likeness = np.array([[rouge_l(a, b) for b in split] for a in split])
    return different[int((likeness @ weights).argmax())]


def of_others(patients: np.ndarray, groups: Sequence[str], seed: int) -> np.ndarray:
    """For each of n reports the position of one of another patient in the same group, drawn.

    -1 where there is none.

    Args:
        patients: whose each report is.
        groups: what each must have in common with its other; all alike for any report.
    """
    rng, of = numpy_rng(seed, "others"), np.array(groups)
    found = np.full(len(patients), -1)
    for i in range(len(patients)):
        others = np.flatnonzero((of == of[i]) & (patients != patients[i]))
        if len(others):
            found[i] = rng.choice(others)
    return found


def nearest(images: ImageStore, training: ImageStore, seed: int) -> np.ndarray:
    """For each image the position of the training image with the nearest pixels (Euclidean)."""
    positions = np.arange(len(training))
    if len(positions) > NEIGHBOURS:
        drawn = numpy_rng(seed, "neighbours").choice(positions, NEIGHBOURS, replace=False)
        positions = np.sort(drawn)
    known = _coarse(training, positions)
    squares = (known**2).sum(1)
    seen = _coarse(images, np.arange(len(images)))
    return positions[[int((squares - 2 * known @ each).argmin()) for each in seen]]


def _coarse(images: ImageStore, positions: np.ndarray) -> np.ndarray:
    """(n, d) float64: means of parts of the images, 16 a side and fewer of small ones."""
    found = []
    for batch in batches(images, BATCH, positions):
        n, height, width, channels = batch.shape
        part = max(1, height // SIDE)
        cut = batch[:, : height // part * part, : width // part * part].astype(np.float64)
        parts = cut.reshape(n, height // part, part, width // part, part, channels)
        found.append(parts.mean((2, 4)).reshape(n, -1))
    return np.concatenate(found)
