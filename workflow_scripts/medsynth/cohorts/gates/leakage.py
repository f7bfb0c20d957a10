"""Whether a patient or an image stands in two splits."""

from __future__ import annotations

import pandas as pd

from medsynth.store.manifests import by_file, used


def leakage(manifest: pd.DataFrame) -> dict[str, int | bool]:
    """The gate: no patient and no image in two splits.

    Returns:
        {"patients_in_two_splits", "items_twice", "ok"}: an item is the same bytes, of any of
        its files, and, for tiles, the same place; "ok" is True when all counts are 0. Where there
        are folds, the same of these: "patients_in_two_folds", "items_in_two_folds".
    """
    rows = used(manifest)
    item = [c for c in ("source_sha256", "x", "y") if c in rows.columns]
    counts = {
        "patients_in_two_splits": _in_two_splits(rows, ["patient"]),
        "items_twice": _in_two_splits(by_file(rows), item),
    }
    if "fold" in rows:
        folds = rows.assign(split=rows["fold"].astype("str"))
        counts["patients_in_two_folds"] = _in_two_splits(folds, ["patient"])
        counts["items_in_two_folds"] = _in_two_splits(by_file(folds), item)
    return counts | {"ok": not any(counts.values())}


def _in_two_splits(rows: pd.DataFrame, by: list[str]) -> int:
    # a missing split counts as one of its own: nothing may stand outside the division
    splits = rows["split"].fillna("none")
    return int((splits.groupby([rows[c] for c in by], dropna=False).nunique() > 1).sum())
