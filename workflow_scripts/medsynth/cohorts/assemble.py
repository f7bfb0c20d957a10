"""The cohort's manifest: index, shards, splits and labels put together, and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from medsynth.genomics.evidence import Share
from medsynth.store.manifests import (
    EXCLUDED,
    QUARANTINED,
    SPARE,
    USED,
    by_finding,
    has_several,
    manifest,
)
from medsynth.store.quarantine import CohortError, reason_lines


def join_labels(frame: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """Give the used rows the label of their group.

    Args:
        frame: index or item manifest.
        labels: DataFrame(group, label, status, reason), one row a group.

    Returns:
        The frame with labels; groups that `labels` lacks or has not used are excluded, with its
        reason or "no_genotype".
    """
    found = frame[["group"]].merge(labels.drop_duplicates("group"), on="group", how="left")
    found.index = frame.index
    rows = frame["status"] == USED
    unusable = rows & ((found["status"] != USED) | found["label"].isna())
    frame = frame.copy()
    frame.loc[rows, "label"] = found.loc[rows, "label"]
    frame.loc[unusable, "status"] = EXCLUDED
    frame.loc[unusable, "reason"] = found.loc[unusable, "reason"].fillna("no_genotype")
    return frame


def assemble(
    index: pd.DataFrame,
    shards: Sequence[pd.DataFrame],
    splits: pd.DataFrame,
    labels: pd.DataFrame | None,
    *,
    name_classes: bool = True,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Put the cohort together.

    Args:
        index: index manifest.
        shards: manifests of all shards.
        splits: DataFrame(patient, split), and fold if there are any, of one patient as many rows as
            you like.
        labels: DataFrame(group, label, status, reason) where labels are joined late, else None.
        name_classes: whether the workflow knows the classes; else a table of the user's says them,
            of which a wrong column may make classes of patients' names.

    Returns:
        The manifest (all rows, sorted by patient and item), its quarantined rows, and the summary
        {"items", "files", "reasons", "by_label_split"}, and, where images have several findings,
        "by_finding_split", which counts an image once for each; the caller adds the names of cohort
        and kind.

    Raises:
        CohortError: nothing is left, or each class of the user's table is one patient.
    """
    frame = pd.concat([index[index["status"] != USED], *shards], ignore_index=True)
    # Each row that a shard excludes is a file of the index.
    wanted = len(index) - int((frame["status"] == EXCLUDED).sum())
    if labels is not None:
        frame = join_labels(frame, labels)
    divided = splits.groupby("patient").first()
    frame["split"] = frame["patient"].map(divided["split"])
    spare = (frame["status"] == USED) & (frame["split"] == SPARE)
    frame.loc[spare, ["status", "reason"]] = EXCLUDED, "spare"
    if "fold" in divided:
        frame["fold"] = frame["patient"].map(divided["fold"]).astype("Int64")
    frame = manifest(frame.sort_values(["patient", "item_id"], ignore_index=True))
    summary = summary_of(frame, wanted)
    _check_classes(frame, name_classes)
    return frame, frame[frame["status"] == QUARANTINED].reset_index(drop=True), summary


def _listed(rows: pd.DataFrame) -> str:
    return "\n".join(f"  {line}" for line in reason_lines(rows["reason"]))


def summary_of(frame: pd.DataFrame, wanted: int) -> dict[str, Any]:
    """Counts of a manifest by status, reason, label and split, see :func:`assemble`.

    Args:
        frame: with splits.
        wanted: its raw files that the settings do not exclude.
    """
    status = frame["status"].value_counts()
    reasons = frame[frame["status"] != USED].groupby(["status", "reason"]).size()
    findings = {"by_finding_split": _by_split(by_finding(frame))} if has_several(frame) else {}
    return {
        "items": {"in": len(frame)}
        | {name: int(status.get(name, 0)) for name in (USED, QUARANTINED, EXCLUDED)},
        "files": {"wanted": wanted, "quarantined": int(status.get(QUARANTINED, 0))},
        "reasons": reasons.rename("n").reset_index().to_dict("records"),
        "by_label_split": _by_split(frame),
    } | findings


def _by_split(frame: pd.DataFrame) -> list[dict[str, Any]]:
    cells = frame[frame["status"] == USED].groupby(["label", "split"])["patient"]
    return cells.agg(items="size", patients="nunique").reset_index().to_dict("records")


def _check_classes(frame: pd.DataFrame, named: bool) -> None:
    rows = by_finding(frame[frame["status"] == USED])
    if rows.empty:
        raise CohortError(
            f"no image of this cohort can be used:\n{_listed(frame)}\nIts index and shard tables"
            " name every file (columns source, status, reason, detail)."
        )
    classes = set(rows["label"])
    patients = rows.groupby("label")["patient"].nunique()
    if not named and len(classes) > 2 and (patients == 1).all():
        raise CohortError(  # before the classes' names stand in the summary and in MLflow
            f"each of the {len(classes)} classes has one patient only; correct index.label.value"
            " (index.columns.labels), the column of the classes, which seems to name patients or"
            " images"
        )


def genotype_counts(
    calls: pd.DataFrame, quarantine: pd.DataFrame, shares: Sequence[Share]
) -> dict[str, Any]:
    """What the calls rest on, how many conflict, and what of the tables could not be used.

    Args:
        calls, quarantine, shares: as :func:`medsynth.genomics.glioma.call_genotypes` returns them.
    """

    def counted(values: pd.Series) -> dict[str, int]:
        return {str(name): int(n) for name, n in values.value_counts().sort_index().items()}

    return {
        "cases": len(calls),
        "class": counted(calls["subtype"]),
        "no_class_because": counted(calls["reason"]),
        "idh_rests_on": counted(calls["idh_rests_on"]),
        "1p_19q_from": counted(calls["codeletion_source"]),
        "assays_in_conflict": int(calls["conflict"].notna().sum()),
        "not_usable_in_tables": counted(quarantine["reason"]),
        "tables": [share._asdict() for share in shares],
    }
