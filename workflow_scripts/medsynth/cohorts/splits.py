"""Dividing patients, once for all stages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from medsynth.cohorts.labels import absent_classes
from medsynth.runtime.settings import Split
from medsynth.store.manifests import SPARE, TEST, TRAIN, VALIDATE, by_finding, used
from medsynth.store.privacy.fewest import FEWEST
from medsynth.store.quarantine import CohortError


def split_patients(index: pd.DataFrame, settings: Split, seed: int) -> pd.DataFrame:
    """Divide the patients that have usable rows; every patient stands in exactly one split.

    Patients are grouped by their most frequent finding and ordered by sha256(seed, patient), so
    the place of one does not depend on who else is there. Of every finding that at least three
    patients have, at least one patient is in train and one in test.

    Args:
        index: index manifest with labels; "split_hint" is needed for official splits.
        settings: fractions, or the published division.
        seed: of the order.

    Returns:
        DataFrame(patient, split) sorted by patient; split is train, validate or test, or spare
        where `settings.few` leaves a patient out. With `settings.folds` also the column fold, from
        0.

    Raises:
        CohortError: an official split that is absent, incomplete or contradicts itself, fewer
            patients than folds, or `few` of a class that there is not.
    """
    rows = used(index)
    labels, main = _labels(rows, seed)
    split = _official(rows) if settings.official else _stratified(labels, main, settings)
    split = _with_few(split, rows, main, settings.few)
    splits = split.rename_axis("patient").rename("split").sort_index().reset_index()
    if settings.folds is None:
        return splits
    return splits.assign(fold=splits["patient"].map(_folds(main, settings.folds)))


def carry_labels(splits: pd.DataFrame, index: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """The division of a cohort whose labels come late, with the labels that it was made by.

    Args:
        splits: as :func:`split_patients` gives them.
        index: index manifest.
        labels: DataFrame(group, label, status, reason), one row a group.

    Returns:
        DataFrame(patient, split, group, label, status, reason), one row a group of the index, and
        fold if there are any; split and fold are null of patients of whom nothing is used.
    """
    groups = index[["patient", "group"]].drop_duplicates("group").merge(labels, on="group")
    joined = groups.merge(splits, on="patient", how="left")
    if folds := [c for c in splits if c == "fold"]:
        joined["fold"] = joined["fold"].astype("Int64")
    return joined[["patient", "split", "group", "label", "status", "reason", *folds]]


def _official(rows: pd.DataFrame) -> pd.Series:
    if "split_hint" not in rows or rows["split_hint"].isna().any():
        missing = len(rows) if "split_hint" not in rows else rows["split_hint"].isna().sum()
        raise CohortError(
            f"split.official is set, but {missing} images have no published split;"
            " add the split table or set official: false"
        )
    hints = rows.groupby("patient")["split_hint"]
    if conflicting := int((hints.nunique() > 1).sum()):
        raise CohortError(
            f"the published split puts {conflicting} patients in two splits;"
            " correct the split table or set official: false"
        )
    return hints.first()


def _with_few(
    split: pd.Series, rows: pd.DataFrame, main: pd.DataFrame, few: Mapping[str, int]
) -> pd.Series:
    """The division, training patients of a class beyond so many spared, in the patients' order."""
    if absent := [f"{label!r}; {why}" for label, why in absent_classes(rows, few, FEWEST)]:
        raise CohortError(f"split.few: no patient has the class {', nor '.join(absent)}")
    for label, most in few.items():
        of_class = main[main["label"] == label].sort_values("order")["patient"]
        trained = of_class[(split[of_class] == TRAIN).to_numpy()]
        split = split.where(~split.index.isin(trained.iloc[most:]), SPARE)
    return split


def few_of_no_use(
    splits: pd.DataFrame, index: pd.DataFrame, few: Mapping[str, int], seed: int
) -> Iterator[str]:
    """Of which classes `split.few` leaves nobody out, and how many training patients they have."""
    if not few:
        return
    _, main = _labels(used(index), seed)
    divided = main.merge(splits, on="patient")
    for label, most in few.items():
        of_class = divided.loc[divided["label"] == label, "split"]
        if not (of_class == SPARE).any():
            yield (
                f"{most} patients of {label} make nothing rare: {(of_class == TRAIN).sum()} of the"
                " training patients are of this class (of several findings, the most frequent);"
                " take fewer"
            )


def _labels(rows: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every label of every patient (n, order), and of every patient the most frequent one."""
    labels = by_finding(rows).groupby(["patient", "label"]).size().rename("n").reset_index()
    orders = {patient: _order(seed, patient) for patient in labels["patient"].unique()}
    labels["order"] = labels["patient"].map(orders)
    main = labels.sort_values(["n", "label"], ascending=[False, True]).drop_duplicates("patient")
    return labels, main


def _folds(main: pd.DataFrame, folds: int) -> pd.Series:
    """Patients dealt in their order, label by label: no fold has two more of one than another."""
    if len(main) < folds:
        raise CohortError(
            f"split.folds asks for {folds} folds, and there are {len(main)} patients; set it to"
            f" {max(len(main), 3)} at most, or leave it out"
        )
    dealt = main.sort_values(["label", "order"])["patient"]
    return pd.Series(np.arange(len(dealt)) % folds, index=dealt)


def _stratified(labels: pd.DataFrame, main: pd.DataFrame, settings: Split) -> pd.Series:
    split = pd.Series(TRAIN, index=main["patient"])
    for _, stratum in main.sort_values("order").groupby("label"):
        n = len(stratum)
        tests = round(n * settings.test_fraction)
        validates = min(round(n * settings.validate_fraction), max(n - tests - 1, 0))
        split[stratum["patient"].iloc[:tests]] = TEST
        split[stratum["patient"].iloc[tests : tests + validates]] = VALIDATE
    _cover(split, labels.sort_values("order").groupby("label")["patient"])
    return split


def _cover(split: pd.Series, patients: pd.api.typing.SeriesGroupBy) -> None:
    """Move single patients, in place, so that every label of at least three is in both."""
    wanted = [TRAIN, TEST]
    members = {label: list(group) for label, group in patients if len(group) >= 3}
    # rare labels first: they have the fewest patients to choose from
    for _, group in sorted(members.items(), key=lambda item: (len(item[1]), item[0])):
        for target in wanted:
            if (split[group] == target).any():
                continue
            for patient in group:
                if all(
                    (split[other] == split[patient]).sum() > 1
                    for other in members.values()
                    if patient in other and split[patient] in wanted
                ):
                    split[patient] = target
                    break


def _order(seed: int, patient: str) -> str:
    return hashlib.sha256(f"{seed}:{patient}".encode()).hexdigest()
