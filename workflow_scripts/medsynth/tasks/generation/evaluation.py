"""Generated images against held-out patients' images, beside real and empty ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from medsynth.metrics.images import nulls
from medsynth.metrics.images.comparison import Group
from medsynth.metrics.images.draws import balanced
from medsynth.metrics.images.evaluation import evaluate_generation
from medsynth.metrics.images.pair_similarity import Side, pair_similarity
from medsynth.metrics.images.subgroups import (
    divisions_of,
    evaluate_subgroups,
    with_all_groups,
)
from medsynth.metrics.intervals import Metric
from medsynth.metrics.settings import Evaluation
from medsynth.metrics.subgroups import divide
from medsynth.models.classifier.extraction import extract
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.digests import digest_file
from medsynth.store.generated import Samples
from medsynth.store.manifests import TEST, TRAIN, class_indices, in_split, used
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table
from medsynth.tasks.generation.restoration import evaluate_restoration

BATCH = 256
MOST = 10_000  # images of a side; FID needs about as many, and more cost time
SPLIT, FLOOR_SPLIT = TEST, TRAIN


def evaluate(
    inputs: Any,
    cfg: dict[str, Any],
    identity: dict[str, str],
    run: Run,
    restoration: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Metrics with value, interval, floor, nulls, counts, feature extractor and split.

    And those of subgroups, if the settings name covariates.

    Args:
        inputs: of the rule: `manifest`, `shards`, `images`, `table`, and the classifier's
            `weights`, `card` and `judge` (its metrics).
        cfg: see :class:`Evaluation`.
        identity: experiment, cohort, family.
        restoration: of a family that restores real images, see :func:`evaluate_restoration`.

    Raises:
        SubgroupError: see :func:`.metrics.subgroups.divide`.
    """
    settings = Evaluation(**cfg)
    model, manifest, seed = (
        load_model(inputs.weights, inputs.card),
        read_table(inputs.manifest),
        run.seed,
    )
    held_out = in_split(manifest, SPLIT)
    whole = divide(held_out, settings, inputs.manifest)  # fails before images are read
    samples = Samples(inputs.images, inputs.table)
    classes, several = model.card["classes"], "combinations" in model.card
    left_out: dict[str, Any] = {}
    if several:
        manifest, classes, left_out = _comparable(manifest, samples.table)

    def held(split: str) -> tuple[ImageStore, np.ndarray]:
        """The images of a split, and positions of some among whom no patient has too many."""
        store = ImageStore(in_split(manifest, split), Path(inputs.shards[0]).parent)
        rng = numpy_rng(seed, "images", split)
        return store, np.sort(balanced(store.manifest["patient"].to_numpy(), MOST, rng))

    def seen(
        images: Iterable[np.ndarray], labels: np.ndarray, patients: pd.Series | None = None
    ) -> Group:
        """Batches of images as the classifier sees them."""
        return Group(
            *extract(model.state, model.card, images, run.device),
            labels,
            np.arange(len(labels)) if patients is None else patients.to_numpy(),
        )

    def seen_of(store: ImageStore, chosen: np.ndarray) -> Group:
        rows = store.manifest.iloc[chosen]
        images = batches(store, BATCH, chosen) if len(chosen) else ()
        return seen(images, class_indices(rows, classes), rows["patient"])

    real_store, tested = held(SPLIT)
    real = seen_of(real_store, tested)
    training_store, chosen = held(FLOOR_SPLIT)
    training, some = seen_of(training_store, chosen), training_store.read(chosen[:BATCH])
    generated = seen(batches(samples, BATCH), class_indices(samples.table, classes))
    n, asked_for_nothing = len(real), np.zeros(len(real), int)
    noise = nulls.noise(n, some.shape[1:], BATCH, numpy_rng(seed, "noise"))
    constant = nulls.constant(n, some, BATCH)
    empty = {"noise": seen(noise, asked_for_nothing), "constant": seen(constant, asked_for_nothing)}
    sides = real, training, generated, empty
    found = evaluate_generation(
        *sides,
        _judge(inputs.judge),
        settings,
        seed=seed,
        classes=classes,
        findings=_judges(inputs.judge, model.card["classes"]) if several else None,
    )
    pairs = (
        Side(generated.labels, generated.patients, samples.read),
        Side(training.labels, training.patients, lambda some: training_store.read(chosen[some])),
    )
    alike, alike_of = pair_similarity(*pairs, settings, seed=seed, classes=classes)
    found["metrics"]["pair_ssim"] = alike
    for name, each in found["per_class"].items():
        each["pair_ssim"] = alike_of[name]
    if restoration:

        def features(images: Iterable[np.ndarray]) -> np.ndarray:
            return extract(model.state, model.card, images, run.device).statistics

        found["metrics"] |= evaluate_restoration(
            inputs, restoration, real_store, features, training.features, settings, run
        )
    asked_for = set(samples.table["label"])
    if several:  # of other combinations there is nothing to tell
        found["per_class"] = {n: each for n, each in found["per_class"].items() if n in asked_for}
    tables = real_store.manifest.iloc[tested], training_store.manifest.iloc[chosen], samples.table
    compared = held_out["label"].isin(set(manifest["label"])).to_numpy()
    divisions = with_all_groups(divisions_of(*tables, settings, inputs.manifest), whole, compared)
    found |= evaluate_subgroups(*sides, divisions, settings, seed=seed, classes=classes)
    return {
        **identity,
        "split": SPLIT,
        "floor_split": FLOOR_SPLIT,
        "extractor": {"sha256": digest_file(inputs.weights)},
        "n_real": len(real),
        "n_generated": len(generated),
        **found,
        **left_out,
    }


def _judge(path: str) -> Metric:
    """How often the classifier is right about held-out images, or how well it tells findings."""
    metrics: dict[str, Metric] = json.loads(Path(path).read_text())["metrics"]
    if "balanced_accuracy" in metrics:
        return metrics["balanced_accuracy"]
    return {**metrics["auroc"], "figure": "mean AUROC"}


def _judges(path: str, findings: Sequence[str]) -> dict[str, Metric]:
    """How well the classifier tells each of its findings on held-out images."""
    per_class: dict[str, dict[str, Metric]] = json.loads(Path(path).read_text())["per_class"]
    return {name: {**per_class[name]["auroc"], "figure": "AUROC"} for name in findings}


def _comparable(
    manifest: pd.DataFrame, samples: pd.DataFrame
) -> tuple[pd.DataFrame, list[str], dict[str, Any]]:
    """The rows with combinations of findings that there are generated and training images of.

    Real images of rare combinations have no counterpart; how many are left out is told. If that is
    all of them, they are kept, and their metrics have the reason in place of a value.

    Returns:
        rows, all combinations that were generated or are among the rows, and ``not_compared``.
    """
    classes = sorted(set(samples["label"]))
    shared = set(classes) & set(in_split(manifest, FLOOR_SPLIT)["label"])
    held_out = in_split(manifest, SPLIT)["label"]
    others = held_out[~held_out.isin(shared)]
    left_out = {"images": len(others), "combinations": others.nunique()}
    if len(others) < len(held_out):
        manifest = manifest[manifest["label"].isin(shared)]
    else:
        classes = sorted({*classes, *used(manifest)["label"]})
    return manifest, classes, {"not_compared": left_out}
