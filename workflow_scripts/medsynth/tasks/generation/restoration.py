"""What a model makes of held-out real images that it was shown at low resolution only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

import numpy as np

from medsynth.metrics.images.draws import balanced
from medsynth.metrics.images.feature_space import FeatureSpace
from medsynth.metrics.intervals import MIN_ITEMS, Metric
from medsynth.metrics.restoration import Side, restoration_metrics
from medsynth.metrics.settings import Evaluation
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import numpy_rng
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore

MOST = 256  # images, which cost as much as drawing so many


def evaluate_restoration(
    inputs: Any,
    restoration: dict[str, Any],
    held_out: ImageStore,
    features: Callable[[Iterable[np.ndarray]], np.ndarray],
    trained_on: np.ndarray,
    settings: Evaluation,
    run: Run,
) -> dict[str, Metric]:
    """Figures of restored real images, see :func:`restoration_metrics`.

    Args:
        inputs: of the rule: `model` and `model_card`.
        restoration: the family's `module` and its `settings`, as samples are drawn with.
        held_out: real images that nothing was trained on.
        features: what the classifier sees in batches of images, (n, d).
        trained_on: the same of training images, to which the feature space is fitted.
    """
    family = import_module(restoration["module"])
    model = load_model(inputs.model, inputs.model_card)
    how = family.SETTINGS(**restoration["settings"])
    patients = held_out.manifest["patient"].to_numpy()
    chosen = np.sort(balanced(patients, MOST, numpy_rng(run.seed, "restored")))
    batches = list(family.restore(model, held_out, held_out.manifest, chosen, how, run))
    space = FeatureSpace.fit(trained_on) if len(trained_on) >= MIN_ITEMS else np.asarray
    real, restored, plain = (
        Side(np.concatenate(part), space(features(part))) for part in zip(*batches, strict=True)
    )
    sides = real, restored, plain, family.BASELINE
    return restoration_metrics(*sides, patients[chosen], settings, run.seed)
