"""The classifier on the real images of patients it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medsynth.metrics.classification import held_out_metrics
from medsynth.metrics.classified_subgroups import FINDINGS, ONE_LABEL, by_classified_subgroup
from medsynth.metrics.findings import held_out_findings
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import divide
from medsynth.models.classifier.extraction import extract
from medsynth.runtime.run import Run
from medsynth.store.manifests import TEST, class_indices, in_split, multi_hot
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table

BATCH = 256


def evaluate(
    inputs: Any, cfg: dict[str, Any], identity: dict[str, str], run: Run
) -> dict[str, Any]:
    """Metrics on the test split and of its subgroups.

    They are those of :func:`held_out_metrics` or, where images have several findings, of
    :func:`held_out_findings`.

    Args:
        inputs: of the rule: `weights`, `card`, `manifest`, `shards`.
        cfg: see :class:`Evaluation`.

    Raises:
        SubgroupError: see :func:`.metrics.subgroups.divide`.
    """
    settings = Evaluation(**cfg)
    model = load_model(inputs.weights, inputs.card)
    classes = model.card["classes"]
    store = ImageStore(in_split(read_table(inputs.manifest), TEST), Path(inputs.shards[0]).parent)
    divisions = divide(store.manifest, settings, inputs.manifest)
    images = batches(store, BATCH) if len(store) else ()
    answers = extract(model.state, model.card, images, run.device).probabilities
    rows, patients = store.manifest, store.manifest["patient"].to_numpy()
    several = "combinations" in model.card
    truth = multi_hot(rows["label"], classes) if several else class_indices(rows, classes)

    def judged(some: np.ndarray) -> dict[str, Any]:
        sides = answers[some], truth[some], patients[some], classes
        if several:
            return held_out_findings(*sides, settings.bootstrap, run.seed)
        return held_out_metrics(*sides)

    found = judged(np.full(len(store), True))
    if divisions:
        figures = FINDINGS if several else ONE_LABEL
        found |= by_classified_subgroup(divisions, patients, judged, figures, settings)
    return found
