"""Some raw files of a cohort, read as the workflow reads them."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from medsynth.cohorts.files import evenly
from medsynth.cohorts.settings import CohortSettings
from medsynth.store.manifests import QUARANTINED, used
from medsynth.store.wording import REASONS

FILES = 20  # read of a cohort


class Unreadable(NamedTuple):
    """A file below the cohort's folder, and why it cannot be used."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}, {REASONS[self.reason]}"


class Trial(NamedTuple):
    """How many files were read, and those of them that cannot be used."""

    read: int
    unreadable: list[Unreadable]


def read_some(listed: pd.DataFrame, cohort: CohortSettings) -> Trial:
    """Read files of a cohort, evenly spread over its list, by the functions of its kind.

    Args:
        listed: index manifest without digests.
        cohort: its settings.
    """
    rows = used(listed)
    sample = rows.iloc[evenly(range(len(rows)), FILES)].reset_index(drop=True)
    index, shard = (import_module(f"{cohort.folder}.{part}") for part in ("index", "shard"))
    hashed = index.hashed(sample, cohort.root, cohort.index_settings())
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "images.h5")
        read = shard.shard(used(hashed), cohort.root, cohort.trial_settings(), images, {})
    both = pd.concat([hashed, read])
    lost = both[both["status"] == QUARANTINED].drop_duplicates("source")
    pairs = zip(lost["source"], lost["reason"], strict=True)
    return Trial(len(sample), [Unreadable(*pair) for pair in pairs])
