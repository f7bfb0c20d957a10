"""What a family takes and gives: the types between tasks, families and scripts.

A family is a folder with two modules, so that an edit of the sampler retrains nothing:

- `training`: ``SETTINGS``, the class of its settings, and ``train(data, settings, run)``, which
  returns :class:`Trained`;
- `sampling`, where it makes images: ``SETTINGS``, None where there are none, and
  ``generate(model, request, settings, run)``, an iterator of batches (B, H, W, C) of images as the
  cohort has them: its size and channels, uint8 (of CT int16 HU). :func:`as_wanted` refuses others.
  Of reporting they are batches of tokens. Where a trained model cannot do all that these settings
  ask for, ``unable(model, settings)`` says why, or None: who asks it from Python or by ``medsynth
  sample`` is refused before anything is made.

A family of generation that :attr:`~medsynth.models.settings.FamilyExperiment.restores` real images
has a third module, `restoration`: ``SETTINGS``, those of `sampling`; ``BASELINE``, the name of what
does the same without a model; and ``restore(model, images, rows, positions, settings, run)``, an
iterator of batches (real, restored, by the baseline).

What `data` and `request` are is the task's matter: of generation the request is a table, a row an
image, with the columns label, number (within its label) and those that
:func:`medsynth.models.conditioning.wanted` adds.

A family that rests on other models finds them by role in `data.models` and `model.inputs`; where it
takes several families, it imports the module of one at hand by the name
``medsynth.models.<card["family"]>.sampling`` (of a classifier ``extraction``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from medsynth.runtime.seeding import batch_positions
from medsynth.runtime.settings import ImageForm
from medsynth.store.errors import MedsynthError
from medsynth.store.models import Model
from medsynth.store.shards import Images, ImageStore

Comparison = Callable[[np.ndarray, np.ndarray], np.ndarray]


class KnownImages(Images, Protocol):
    """Images with the rows of the manifest by which they are read."""

    @property
    def manifest(self) -> pd.DataFrame: ...


@dataclass(frozen=True)
class TrainingData:
    """Base of what tasks give.

    Attributes:
        models: those that the experiment names as its inputs, by role.

        probe: how a training that no loss judges is judged without knowing metrics: of training
            images (n, H, W, C) uint8, which tell what images are like, it makes a function of real
            and generated images, as many of both, to a distance (n,); the mean is the figure.

        folds: of a model that is one for each fold: the manifest's rows that the one of a fold is
            trained on, and those that its step is chosen by.

    A part `validation`, of the same type, is what the step that is kept is chosen by, see
    :class:`medsynth.models.validation.Validation`: nobody in it may be trained on.
    """

    models: Mapping[str, Model] = field(default_factory=dict, kw_only=True)
    probe: Callable[[np.ndarray], Comparison] | None = field(default=None, kw_only=True)
    folds: Mapping[int, tuple[pd.DataFrame, pd.DataFrame]] = field(
        default_factory=dict, kw_only=True
    )


@dataclass(frozen=True)
class ImagesOfPatients(TrainingData):
    """Base of what is learned of single images.

    Attributes:
        images: of the training split, uint8.
        validation: the same of the validation split; None where it has no images.
    """

    images: KnownImages
    validation: ImagesOfPatients | None = field(default=None, kw_only=True)

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return self.images.manifest

    @property
    def patients(self) -> np.ndarray:
        """Whose each image is, (n,)."""
        return self.manifest["patient"].to_numpy(dtype=str)

    def compared(self, seed: int) -> np.ndarray:
        """Positions of training images, as many as there are of validation."""
        n = len(self.validation.images) if self.validation else 0
        return batch_positions(len(self.images), n, seed, 0, "compared")


@dataclass(frozen=True)
class LabelledImages(ImagesOfPatients):
    """What generation and classification train on.

    Attributes:
        labels: (len(images),) indices into `classes` or, where images have several,
            (len(images), len(classes)) float32, 1 for each that an image has.
        classes: names.
    """

    labels: np.ndarray
    classes: list[str]
    validation: LabelledImages | None = field(default=None, kw_only=True)

    def targets(self, positions: np.ndarray, device: str | torch.device) -> Tensor:
        """Labels of these images as networks take them: int64 indices, or float32 rows."""
        return torch.from_numpy(self.labels[positions]).to(device)

    def check(self) -> None:
        """Refuse labels that are not those of the images.

        Raises:
            ValueError: no images, not one label for each, or a label that is no class.
        """
        labels, k = self.labels, len(self.classes)
        if not len(self.images) or len(labels) != len(self.images):
            raise ValueError(
                f"{len(labels)} labels for {len(self.images)} images; training needs images, and"
                " one label for each"
            )
        if labels.ndim == 1 and not np.isin(labels, np.arange(k)).all():
            raise ValueError(f"labels must lie in 0..{k - 1}; found {np.unique(labels)}")
        if labels.ndim == 2 and not (
            labels.shape[1] == k and np.isin(labels, (0, 1)).all() and labels.any(1).all()
        ):
            raise ValueError(f"rows of labels must hold {k} times 0 or 1, and at least one 1")


@dataclass(frozen=True)
class DescribedImages(ImagesOfPatients):
    """What reporting trains on.

    Attributes:
        tokens: (len(images), longest) int64 of the images, which all have a text; see
            :meth:`medsynth.text.tokenizer.Tokenizer.encode`.
        tokenizer: what a Tokenizer is made of.
    """

    tokens: np.ndarray
    tokenizer: dict[str, Any]
    validation: DescribedImages | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ToldImages(LabelledImages):
    """Labelled images of families that generate what a text tells.

    Attributes:
        tokens: (len(images), longest) int64, texts as :mod:`medsynth.text.tokenizer` has them, 0
            alone for an image without one.
        tokenizer: what reads them, for the card.
    """

    tokens: np.ndarray = field(kw_only=True)
    tokenizer: Mapping[str, Any] = field(kw_only=True)


@dataclass(frozen=True)
class TwoDomains(TrainingData):
    """What translation trains on.

    Attributes:
        images_a: of the training split: of CT int16 HU without contrast medium, else uint8 of the
            first domain.
        images_b: of the same kind, with contrast medium or of the second domain.
        pairs: (m, 2) positions into (images_a, images_b) of slices that show the same anatomy.
        validation: the same of the validation split, as many a as b, those of a pair at the same
            position where they are in it; None where there are not two of each.
        domains: what a and b are called.
    """

    images_a: ImageStore
    images_b: ImageStore
    pairs: np.ndarray
    validation: TwoDomains | None = None
    domains: tuple[str, str] = ("ct", "cect")

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return pd.concat([self.images_a.manifest, self.images_b.manifest])


@dataclass(frozen=True)
class Trained:
    """What a training gives.

    Attributes:
        state: weights.
        card: what else is needed to use them, as JSON values. Where images are drawn smaller than
            the cohort's, and enlarged, `drawn_size` says so, pixels a side.
        history: CSV file of the curves (columns step, name, value).
    """

    state: Mapping[str, Tensor]
    card: dict[str, Any]
    history: Path


class FormError(MedsynthError):
    """A family makes images of another form than the cohort's."""


class Translation(NamedTuple):
    """What to translate: batches (B, H, W, C), all in one direction."""

    batches: Iterable[np.ndarray]
    direction: str


def directions_of(domains: Sequence[str]) -> tuple[str, str]:
    """The names of the ways from domain A to B and back, as ct_to_cect (adds contrast medium)."""
    a, b = domains
    return f"{a}_to_{b}", f"{b}_to_{a}"


def family_of(part: ModuleType) -> str:
    """The name of the family that a module is a part of."""
    return part.__name__.split(".")[-2]


def as_wanted(batches: Iterable[np.ndarray], form: ImageForm, family: str) -> Iterator[np.ndarray]:
    """The images (H, W, C) of what a family makes, one after the other.

    Raises:
        FormError: one is not as the cohort's are.
    """
    wanted = (form.size, form.size, form.channels)
    for batch in batches:
        if batch.shape[1:] != wanted or batch.dtype != form.dtype:
            raise FormError(
                f"family {family} made images {batch.shape[1:]} of {batch.dtype}, the cohort has"
                f" {wanted} of {form.dtype}; let its sampling.generate yield such"
            )
        yield from batch
