"""The images of a cohort, from Python: as the workflow divided them, for trainings of one's own."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import Dataset

from medsynth.runtime.tensors import hu_to_network, to_network
from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout
from medsynth.store.manifests import (
    SPLITS,
    class_indices,
    classes_of,
    has_several,
    in_split,
    multi_hot,
)
from medsynth.store.shards import ImageStore
from medsynth.store.tables.parquet import read_table

HU_RANGE = (-1000, 1000)
MANIFEST = Path(Layout("").manifest).name


class CohortNotReady(MedsynthError):
    """There is no such cohort, or it may not be used yet."""


def cohort(where: str | Path, results: str | Path | None = None) -> Cohort:
    """A cohort that the workflow has assembled.

    Args:
        where: its folder, such as "results/cohorts/cxr"; with `results`, its name.
        results: the results folder, if `where` is a name.

    Raises:
        CohortNotReady: there is none.
    """
    if results is not None:
        return Cohort(Path(Layout(results).cohort.format(cohort=where)))
    return Cohort(Path(where))


class Cohort:
    """The images of a cohort and what is known of them.

    Attributes:
        folder: results/cohorts/NAME.
        name: as experiments call it.
        manifest: one row an item, also of those that could not be used.
        classes: findings of the used items, sorted; an index into it is a class.
    """

    def __init__(self, folder: Path):
        # Whole, so that "." and a link have the name and the results folder of the cohort.
        self.folder, self.name = folder, folder.resolve().name
        if not (folder / MANIFEST).is_file():
            found = [*folder.parent.glob(f"*/{MANIFEST}"), *Path().glob(f"*/cohorts/*/{MANIFEST}")]
            others = sorted({str(path.parent) for path in found})
            there = f"there are {', '.join(others)}; " if others else ""
            raise CohortNotReady(
                f"{folder}: no cohort is here ({MANIFEST}); {there}give the folder of an"
                " assembled cohort, such as results/cohorts/NAME"
            )
        self.manifest = read_table(folder / MANIFEST)
        self.classes = classes_of(self.manifest)

    def __repr__(self) -> str:
        return f"<cohort {self.folder}, {len(self.manifest)} items, {len(self.classes)} classes>"

    @property
    def layout(self) -> Layout:
        """The paths of the results folder that the cohort is of."""
        return Layout(os.path.relpath(self.folder.resolve().parents[1]))

    @cached_property
    def shards(self) -> list[Path]:
        """The image stores that trainings read: stain-normalised, where the cohort is.

        The folder tells: after a switch to `stain: {method: none}` delete its `normalised`.
        """
        layout = self.layout
        for pattern in (layout.normalised_images, layout.shard_images):
            files = Path(pattern.format(cohort=self.name, shard="0")).parent.glob("[0-9]*.h5")
            if found := sorted(files, key=lambda path: int(path.stem)):
                return found
        raise CohortNotReady(
            f"{self.folder}: no image shards are here; run the workflow for it again"
        )

    def require_gate(self) -> None:
        """Refuse a division of patients that was not checked.

        Raises:
            CohortNotReady: the leakage gate has not passed.
        """
        gate = Path(self.layout.split_gate.format(cohort=self.name))
        if not gate.is_file() or not json.loads(gate.read_text())["ok"]:
            raise CohortNotReady(
                f"{gate}: the check that no patient stands in two splits has not passed; run"
                f" `snakemake {gate}` before you train or judge on this cohort"
            )

    def dataset(self, split: str, hu_range: tuple[int, int] = HU_RANGE) -> CohortDataset:
        """The images of one split for PyTorch.

        Args:
            split: "train", "validate" or "test".
            hu_range: Hounsfield units that become [-1, 1], of CT.

        Raises:
            CohortNotReady: no such split, or the leakage gate has not passed.
        """
        if split not in SPLITS:
            raise CohortNotReady(f"no split {split!r}; there are {', '.join(SPLITS)}")
        low, high = hu_range
        if not low < high:
            raise CohortNotReady(f"hu_range {hu_range} does not rise; give (lowest, highest)")
        self.require_gate()
        rows = in_split(self.manifest, split)
        several = has_several(self.manifest)
        return CohortDataset(rows, self.classes, several, self.shards[0].parent, hu_range)


class CohortDataset(Dataset[tuple[Tensor, int | Tensor]]):
    """Images of one split: (float tensor (C, H, W) in [-1, 1], index of its label).

    Where images of the cohort have several findings, the second is a tensor (len(classes),)
    float32, 1 for each that the image has.

    Fit for a DataLoader with workers of any start method.

    Attributes:
        manifest: one row an item, in the order of the dataset.
        classes: names, of the whole cohort.
    """

    def __init__(
        self,
        rows: pd.DataFrame,
        classes: list[str],
        several: bool,
        folder: Path,
        hu_range: tuple[int, int],
    ):
        self.manifest, self.classes = rows, classes
        self._labels = (
            multi_hot(rows["label"], classes) if several else class_indices(rows, classes)
        )
        self._folder, self._hu_range = folder, hu_range
        self._opened: tuple[int, ImageStore] | None = None

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, position: int) -> tuple[Tensor, int | Tensor]:
        if not -len(self) <= position < len(self):
            raise IndexError(f"item {position} of {len(self)}")
        image, label = self._store().read([position % len(self)]), self._labels[position]
        target = int(label) if label.ndim == 0 else torch.from_numpy(label)
        return self._tensor(image), target

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_opened": None}

    def _tensor(self, image: np.ndarray) -> Tensor:
        if image.dtype == np.uint8:
            return to_network(image)[0]
        return hu_to_network(image, self._hu_range)[0]

    def _store(self) -> ImageStore:
        """Opened once in every process: open HDF5 files survive neither a fork nor a pickle."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), ImageStore(self.manifest, self._folder)
        return self._opened[1]
