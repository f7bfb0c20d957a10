"""What translated images are compared with: the truth where it is known, else the paired image."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from medsynth.cohorts.ct.pairs import positions_of
from medsynth.cohorts.ct.settings import PHASES
from medsynth.store.manifests import TRUTH, TRUTH_SHA256
from medsynth.store.shards import ImageStore

# What a reference is: the same place with nothing else changed, another channel of the same image,
# or an image of another moment.
Kind = Literal["truth", "registered", "pairs"]


def domains_of(manifest: pd.DataFrame) -> tuple[str, str]:
    """The labels of domain A and of B."""
    if "domain" not in manifest:
        return PHASES
    named = manifest.dropna(subset="domain").groupby("domain")["label"].first()
    return str(named[0]), str(named[1])


class Reference(NamedTuple):
    """The targets of those of m translations that have one.

    Attributes:
        kind: what they are.
        rows: which translations, (n,) positions in their table.
        source, target: positions (n,) in the store; of a truth the target's is the source's.
    """

    kind: Kind
    rows: np.ndarray
    source: np.ndarray
    target: np.ndarray

    @property
    def registered(self) -> bool:
        """Whether source and target are the same place, pixel by pixel."""
        return self.kind != "pairs"

    def read(self, store: ImageStore, which: np.ndarray) -> np.ndarray:
        """Targets (k, H, W, C) of some, by their positions among the n."""
        beside = [TRUTH] if self.kind == "truth" else []
        return store.read(self.target[which], *beside)


def reference_of(table: pd.DataFrame, store: ImageStore) -> Reference:
    """The truths, if images have some, or else the paired images.

    Args:
        table: of the translations, with source_item and target_item.
        store: of the images that were translated.
    """
    source = positions_of(table["source_item"], store.manifest)
    known = store.manifest.get(TRUTH_SHA256, pd.Series(None, store.manifest.index, dtype="str"))
    if known.notna().any():
        rows = np.flatnonzero(known.notna().to_numpy()[source])
        return Reference("truth", rows, source[rows], source[rows])
    rows = np.flatnonzero(table["target_item"].notna())
    target = positions_of(table["target_item"].iloc[rows], store.manifest)
    kind: Kind = "registered" if "image" in store.manifest else "pairs"
    return Reference(kind, rows, source[rows], target)
