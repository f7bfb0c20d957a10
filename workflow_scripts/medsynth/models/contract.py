"""What a family takes and gives: the types between tasks, families and scripts.

A family is a folder with two modules, so that an edit of the sampler retrains nothing:

- `training`: ``SETTINGS``, the class of its settings, and ``train(data, settings, run)``, which
  returns :class:`Trained`;
- `sampling`, where it makes images: ``SETTINGS``, None where there are none, and
  ``generate(model, request, settings, run)``, an iterator of batches (B, H, W, C) of images.

What `data` and `request` are is the task's matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from medsynth.store.shards import ImageStore


@dataclass(frozen=True)
class LabelledImages:
    """What generation and classification train on.

    Attributes:
        images: of the training split, uint8.
        labels: (len(images),) indices into `classes`.
        classes: names.
    """

    images: ImageStore
    labels: np.ndarray
    classes: list[str]

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return self.images.manifest


@dataclass(frozen=True)
class TwoDomains:
    """What translation trains on.

    Attributes:
        images_a: of the training split, int16 HU without contrast medium.
        images_b: the same with it.
        pairs: (m, 2) positions into (images_a, images_b) of slices that show the same anatomy.
    """

    images_a: ImageStore
    images_b: ImageStore
    pairs: np.ndarray

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return pd.concat([self.images_a.manifest, self.images_b.manifest])


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes:
        state: weights.
        card: what else is needed to use them, as JSON values.
        history: CSV file of the curves (columns step, name, value).
    """

    state: Mapping[str, Tensor]
    card: dict[str, Any]
    history: Path


class Translation(NamedTuple):
    """What to translate: batches (B, H, W, C), all in one direction."""

    batches: Iterable[np.ndarray]
    direction: str
