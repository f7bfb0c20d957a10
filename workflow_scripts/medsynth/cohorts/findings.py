"""The findings of an image, of which each is there, not there, or uncertain, as its label."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
import pandas as pd

from medsynth.cohorts.files import set_aside
from medsynth.store.manifests import EXCLUDED, QUARANTINED, USED
from medsynth.store.tables.findings import joined

POSITIVE, NEGATIVE, UNCERTAIN = 1, 0, -1  # of a finding; null: not mentioned
NOTHING_FOUND = {"nofinding", "nofindings", "normal"}  # letters alone, whatever lies between them
# CheXpert's "No Finding" (Irvin et al. 2019) says that there is no disease; tubes may be seen.
BESIDE_NOTHING = {*NOTHING_FOUND, "supportdevices"}

log = logging.getLogger(__name__)


def label_findings(
    frame: pd.DataFrame,
    values: pd.DataFrame,
    *,
    uncertain: Literal["exclude", "positive", "negative"],
    empty: Literal["exclude", "negative"],
    several: Literal["use", "exclude"],
) -> None:
    """Fill in the label of the used rows: their positive findings, joined, in place.

    Excluded: uncertain, empty_finding, no_finding (none is positive), ambiguous (several are, and
    are not used).
    Quarantined: finding_contradiction ("No Finding", "Normal" or the like beside a finding).

    Args:
        values: a column a finding and the frame's index; 1, 0, -1 or null.
        uncertain: what -1 counts as.
        empty: what null counts as; never a yes.
        several: whether images of several findings are used.
    """
    counts = {name: int((values == v).sum(axis=None)) for name, v in _WORDS.items()}
    treated = "as if absent" if empty == "negative" else "and their images excluded"
    counts[f"not mentioned, {treated}"] = int(values.isna().sum(axis=None))
    log.info("findings: %s", ", ".join(f"{n} {name}" for name, n in counts.items()))
    if uncertain == "exclude":
        set_aside(frame, (values == UNCERTAIN).any(axis=1), EXCLUDED, "uncertain")
    if empty == "exclude":
        set_aside(frame, values.isna().any(axis=1), EXCLUDED, "empty_finding")
    positive = (values == POSITIVE) | ((values == UNCERTAIN) & (uncertain == "positive"))
    set_aside(frame, positive.sum(axis=1) == 0, EXCLUDED, "no_finding")
    if several == "exclude":
        set_aside(frame, positive.sum(axis=1) > 1, EXCLUDED, "ambiguous")
    plain = positive.columns.str.replace(r"[\W_]", "", regex=True).str.casefold()
    healthy = positive.loc[:, plain.isin(NOTHING_FOUND)].any(axis=1)
    ill = positive.loc[:, ~plain.isin(BESIDE_NOTHING)].any(axis=1)
    set_aside(frame, healthy & ill, QUARANTINED, "finding_contradiction")
    frame["label"] = _names(positive).where(frame["status"] == USED)


_WORDS = {"present": POSITIVE, "absent": NEGATIVE, "uncertain": UNCERTAIN}


def _names(positive: pd.DataFrame) -> pd.Series:
    """The label of every row."""
    rows, of = np.unique(positive.to_numpy(dtype=bool), axis=0, return_inverse=True)
    labels = [joined(positive.columns[row]) for row in rows]
    return pd.Series([labels[k] for k in of], index=positive.index, dtype="str")
