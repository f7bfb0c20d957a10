"""Counts that a stage leaves beside its tables, as rows of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What a file of counts in a cohort's folder is about.
FACTS = {
    "reports": "Report text of the studies",
    "calls": "Genotype calls of the cases",
    "stain": "Stain normalisation, fitted to the training split",
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
