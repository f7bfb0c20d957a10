"""Translated CT slices of the held-out patients against their paired target slices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from medsynth.cohorts.ct.pairs import positions_of
from medsynth.metrics.intervals import Metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import by_subgroup, divide
from medsynth.metrics.translation.evaluation import evaluate_translation, measure_pairs
from medsynth.runtime.run import Run
from medsynth.store.generated import Samples
from medsynth.store.manifests import TEST, in_split
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table


def evaluate(
    inputs: Any, cfg: dict[str, Any], identity: dict[str, str], run: Run
) -> dict[str, Any]:
    """Metrics over both directions, for each, and of subgroups, against the do-nothing baseline.

    Subgroups are of the pairs that can be measured, by the source of each.

    Args:
        inputs: of the rule: `manifest`, `shards`, `images`, `table`, and the model's `card`.
        cfg: see :class:`Evaluation`.
        identity: experiment, cohort, family.

    Raises:
        SubgroupError: see :func:`.metrics.subgroups.divide`.
    """
    settings = Evaluation(**cfg)
    card = json.loads(Path(inputs.card).read_text())
    store = ImageStore(in_split(read_table(inputs.manifest), TEST), Path(inputs.shards[0]).parent)
    translated = Samples(inputs.images, inputs.table)
    table = translated.table
    paired = np.flatnonzero(table["target_item"].notna())
    source = positions_of(table["source_item"].iloc[paired], store.manifest)
    target = positions_of(table["target_item"].iloc[paired], store.manifest)
    divisions = divide(store.manifest.iloc[source], settings, inputs.manifest)
    pairs = (
        (store.read([s])[0], translated.read([k])[0], store.read([t])[0])
        for s, k, t in zip(source.tolist(), paired.tolist(), target.tolist(), strict=True)
    )
    measured = measure_pairs(pairs, tuple(card["hu_range"]))
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
        "n_real": len(paired),
        "n_generated": len(table),
        "metrics": metrics_of(np.full(len(source), True)),
        "per_class": {name: metrics_of(directions == name) for name in np.unique(table["label"])},
        **subgroups,
    }
