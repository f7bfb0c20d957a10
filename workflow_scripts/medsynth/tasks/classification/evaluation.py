"""The classifier on the real images of patients it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsynth.metrics.classification import held_out_metrics
from medsynth.models.classifier.extraction import extract
from medsynth.runtime.run import Run
from medsynth.store.manifests import class_indices, in_split
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table

BATCH = 256


def evaluate(
    inputs: Any, cfg: dict[str, Any], identity: dict[str, str], run: Run
) -> dict[str, Any]:
    """Metrics on the test split, as :func:`held_out_metrics` gives them.

    Args:
        inputs: of the rule: `weights`, `card`, `manifest`, `shards`.
    """
    model = load_model(inputs.weights, inputs.card)
    classes = model.card["classes"]
    store = ImageStore(in_split(read_table(inputs.manifest), "test"), Path(inputs.shards[0]).parent)
    images = batches(store, BATCH) if len(store) else ()
    answers = extract(model.state, model.card, images, run.device).probabilities
    truth = class_indices(store.manifest, classes)
    return held_out_metrics(answers, truth, store.manifest["patient"].to_numpy(), classes)
