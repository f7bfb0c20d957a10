"""Whose the bytes are: the files of an image are of one patient, and an image is used once."""

from __future__ import annotations

from itertools import combinations

import pandas as pd

from medsynth.cohorts.files import set_aside
from medsynth.store.manifests import COLUMNS, EXCLUDED, QUARANTINED, USED

PLACES = ["slice", "frame"]
MASK = "mask_sha256"
# What two rows of one image may differ in; of the group, the study it was sent with, too.
NAMES = {*COLUMNS, "mask", "detail", "image"} - {"label"}


def set_copies_aside(frame: pd.DataFrame, digests: list[str]) -> None:
    """Set aside, in place, the usable rows whose bytes contradict what the table says of them.

    Quarantined: role_copy (two roles, or the mask and the image, are the same bytes), whose_bytes
    (a file stands under two patients, or the image under two classes), copies_differ (copies of an
    image that the table describes differently). Excluded: copy (once more, described alike).

    A mask without content is rightly the same for many. The index does not decode: its column
    mask_shared says which masks stand beside images of several patients.

    Args:
        frame: index manifest; MASK only if the table names masks.
        digests: columns of the digests of an image's files.
    """
    masked = [*digests, *({MASK} & set(frame))]
    for one, other in combinations(masked, 2):
        set_aside(frame, (frame[one] == frame[other]).fillna(False), QUARANTINED, "role_copy")
    usable = frame[frame["status"] == USED]
    torn = _of_several(usable, digests, masked)
    if MASK in frame:
        beside = usable.groupby(MASK)["patient"].transform("nunique") > 1
        frame["mask_shared"] = beside.reindex(frame.index, fill_value=False)
    same = usable.groupby([*digests, *(usable[p].fillna(-1) for p in PLACES if p in usable)])
    torn |= same["label"].transform("nunique") > 1
    set_aside(frame, frame.index.isin(usable.index[torn]), QUARANTINED, "whose_bytes")
    roles = {d.removesuffix("_sha256") for d in digests}
    described = [c for c in usable if c not in {*NAMES, *PLACES, *digests, *roles}]
    for column in described:
        values = usable[column].astype("str").fillna("")
        differ = values.groupby(same.ngroup()).transform("nunique") > 1
        set_aside(frame, frame.index.isin(usable.index[differ]), QUARANTINED, "copies_differ")
    again = usable.index[same.cumcount() > 0]
    set_aside(frame, frame.index.isin(again), EXCLUDED, "copy")


def _of_several(usable: pd.DataFrame, digests: list[str], masked: list[str]) -> pd.Series:
    """Which rows have a file that is an image of one patient and a file of another."""
    files = usable[["patient", *masked]].melt(
        "patient", var_name="of", value_name="sha256", ignore_index=False
    )
    files = files.dropna(subset="sha256")
    patients = files.groupby("sha256")["patient"].transform("nunique")
    shown = files["of"].isin(digests).groupby(files["sha256"]).transform("any")
    return pd.Series(usable.index.isin(files.index[(patients > 1) & shown]), usable.index)
