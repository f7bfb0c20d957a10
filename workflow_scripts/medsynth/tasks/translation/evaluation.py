"""Translated images of the held-out patients against the truth or the paired images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.metrics.intervals import Metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import by_subgroup, divide
from medsynth.metrics.translation.evaluation import evaluate_translation
from medsynth.metrics.translation.measures import Case, mean_of, measure_pairs, regions_of
from medsynth.models.contract import directions_of
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.generated import Samples
from medsynth.store.manifests import MASK, TEST, TRAIN, in_split
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.translation.reference import Reference, domains_of, reference_of

SHIFTED = 256  # training images of a domain, at most, whose mean values are compared


def evaluate(
    inputs: Any, cfg: dict[str, Any], identity: dict[str, str], run: Run
) -> dict[str, Any]:
    """Metrics over both directions, for each, and of subgroups, beside doing nothing.

    Beside these stands the source with the mean difference of the domains added, which is that of
    training images. Where images and targets are registered, the error is also measured apart in
    the regions of :func:`.measures.regions_of`. Subgroups are of the pairs that can be measured, by
    the source of each.

    Args:
        inputs: of the rule: `manifest`, `shards`, `images`, `table`, and the model's `card`.
        cfg: see :class:`Evaluation`.
        identity: experiment, cohort, family.

    Raises:
        SubgroupError: see :func:`.metrics.subgroups.divide`.
    """
    settings = Evaluation(**cfg)
    card = json.loads(Path(inputs.card).read_text())
    manifest, folder = read_table(inputs.manifest), Path(inputs.shards[0]).parent
    store = ImageStore(in_split(manifest, TEST), folder)
    translated = Samples(inputs.images, inputs.table)
    table = translated.table
    reference = reference_of(table, store)
    paired, source = reference.rows, reference.source
    divisions = divide(store.manifest.iloc[source], settings, inputs.manifest)
    shifts = _shifts(ImageStore(in_split(manifest, TRAIN), folder), run.seed)
    measured = measure_pairs(_cases(store, translated, reference, shifts), tuple(card["hu_range"]))
    patients = store.manifest["patient"].to_numpy()[source]
    directions = table["label"].to_numpy()[paired]

    def metrics_of(rows: np.ndarray) -> dict[str, Metric]:
        return evaluate_translation(
            measured.iloc[rows], settings, seed=run.seed, patients=patients[rows]
        )

    shown = np.flatnonzero(measured["body"])  # a patient of whom nothing is measured hides nobody
    subgroups = by_subgroup(
        {name: groups.iloc[shown] for name, groups in divisions.items()},
        patients[shown],
        lambda rows: metrics_of(shown[rows]),
        settings,
    )
    return {
        **identity,
        "split": TEST,
        "extractor": None,
        "reference": reference.kind,
        "notes": card.get("notes", []),
        "n_real": len(paired),
        "n_generated": len(table),
        "metrics": metrics_of(np.full(len(source), True)),
        "per_class": {name: metrics_of(directions == name) for name in np.unique(table["label"])},
        **subgroups,
    }


def _cases(
    store: ImageStore, translated: Samples, reference: Reference, shifts: dict[str, float]
) -> Iterator[Case]:
    """What is measured of every translation that has a target."""
    directions = translated.table["label"].to_numpy()
    shares = store.manifest.get("mask_share", pd.Series(np.nan, store.manifest.index))
    has_mask = shares.notna().to_numpy()
    for k, (row, source) in enumerate(zip(reference.rows, reference.source, strict=True)):
        before, target = store.read([source])[0], reference.read(store, np.array([k]))[0]
        mask = None
        if has_mask[reference.target[k]]:
            mask = store.read([reference.target[k]], MASK)[0]
        regions = regions_of(before, target, mask) if reference.registered else {}
        shift = shifts.get(directions[row])
        yield Case(before, translated.read([row])[0], target, regions, shift)


def _shifts(training: ImageStore, seed: int) -> dict[str, float]:
    """What to add to an image, by direction: the difference of the domains' means in training."""
    labels, means = training.manifest["label"].to_numpy(), []
    domains = domains_of(training.manifest)
    for label in domains:
        of_it = np.flatnonzero(labels == label)
        if not len(of_it):
            return {}
        some = numpy_rng(seed, "shift", label).permutation(of_it)[:SHIFTED]
        means.append(mean_of(training.read(some)))
    difference = means[1] - means[0]
    return dict(zip(directions_of(domains), (difference, -difference), strict=True))
