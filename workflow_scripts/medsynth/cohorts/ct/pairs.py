"""Slices without and with contrast medium that show the same place of the same patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from medsynth.cohorts.ct.settings import PHASES, CtPair
from medsynth.store.manifests import used
from medsynth.store.quarantine import CohortError

SETTINGS = CtPair
COLUMNS = ["patient", "item_a", "item_b", "distance_mm", "split"]
QUALITY = "reg_"  # columns that tell how well a registration went
OVERLAP = "reg_dice_after"


def pair(manifest: pd.DataFrame, settings: CtPair) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Pair every "ct" slice (a) with the nearest "cect" slice (b), each slice at most once.

    Positions are comparable only within one frame of reference (PS3.3 C.7.4.1) of one study, and
    pixels only where they lie over each other; so two examinations of one patient give no pairs,
    and neither do slices that name no frame.

    Args:
        manifest: of a CT cohort, with columns z (mm) and frame, and those of study, plane and reg_*
            that it has.
        settings: the largest distance, the least overlap.

    Returns:
        DataFrame(patient, item_a, item_b, distance_mm, split, reg_*), sorted by patient and
        item_a; the nearest pairs are taken first. And counts: pairs, patients, those dropped and
        why, slices of either phase and why so many of them (of both phases) stand in no pair, and
        medians of distance and registration quality.
    """
    every = used(manifest)
    slices = every.dropna(subset=["z", "frame"]).sort_values("item_id", ignore_index=True)
    keys = ["patient", "frame", *(["study"] if "study" in slices else [])]
    by_place = _match(slices, keys, settings.tolerance_mm)
    exact = [*keys, *(["plane"] if "plane" in slices else [])]
    found = _match(slices, exact, settings.tolerance_mm)
    a, b = slices.iloc[found["a"]], slices.iloc[found["b"]]
    columns = (a["patient"], a["item_id"], b["item_id"], found["distance"], a["split"])
    pairs = pd.DataFrame(dict(zip(COLUMNS, map(np.asarray, columns), strict=True)))
    for name in (c for c in slices.columns if c.startswith(QUALITY)):
        pairs[name] = a[name].to_numpy()  # the slices without contrast medium are those moved
    kept = pairs
    if settings.min_dice is not None and OVERLAP in pairs:
        kept = pairs[~(pairs[OVERLAP] < settings.min_dice)]
    kept = kept.sort_values(["patient", "item_a"], ignore_index=True)
    medians = {"distance_mm", *(c for c in kept if c in (OVERLAP, "reg_ncc_after"))}
    return kept, {
        "pairs": len(kept),
        "patients": int(kept["patient"].nunique()),
        "dropped_for_another_field_of_view": int((~by_place["a"].isin(found["a"])).sum()),
        "dropped_for_bad_registration": len(pairs) - len(kept),
        "slices": {label: int((every["label"] == label).sum()) for label in PHASES},
        "unpaired": _unpaired(slices, keys, exact, settings, pairs, kept)
        | ({"without_place": lost} if (lost := len(every) - len(slices)) else {}),
        "median": {c: _rounded(kept[c].median()) for c in sorted(medians)},
    }


def _unpaired(
    slices: pd.DataFrame,
    keys: list[str],
    exact: list[str],
    settings: CtPair,
    pairs: pd.DataFrame,
    kept: pd.DataFrame,
) -> dict[str, int]:
    """How many slices are in no pair of `kept`, by the first reason that holds for them."""
    near, here = _to_other_phase(slices, keys), _to_other_phase(slices, exact)
    poor = slices["item_id"].isin(pairs[["item_a", "item_b"]].to_numpy().ravel())
    reasons = {
        "no_other_phase": np.isinf(near),
        "other_phase_too_far": near > settings.tolerance_mm,
        "another_field_of_view": here > settings.tolerance_mm,
        "bad_registration": poor,
        "partner_taken": np.ones(len(slices), bool),
    }
    first = pd.Series(np.select([*reasons.values()], [*reasons], ""), dtype=str)
    left = ~slices["item_id"].isin(kept[["item_a", "item_b"]].to_numpy().ravel())
    return {reason: int(n) for reason, n in first[left].value_counts().sort_index().items()}


def _to_other_phase(slices: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """Distance (n,) in mm to the nearest slice of the other phase; infinite if there is none."""
    distance = np.full(len(slices), np.inf)
    for _, group in slices.groupby(keys, dropna=False):
        for own, other in (PHASES, PHASES[::-1]):
            z = group.loc[group["label"] == own, "z"].astype(float)
            others = np.sort(group.loc[group["label"] == other, "z"].astype(float))
            if len(others):
                above = np.searchsorted(others, z)
                ends = others[np.clip([above - 1, above], 0, len(others) - 1)]
                distance[z.index] = np.abs(ends - z.to_numpy()).min(axis=0)
    return distance


def _rounded(value: float) -> float | None:
    return None if pd.isna(value) else round(float(value), 4)


def _match(slices: pd.DataFrame, keys: list[str], tolerance: float) -> pd.DataFrame:
    """Rows a, b and their distance of the pairs within groups of equal `keys`."""
    pairs = [
        pair
        for _, group in slices.groupby(keys, dropna=False)
        for pair in _nearest(
            group.index[group["label"] == "ct"].to_numpy(),
            group.index[group["label"] == "cect"].to_numpy(),
            slices["z"].to_numpy(float),
            tolerance,
        )
    ]
    return pd.DataFrame(pairs, columns=["a", "b", "distance"]).astype({"a": int, "b": int})


def _nearest(
    a: np.ndarray, b: np.ndarray, z: np.ndarray, tolerance: float
) -> Iterator[tuple[int, int, float]]:
    """Pairs of rows, the nearest first and each row once; equal distances in the rows' order."""
    b = b[np.argsort(z[b], kind="stable")]
    # a little wider than asked for; what rounding lets in is taken out below
    low = np.searchsorted(z[b], z[a] - tolerance - 1e-6)
    count = np.searchsorted(z[b], z[a] + tolerance + 1e-6) - low
    first = np.repeat(a, count)
    within = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
    second = b[np.repeat(low, count) + within]
    distance = np.abs(z[first] - z[second])
    order = np.lexsort((second, first, distance))
    free = set(a) | set(b)
    for i in order[distance[order] <= tolerance]:
        if first[i] in free and second[i] in free:
            free -= {first[i], second[i]}
            yield first[i], second[i], distance[i]


def positions_of(items: pd.Series, manifest: pd.DataFrame) -> np.ndarray:
    """The row (n,) int64 of every item in a manifest.

    Raises:
        CohortError: items are not in the manifest.
    """
    place = items.map({item: i for i, item in enumerate(manifest["item_id"])})
    if lost := int(place.isna().sum()):
        raise CohortError(
            f"{lost} slices are not in the manifest; run pair_images and translate_images again"
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
