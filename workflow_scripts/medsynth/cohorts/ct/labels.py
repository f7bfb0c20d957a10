"""The contrast label of every CT file: decided once, when it is indexed, with where it is from.

`label_source` is "tags" (the header), "table" (the user's) or "brightness" (a guess).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydicom.dataset import Dataset

from medsynth.cohorts.ct.settings import TagContrast
from medsynth.cohorts.files import decode_unchanged, evenly, set_aside
from medsynth.imaging.ct.contrast.enhancement import LEAST_SLICES, SLICES
from medsynth.imaging.ct.contrast.phase import (
    Phase,
    contrast_by_intensity,
    header_phase,
    table_phase,
)
from medsynth.imaging.ct.series import read_placed
from medsynth.imaging.ct.volumes import Volume
from medsynth.runtime.settings import TableLabel
from medsynth.runtime.subprocess.isolated import Isolated
from medsynth.store.manifests import EXCLUDED, USED
from medsynth.store.quarantine import CohortError, ExcludedImage, UnusableImage

TAGS, TABLE, BRIGHTNESS = "tags", "table", "brightness"


def check_words(table: pd.DataFrame, settings: TableLabel) -> None:
    """Refuse a label table of which no word is known.

    Raises:
        CohortError: see above; without the words, which may be patients' names.
    """
    words = table["label"].dropna().unique()
    if len(words) and not any(map(table_phase, words)):
        raise CohortError(
            f"{settings.path}: none of the {len(words)} different words in {settings.value!r} says"
            " whether contrast medium was given; write yes or no, or name the column that says it"
            " in index.label.value"
        )


def phase_of(dataset: Dataset | None, found: pd.Series | None, settings: Any) -> Phase:
    """The phase of a file by its header, or by its row `found` in the label table."""
    if isinstance(settings, TableLabel):
        if found is None:
            return Phase(None, "no_contrast_label", "not in the label table")
        word = found["label"]
        if pd.isna(word):
            return Phase(None, "no_contrast_label", "its cell in the label table is empty")
        label = table_phase(word)
        return Phase(label) if label else Phase(None, "unknown_phase", f'"{word}"')
    if dataset is None:
        return Phase(None, "no_contrast_label", "a NIfTI header has no words about it")
    return header_phase(dataset)


def label_columns(phase: Phase, settings: TableLabel | TagContrast) -> dict[str, Any]:
    """Manifest columns of a decided label; none yet, if brightness is to guess it.

    Raises:
        UnusableImage: unknown_phase.
        ExcludedImage: contrast_contradiction, no_contrast_label.
    """
    if phase.label:
        return {"label_source": TABLE if isinstance(settings, TableLabel) else TAGS}
    if phase.reason == "no_contrast_label" and getattr(settings, "intensity", False):
        return {}
    assert phase.reason  # for there is no label
    kind = UnusableImage if phase.reason == "unknown_phase" else ExcludedImage
    raise kind(phase.reason, phase.detail or "")


def label_by_brightness(frame: pd.DataFrame, root: Path, min_confidence: float) -> None:
    """Guess the label of the series of which headers say nothing, in place.

    Of a series no more slices are decoded than the rule looks at; conversion decodes them all.
    Those that cannot be decoded are quarantined.
    """
    silent = frame[(frame["status"] == USED) & frame["label"].isna()]
    with Isolated() as in_child:
        for _, rows in silent.groupby("series"):
            volume = _sample(frame, rows, root, in_child)
            seen = 0 if volume is None else len(volume.hu)
            label, confidence = contrast_by_intensity(volume) if volume else (None, 0.0)
            if label:
                frame.loc[rows.index, "contrast_confidence"] = confidence
            usable = rows.index[frame.loc[rows.index, "status"] == USED]
            if label and confidence >= min_confidence:
                frame.loc[usable, ["label", "label_source"]] = [label, BRIGHTNESS]
                frame.loc[usable, "detail"] = None
            elif seen < LEAST_SLICES:
                frame.loc[usable, "detail"] = f"brightness needs {LEAST_SLICES} slices, not {seen}"
            else:
                frame.loc[usable, "detail"] = "brightness is not sure"
    set_aside(frame, frame["label"].isna(), EXCLUDED, "no_contrast_label")


def _sample(
    frame: pd.DataFrame, rows: pd.DataFrame, root: Path, in_child: Isolated
) -> Volume | None:
    """Slices of a series, evenly spread: as many as the rule looks at, if so many can be read."""
    rows = rows.sort_values("z", kind="stable")
    first = evenly(range(len(rows)), SLICES)
    order = [*first, *sorted(set(range(len(rows))) - set(first))]
    images: dict[int, np.ndarray] = {}
    plane: np.ndarray | None = None
    for place in order:
        if len(images) == SLICES:
            break
        item = rows.iloc[place]
        try:
            source = root / item["source"], item["source_sha256"]
            images[place], plane = in_child(decode_unchanged, read_placed, *source)
        except UnusableImage as error:
            status = [error.status, error.reason, error.detail]
            frame.loc[rows.index[place], ["status", "reason", "detail"]] = status
    if plane is None or not images:
        return None
    return Volume(np.stack([images[i] for i in sorted(images)]), plane)
