"""Real images made small and enlarged again, by the model and without it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from medsynth.models.cascade.sampling import enlarger
from medsynth.models.cascade.settings import CascadeSampling
from medsynth.models.conditioning import condition
from medsynth.models.covariates import without_strange
from medsynth.models.resolution import area_averaged, enlarged
from medsynth.runtime.run import Run
from medsynth.runtime.seeding import sample_generators
from medsynth.runtime.tensors import to_network, to_uint8
from medsynth.store.models import Model
from medsynth.store.shards import Images

SETTINGS = CascadeSampling
BASELINE = "bicubic"


class Restored(NamedTuple):
    """A batch of real images, as the model enlarges their low resolution, and as bicubic
    interpolation does; each (B, H, W, C) uint8."""

    real: np.ndarray
    restored: np.ndarray
    baseline: np.ndarray


def restore(
    model: Model,
    images: Images,
    rows: pd.DataFrame,
    positions: np.ndarray,
    settings: CascadeSampling,
    run: Run,
) -> Iterator[Restored]:
    """Enlarge what is left of real images at the model's lower resolution.

    The noise of each is a function of (seed, label, item_id).

    Args:
        images: all images.
        rows: of the manifest, one for each image: label, item_id and covariates are read.
        positions: of those to restore.
        settings: as samples are drawn with, noise on the low resolution among them.
    """
    card = model.card
    size, low_size = card["image_size"], model.inputs["low"].card["settings"]["image_size"]
    rows = without_strange(rows, card.get("covariates", {}))
    enlarge = enlarger(model, settings, run)
    for start in range(0, len(positions), settings.batch):
        chosen = positions[start : start + settings.batch]
        some, real = rows.iloc[chosen], images.read(chosen)
        low = area_averaged(to_network(real, run.device), low_size)
        own = sample_generators(some["label"], some["item_id"], run.seed, run.device, "restored")
        restored = enlarge(low, condition(some, card, run.device), own)
        yield Restored(real, to_uint8(restored), to_uint8(enlarged(low, size)))
