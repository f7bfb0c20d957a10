"""Patients as the networks take them: a few images each, rows of tables, what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medsynth.models.classifier.training import random_shift
from medsynth.models.fusion.network import IMAGE, Fusion, Said
from medsynth.models.patients import PatientData, Positions
from medsynth.runtime.seeding import generator, numpy_rng
from medsynth.runtime.tensors import to_network


@dataclass(frozen=True)
class Patients:
    """All patients of a cohort, in memory.

    Attributes:
        images: (images, H, W, C) uint8, some of each patient.
        first, count: where each patient's images begin, and how many there are, (n,).
        tables: (n, p) of each modality, NaN where unknown.
        there: (n, modalities) bool, the image first; of a table, whether any value is known.
    """

    images: np.ndarray
    first: np.ndarray
    count: np.ndarray
    tables: Mapping[str, Tensor]
    there: Tensor

    @classmethod
    def read(cls, data: PatientData, most: int, device: str | torch.device) -> Patients:
        """At most so many images of each, evenly spread over those in the manifest's order."""
        of_each = [np.flatnonzero(data.patient == p) for p in range(len(data.patients))]
        kept = [own[_evenly(len(own), most)] for own in of_each]
        count = np.array([len(own) for own in kept])
        tables = {name: torch.from_numpy(table).to(device) for name, table in data.tables.items()}
        there = [torch.ones(len(kept), dtype=torch.bool, device=device)]
        there += [(~table.isnan()).any(1) for table in tables.values()]
        images = data.images.read(np.concatenate(kept))
        return cls(images, np.cumsum(count) - count, count, tables, torch.stack(there, 1))

    def drawn(self, chosen: Positions, each: int, seed: int, *keys: int | str) -> Tensor:
        """Random images of the chosen patients, `each` of every one in a row, a little shifted."""
        rng = numpy_rng(seed, "images", *keys)
        places = rng.random((len(chosen), each)) * self.count[chosen, None]
        images = self.images[(self.first[chosen, None] + places.astype(int)).ravel()]
        x = to_network(images, self.there.device)
        return random_shift(x, generator(seed, "shift", *keys))

    def said(self, network: Fusion, chosen: Positions, images: Tensor) -> Said:
        """What each modality says of the patients, by these images, as many of each."""
        rows = {name: table[chosen] for name, table in self.tables.items()}
        of_image = network.say_image(images, len(chosen))
        return {IMAGE: of_image, **network.say_tables(rows)}

    def said_by_all(self, network: Fusion, chosen: Positions) -> Said:
        """The same by all images of each patient."""
        parts = []
        for one in chosen:
            own = slice(self.first[one], self.first[one] + self.count[one])
            images = to_network(self.images[own], self.there.device)
            parts.append(self.said(network, np.array([one]), images))
        return {m: torch.cat([part[m] for part in parts]) for m in parts[0]}


def _evenly(n: int, most: int) -> np.ndarray:
    """Positions of at most so many of n, the first and the last among them."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
