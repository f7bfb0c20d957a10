"""Slices without and with contrast medium that show the same place of the same patient."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medsynth.cohorts.unusable import CohortError
from medsynth.runtime.config.ct import CtPair
from medsynth.store.manifests import used

COLUMNS = ["patient", "item_a", "item_b", "distance_mm", "split"]


def pair_ct(manifest: pd.DataFrame, settings: CtPair) -> pd.DataFrame:
    """Pair every "ct" slice (a) with the nearest "cect" slice (b), each slice at most once.

    Positions are comparable only within one frame of reference (PS3.3 C.7.4.1), so two
    examinations of one patient give no pairs, and neither do slices that name no frame.

    Args:
        manifest: of a CT cohort, with columns z (mm) and frame.
        settings: the largest distance.

    Returns:
        DataFrame(patient, item_a, item_b, distance_mm, split), sorted by patient and item_a.
        The nearest pairs are taken first.
    """
    slices = used(manifest).dropna(subset=["z", "frame"])
    pairs = []
    for (patient, _), group in slices.groupby(["patient", "frame"]):
        a = group[group["label"] == "ct"].sort_values("item_id")
        b = group[group["label"] == "cect"].sort_values("item_id")
        distance = np.abs(a["z"].to_numpy(float)[:, None] - b["z"].to_numpy(float)[None, :])
        near = np.argwhere(distance <= settings.tolerance_mm)
        order = np.argsort(distance[near[:, 0], near[:, 1]], kind="stable")
        free_a, free_b = np.ones(len(a), bool), np.ones(len(b), bool)
        for i, j in near[order]:
            if free_a[i] and free_b[j]:
                free_a[i] = free_b[j] = False
                first, second = a.iloc[i], b.iloc[j]
                row = [patient, first["item_id"], second["item_id"], distance[i, j]]
                pairs.append([*row, first["split"]])
    return pd.DataFrame(pairs, columns=COLUMNS).sort_values(
        ["patient", "item_a"], ignore_index=True
    )


def positions_of(items: pd.Series, manifest: pd.DataFrame) -> np.ndarray:
    """The row (n,) int64 of every item in a manifest.

    Raises:
        CohortError: items are not in the manifest.
    """
    place = items.map({item: i for i, item in enumerate(manifest["item_id"])})
    if lost := int(place.isna().sum()):
        raise CohortError(
            f"{lost} slices are not in the manifest; run pair_ct and translate_ct again"
        )
    return place.to_numpy(dtype=np.int64)


def pair_positions(pairs: pd.DataFrame, a: pd.DataFrame, b: pd.DataFrame) -> np.ndarray:
    """Rows (m, 2) int64 in the manifests `a` and `b` of the pairs whose slices are in both."""
    here = pairs[pairs["item_a"].isin(a["item_id"]) & pairs["item_b"].isin(b["item_id"])]
    return np.stack([positions_of(here["item_a"], a), positions_of(here["item_b"], b)], axis=1)


def partners(items: pd.Series, pairs: pd.DataFrame) -> pd.Series:
    """The other slice of every item's pair, null where it has none."""
    other = dict(zip(pairs["item_a"], pairs["item_b"], strict=True))
    other |= dict(zip(pairs["item_b"], pairs["item_a"], strict=True))
    return items.map(other)
