"""Counts that a stage leaves beside its tables, as rows of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from medsynth.store.manifests import used

# What files of counts in a cohort's folder are about; others are called by their name.
CAPTIONS = {
    "reports": "Report text of the studies",
    "texts": "Texts of the images, and the tokenizer of the training split",
    "calls": "Genotype calls of the cases",
    "stain": "Stain normalisation, fitted to the training split",
    "normalised": "Slides and tiles in the fitted stain, and left as they are",
    "patients": "Tables of the patients, and their survival",
    "pairs": "Pairs of images of the two domains",
}
STATISTICS = {"median", "mean", "least", "most"}
UNITS = {"mm": "mm", "um": "µm", "hu": "HU", "years": "years", "days": "days"}
WORDS = {"idh": "IDH", "1p": "1p/19q", "19q": "", "ihc": "IHC", "fish": "FISH", "pcr": "PCR"}
WORDS |= {"loh": "LOH", "reg": "registration", "dicom": "DICOM", "maf": "MAF", "hu": "HU"}
WORDS |= {"dicomdir": "DICOMDIR", "jpeg": "JPEG", "nifti": "NIfTI", "3d": "3D"}


def in_words(key: str) -> str:
    """A key of a file of counts, or a reason, in words."""
    return " ".join(filter(None, (WORDS.get(word, word) for word in key.split("_"))))


def caption_of(stem: str) -> str:
    """What a file of counts with this stem is about."""
    return CAPTIONS.get(stem, in_words(stem).capitalize())


def count_rows(counts: Mapping[str, Any]) -> list[tuple[str, str, Any, str]]:
    """(name, of what, value, unit) of every count; lists of numbers are left to the file."""
    rows = []
    for name, value in counts.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for part, entry in entries:
            if isinstance(entry, list | dict):
                continue
            stem, _, unit = str(part or name).rpartition("_")
            unit = UNITS.get(unit, "") if stem else ""
            key = stem if unit else str(part or name)
            if not part:
                rows.append((in_words(key), "", entry, unit))
            elif name in STATISTICS:
                rows.append((f"{name} {in_words(key)}", "", entry, unit))
            else:
                # Classes are named by the data, in their own spelling.
                of = in_words(key) if key.islower() else key
                rows.append((in_words(name), of, entry, unit))
    return rows


SOURCES = {  # of a label, as the manifest's column label_source names them
    "tags": "from the DICOM header",
    "table": "from the label table",
    "brightness": "guessed from the brightness of the blood, uncalibrated",
}


def label_rows(manifest: pd.DataFrame) -> list[tuple[str, str, int, str]]:
    """(class, where its labels are from, used items, ""); [] for a cohort that does not say."""
    if "label_source" not in manifest:
        return []
    counts = used(manifest).groupby(["label", "label_source"]).size()
    return [
        (label, SOURCES.get(source, in_words(source)), int(n), "")
        for (label, source), n in counts.items()
    ]
