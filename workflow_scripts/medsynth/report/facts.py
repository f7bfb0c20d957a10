"""Counts that a stage leaves beside its tables, as rows of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from medsynth.store.manifests import used

# What a file of counts in a cohort's folder is about.
FACTS = {
    "reports": "Report text of the studies",
    "calls": "Genotype calls of the cases",
    "stain": "Stain normalisation, fitted to the training split",
    "normalised": "Slides and tiles in the fitted stain, and left as they are",
    "pairs": "Pairs of slices without and with contrast medium",
}


def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(name, of what, value) of every count; lists of numbers are left to the file."""
    rows = []
    for name, value in facts.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for part, entry in entries:
            if not isinstance(entry, list | dict):
                rows.append((name.replace("_", " "), str(part).replace("_", " "), entry))
    return rows


SOURCES = {  # of a label, as the manifest's column label_source names them
    "tags": "from the DICOM header",
    "table": "from the label table",
    "brightness": "guessed from the brightness of the blood, uncalibrated",
}


def label_rows(manifest: pd.DataFrame) -> list[tuple[str, str, int]]:
    """(class, where its labels are from, used items); [] for a cohort that does not say."""
    if "label_source" not in manifest:
        return []
    counts = used(manifest).groupby(["label", "label_source"]).size()
    return [(label, SOURCES[source], int(n)) for (label, source), n in counts.items()]
