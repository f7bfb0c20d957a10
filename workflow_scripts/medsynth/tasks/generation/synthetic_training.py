"""Classifiers trained on real, on synthetic and on both images, judged on real test patients.

The other way round than label agreement: do synthetic images teach what real ones show (Ravuri and
Vinyals 2019: classification accuracy score), and do they help where a class is rare? A logistic
regression on moments of grey or colour stands beside each row: what it reaches needs no image.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from medsynth.metrics.moments import moments, told_by_moments
from medsynth.metrics.substitution import substituted
from medsynth.models.classifier.extraction import extract
from medsynth.models.classifier.settings import ClassifierTraining
from medsynth.models.classifier.training import train
from medsynth.models.contract import LabelledImages
from medsynth.runtime.run import Run, TrainingRun
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.errors import MedsynthError
from medsynth.store.generated import Samples
from medsynth.store.manifests import (
    SPARE,
    TEST,
    TRAIN,
    USED,
    class_indices,
    classes_of,
    has_several,
    in_split,
)
from medsynth.store.shards import Images, ImageStore, batches
from medsynth.store.tables.parquet import read_table

BATCH = 256
REAL, SYNTHETIC, BOTH, UNCUT = "real", "synthetic", "real and synthetic", "real, no class rare"


class Joined:
    """Images of several stores, some of each, one after the other."""

    def __init__(self, parts: Sequence[tuple[Images, np.ndarray]]) -> None:
        self._stores = [store for store, _ in parts]
        self._of = np.repeat(np.arange(len(parts)), [len(chosen) for _, chosen in parts])
        self._at = np.concatenate([chosen for _, chosen in parts])

    def __len__(self) -> int:
        return len(self._at)

    def read(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
        """Images (n, H, W, C) at `positions`, in that order."""
        at = np.asarray(positions)
        return np.concatenate([self._stores[self._of[p]].read([self._at[p]]) for p in at])


class Row(NamedTuple):
    """What one classifier is trained on; labels are indices (n,)."""

    images: Joined
    labels: np.ndarray


def train_on_synthetic(
    inputs: Any, settings: ClassifierTraining, seeds: int, resamples: int, run: Run, work: Path
) -> dict[str, Any]:
    """Train a classifier for every row and seed, and judge all on the test split.

    No step is chosen by validation images, which would be real ones of the rare class, too.

    Args:
        inputs: of the rule: `manifest`, `shards`, and `images` and `table` of the samples.
        resamples: of test patients, behind the intervals.
        work: folder that outlives a kill; a training that ended is not repeated.

    Raises:
        MedsynthError: images have several findings, or those of a row lack a class.
    """
    manifest = read_table(inputs.manifest)
    if has_several(manifest):
        raise MedsynthError(
            f"{inputs.manifest}: images have several findings, of which no classes are made here;"
            " take the experiment out of synthetic_training.experiments"
        )
    folder, classes = Path(inputs.shards[0]).parent, classes_of(manifest)
    rows = training_rows(manifest, folder, Samples(inputs.images, inputs.table), classes, run.seed)
    _refuse_absent_classes(rows, classes, inputs)
    held_out = ImageStore(in_split(manifest, TEST), folder)
    labels = class_indices(held_out.manifest, classes)
    patients = held_out.manifest["patient"].to_numpy()
    seen = moments(held_out.read(np.arange(len(held_out))))
    answers, shortcut = {}, {}
    for name, row in rows.items():
        every = np.arange(len(row.labels))
        of_row = np.concatenate([moments(x) for x in batches(row.images, BATCH, every)])
        shortcut[name] = told_by_moments(of_row, row.labels, seen, len(classes))[None]
        data = LabelledImages(cast(ImageStore, row.images), row.labels, classes)
        given = []
        for k in range(seeds):
            at = work / f"{name.replace(', ', ' ').replace(' ', '_')}-{k}"
            at.mkdir(exist_ok=True)
            trained = train(data, settings, TrainingRun(run.seed + k, run.device, at))
            looks = extract(trained.state, trained.card, batches(held_out, BATCH), run.device)
            given.append(looks.probabilities.argmax(1))
        answers[name] = np.stack(given)
    judged = (labels, patients, classes, resamples, run.seed, REAL)
    return {
        "split": TEST,
        "n_real": len(held_out),
        "patients": len(np.unique(patients)),
        "seeds": [run.seed + k for k in range(seeds)],
        "trained_on": {
            name: {c: int(n) for c, n in zip(classes, np.bincount(row.labels), strict=True)}
            for name, row in rows.items()
        },
        "classifier": substituted(answers, *judged),
        "moments_alone": substituted(shortcut, *judged),
    }


def _refuse_absent_classes(rows: dict[str, Row], classes: Sequence[str], inputs: Any) -> None:
    """Who never saw a class would never answer it, which is no figure of how good images are.

    Raises:
        MedsynthError: a row has no image of a class.
    """
    for name, row in rows.items():
        if absent := [c for i, c in enumerate(classes) if i not in row.labels]:
            file, remedy = inputs.manifest, "divide the patients otherwise (split)"
            if name == SYNTHETIC:
                file, remedy = inputs.table, "draw all classes (sample.labels, sample.per_class)"
            raise MedsynthError(
                f"{file}: no {name} training images of {', '.join(absent)}, so no classifier of"
                f" them can know it; {remedy}, or take the experiment out of"
                " synthetic_training.experiments"
            )


def training_rows(
    manifest: pd.DataFrame, folder: Path, samples: Samples, classes: Sequence[str], seed: int
) -> dict[str, Row]:
    """What classifiers are trained on.

    Real images of the training split, with few of a class where `split.few` says so; all synthetic
    ones; the real ones with every class filled up to the largest one's number by synthetic ones,
    as far as there are; and, where a class was made rare, the real ones before.
    """
    training = ImageStore(in_split(manifest, TRAIN), folder)
    of_real = class_indices(training.manifest, classes)
    of_made = class_indices(samples.table, classes)
    real = (training, np.arange(len(training)))
    lacking = np.bincount(of_real, minlength=len(classes))
    lacking = lacking.max() - lacking
    rng = numpy_rng(seed, "synthetic training")
    filled = np.concatenate(
        [rng.permutation(np.flatnonzero(of_made == c))[:n] for c, n in enumerate(lacking)]
    )
    rows = {
        REAL: Row(Joined([real]), of_real),
        SYNTHETIC: Row(Joined([(samples, np.arange(len(of_made)))]), of_made),
        BOTH: Row(Joined([real, (samples, filled)]), np.concatenate([of_real, of_made[filled]])),
    }
    spare = manifest[(manifest["split"] == SPARE) & (manifest["reason"] == SPARE)]
    if len(spare):
        left_out = ImageStore(spare.assign(status=USED), folder)
        of_spare = class_indices(left_out.manifest, classes)
        parts = [real, (left_out, np.arange(len(left_out)))]
        rows[UNCUT] = Row(Joined(parts), np.concatenate([of_real, of_spare]))
    return rows
