"""From artifacts on disk to the rows that the page shows. No layout here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from medsynth.cohorts.unusable import REASONS
from medsynth.report.figures import COLORS, INK, Node
from medsynth.store.manifests import EXCLUDED, QUARANTINED, used
from medsynth.store.secrets import without_secrets

KINDS = {  # cohort kind -> what its source files, groups and items are called
    "mimic_cxr": ("DICOM files", "Studies", "Radiographs"),
    "slides": ("Slide files", "Slides", "Tiles"),
    "ct": ("DICOM files", "Series", "Slices"),
}
SPLITS = ("train", "validate", "test")
SPLIT_COLORS = {"train": "#2b5c8a", "validate": "#6f93b5", "test": "#3c8d7e"}
STATUS_COLORS = {EXCLUDED: "#a9b2bc", QUARANTINED: "#a8465a"}


def number(value: float) -> str:
    """Four significant digits; whole numbers with thousands separators."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"


def without_credentials(text: str) -> str:
    """User names and passwords, as in `scheme://user:password@host`, replaced by dots."""
    return without_secrets(text, mark="…")


def patients(n: int) -> str:
    return f"{n:,} patient{'' if n == 1 else 's'}"


# --- data flow -------------------------------------------------------------------------------


def cohort_counts(kind: str, manifest: pd.DataFrame) -> list[tuple[str, int]]:
    """What the used items consist of: (name, count), without naming any of them."""
    kept = used(manifest)
    sources, groups, items = KINDS[kind]
    return [
        (f"{sources} used", kept["source"].nunique()),
        ("Patients", kept["patient"].nunique()),
        (groups, kept["group"].nunique()),
        (f"{items} used", len(kept)),
    ]


def split_rows(summary: Mapping[str, Any], manifest: pd.DataFrame) -> list[dict[str, Any]]:
    """Items and patients by split, and items by class in each."""
    distinct = used(manifest).groupby("split")["patient"].nunique()
    rows = []
    for split in SPLITS:
        cells = {r["label"]: r for r in summary["by_label_split"] if r["split"] == split}
        items = sum(r["items"] for r in cells.values())
        rows.append(
            {
                "split": split,
                "patients": int(distinct.get(split, 0)),
                "items": items,
                "cells": cells,
            }
        )
    return rows


def flow_of(summary: Mapping[str, Any], splits: Sequence[Mapping[str, Any]]) -> tuple[list, list]:
    """Nodes and links of the flow: raw items, what became of them, splits, classes."""
    items, labels = summary["items"], labels_of(summary)
    nodes = [Node("raw items", 0, items["in"], INK), Node("used", 1, items["used"], "#2b5c8a")]
    links = [(0, 1, items["used"])]
    for row in splits:
        color = SPLIT_COLORS[row["split"]]
        nodes.append(Node(row["split"], 2, row["items"], color, patients(row["patients"])))
        links.append((1, len(nodes) - 1, row["items"]))
    first_class = len(nodes)
    for k, label in enumerate(labels):
        count = sum(row["cells"][label]["items"] for row in splits if label in row["cells"])
        nodes.append(Node(label, 3, count, COLORS[(k + 1) % len(COLORS)]))
    for k, row in enumerate(splits):
        for label, cell in row["cells"].items():
            links.append((2 + k, first_class + labels.index(label), cell["items"]))
    for status, color in STATUS_COLORS.items():
        if items[status]:
            nodes.append(Node(status, 1, items[status], color))
            parent = len(nodes) - 1
            links.append((0, parent, items[status]))
            for reason in (r for r in reason_rows(summary) if r["status"] == status):
                nodes.append(Node(reason["reason"].replace("_", " "), 2, reason["n"], color))
                links.append((parent, len(nodes) - 1, reason["n"]))
    return nodes, links


def labels_of(summary: Mapping[str, Any]) -> list[str]:
    return sorted({r["label"] for r in summary["by_label_split"]})


def reason_rows(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Why items were left out, most frequent first, with what the reason means."""
    rows = sorted(summary["reasons"], key=lambda r: (r["status"], -r["n"], r["reason"]))
    return [row | {"meaning": REASONS.get(row["reason"], "")} for row in rows]
