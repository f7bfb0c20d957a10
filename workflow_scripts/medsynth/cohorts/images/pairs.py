"""The two domains of an image, a pair that is registered by itself."""

from __future__ import annotations

from typing import Any

import pandas as pd

from medsynth.store.manifests import used

SETTINGS = None


def pair(manifest: pd.DataFrame, settings: None) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Pair the items of domain A with those of B that are channels of the same image.

    Args:
        manifest: of a cohort with domains.
        settings: there are none.

    Returns:
        DataFrame(patient, item_a, item_b, distance_mm, split), sorted by patient and item_a, and
        counts of pairs and patients.
    """
    rows = used(manifest)
    a, b = (rows[rows["domain"] == number] for number in (0, 1))
    both = a.merge(b[["image", "item_id"]], on="image", suffixes=("_a", "_b"))
    pairs = both.rename(columns={"item_id_a": "item_a", "item_id_b": "item_b"})
    pairs = pairs.assign(distance_mm=0.0).sort_values(["patient", "item_a"], ignore_index=True)
    columns = ["patient", "item_a", "item_b", "distance_mm", "split"]
    return pairs[columns], {"pairs": len(pairs), "patients": int(pairs["patient"].nunique())}
