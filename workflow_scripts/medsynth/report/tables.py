"""From artifacts on disk to the rows that the page shows. No layout here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from medsynth.cohorts.wording import Words
from medsynth.report.cohort_counts import in_words
from medsynth.report.flow import Node
from medsynth.store.manifests import EXCLUDED, QUARANTINED, SPLITS, TEST, TRAIN, VALIDATE, used
from medsynth.store.privacy.secrets import without_secrets
from medsynth.store.tables.parquet import read_table
from medsynth.store.wording import REASONS
from medsynth.tasks.viewing.figures import COLORS, INK
from medsynth.tasks.viewing.numbers import patients

SPLIT_COLORS = {TRAIN: "#2b5c8a", VALIDATE: "#6f93b5", TEST: "#3c8d7e"}
MOST_LABELS = 12  # columns of a table
OTHERS = "other combinations"
STATUS_COLORS = {EXCLUDED: "#a9b2bc", QUARANTINED: "#a8465a"}


def without_credentials(text: str) -> str:
    """User names and passwords, as in `scheme://user:password@host`, replaced by dots."""
    return without_secrets(text, mark="…")


def _forms(words: Words, manifest: pd.DataFrame) -> pd.Series:
    """What each row's source file is called."""
    sources, forms = manifest["source"].str.lower(), pd.Series(words.files, manifest.index)
    for suffixes, name in words.files_by_suffix:
        forms[sources.str.endswith(suffixes, na=False)] = name
    return forms


def _is_image(manifest: pd.DataFrame) -> pd.Series:
    """Whether a row is an image; else it stands for a whole file from which none was made."""
    return manifest["row"].notna()


def _is_a_file_each(manifest: pd.DataFrame) -> bool:
    """Whether images are files, one by one, so that both may be counted together."""
    return bool(manifest.loc[_is_image(manifest), "source"].is_unique)


def unit_of(words: Words, manifest: pd.DataFrame) -> str:
    """What a flow counts."""
    return "files" if _is_a_file_each(manifest) else words.items


def cohort_counts(words: Words, manifest: pd.DataFrame) -> list[tuple[str, int]]:
    """What the used items consist of: (name, count), without naming any of them."""
    kept = used(manifest)
    forms = _forms(words, kept)
    if not (words.all_files_named or _is_a_file_each(manifest)):
        forms = forms[forms != words.files]
    files = kept["source"].groupby(forms).nunique()
    return [
        *((f"{_capital(name)} used", int(n)) for name, n in files.items()),
        ("Patients", kept["patient"].nunique()),
        (_capital(words.groups), kept["group"].nunique()),
        (f"{_capital(words.items)} used", len(kept)),
    ]


def in_a_line(words: Words, labels: Sequence[str], manifest: pd.DataFrame) -> str:
    """What a cohort consists of, as the head of the page says it."""
    kept = used(manifest)
    classes = f"{len(labels)} class{'' if len(labels) == 1 else 'es'}"
    return f"{len(kept):,} {words.items} of {patients(kept['patient'].nunique())} in {classes}"


def trained_on(people: Path) -> int:
    """How many patients a model was trained on."""
    listed = read_table(people)
    return int(listed.loc[listed["split"] == TRAIN, "patient"].nunique())


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def cells_of(summary: Mapping[str, Any], manifest: pd.DataFrame) -> list[dict[str, Any]]:
    """Items and patients by label and split; many combinations of findings are put together."""
    cells: list[dict[str, Any]] = summary["by_label_split"]
    if "by_finding_split" not in summary or len(labels_of(cells)) <= MOST_LABELS:
        return cells
    kept = used(manifest)
    usual = kept["label"].value_counts().index[: MOST_LABELS - 1]
    label = kept["label"].where(kept["label"].isin(usual), OTHERS)
    counts = kept.groupby([label, "split"])["patient"].agg(items="size", patients="nunique")
    cells = counts.reset_index().to_dict("records")
    return cells


def finding_rows(summary: Mapping[str, Any]) -> list[tuple[str, str, int, str]]:
    """(finding, split, items, ""), where images have several; they count once for each."""
    cells = summary.get("by_finding_split", [])
    return [(cell["label"], cell["split"], cell["items"], "") for cell in cells]


def split_rows(listed: Sequence[Mapping[str, Any]], manifest: pd.DataFrame) -> list[dict[str, Any]]:
    """Items and patients by split, and items by class in each.

    Args:
        listed: see :func:`cells_of`.
    """
    distinct = used(manifest).groupby("split")["patient"].nunique()
    rows = []
    for split in SPLITS:
        cells = {r["label"]: r for r in listed if r["split"] == split}
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


def flow_of(
    words: Words,
    manifest: pd.DataFrame,
    splits: Sequence[Mapping[str, Any]],
    left_out: Sequence[Mapping[str, Any]],
) -> tuple[list[Node], list[tuple[int, int, int]]]:
    """Nodes and links of the flow: what there was, what became of it, splits, classes.

    All in one unit: files where each is one image, else the images that were made of them.
    """
    labels = sorted({label for row in splits for label in row["cells"]})
    units = {row["unit"] for row in left_out} if _is_a_file_each(manifest) else {words.items}
    reasons = [row for row in left_out if row["unit"] in units]
    kept = sum(row["items"] for row in splits)
    total = kept + sum(row["n"] for row in reasons)
    nodes = [
        Node(f"all {unit_of(words, manifest)}", 0, total, INK),
        Node("used", 1, kept, "#2b5c8a"),
    ]
    links = [(0, 1, kept)]
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
        if left := [row for row in reasons if row["status"] == status]:
            nodes.append(Node(status, 1, sum(row["n"] for row in left), color))
            parent = len(nodes) - 1
            links.append((0, parent, nodes[parent].count))
            for row in left:
                nodes.append(Node(row["title"], 2, row["n"], color))
                links.append((parent, len(nodes) - 1, row["n"]))
    return nodes, links


def labels_of(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({cell["label"] for cell in cells})


def left_out(words: Words, manifest: pd.DataFrame) -> list[dict[str, Any]]:
    """How many images, and files of which none was made, were left out and why.

    Most frequent first: status, reason, its title and meaning, n, and what was counted.
    """
    rows = manifest[manifest["status"].isin(STATUS_COLORS)]
    unit = _forms(words, rows).where(~_is_image(rows), words.items).rename("unit")
    counts = rows.groupby(["status", "reason", unit]).size().rename("n").reset_index()
    found = sorted(counts.to_dict("records"), key=lambda r: (r["status"], -r["n"], r["reason"]))
    return [
        row | {"title": in_words(row["reason"]), "meaning": REASONS.get(row["reason"], "")}
        for row in found
    ]


def files_apart(words: Words, manifest: pd.DataFrame, left: Sequence[Mapping[str, Any]]) -> str:
    """The files from which no image was made and that are no part of a flow of images."""
    if _is_a_file_each(manifest):
        return ""
    counts: Counter[str] = Counter()
    for row in left:
        if row["unit"] != words.items:
            counts[row["unit"]] += row["n"]
    return ", ".join(
        f"{n:,} {unit if n > 1 else unit.removesuffix('s')}" for unit, n in sorted(counts.items())
    )
