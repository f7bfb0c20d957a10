"""Whether patients and columns are fit to be trained on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from medsynth.models.fusion.settings import FusionTraining
from medsynth.models.patients import DescribedPatients
from medsynth.store.errors import MedsynthError
from medsynth.store.privacy.fewest import FEWEST

log = logging.getLogger(__name__)

SHOWN = 12  # columns in a sentence
REMEDY = (
    "Leave them out of patients.tables.*.columns of the cohort; if one is known before the"
    " diagnosis and is meant, name it in train.accept"
)
FEWEST_EVENTS = 2  # of a fold's training patients: one event tells no risk from another


class TargetColumn(MedsynthError):
    """A column is what is to be told, under another name."""


class TooFewPatients(MedsynthError):
    """Of a class, or with an event."""


class Gate(NamedTuple):
    """How the columns of tables were judged, and which are refused.

    Attributes:
        columns, patients: how many of them there are.
        refused: why, by column.
        by_name_alone: columns whose values too few patients have.
        not_compared: classes, with as few patients, from which no column was told.
    """

    columns: int
    patients: int
    refused: Mapping[str, str]
    by_name_alone: list[str]
    not_compared: list[str]

    def words(self) -> str:
        """What a user must know of it."""
        by_values = self.columns - len(self.by_name_alone)
        parts = [
            f"of {self.columns} columns {by_values} were judged by their names and, of"
            f" {self.patients} patients, by their values, whether they tell the target itself"
        ]
        if names := self.by_name_alone:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            parts.append(
                f"by their names alone, since too few patients have a value:"
                f" {', '.join(names[:SHOWN])}{more}"
            )
        if few := self.not_compared:
            parts.append(f"no values were compared with {', '.join(few)}: too few patients")
        return "; ".join(parts)


def check(data: DescribedPatients, settings: FusionTraining) -> Gate:
    """Refuse columns that are the target, and folds that nothing can be learnt from.

    Raises:
        TargetColumn: see :func:`gate`; or `accept` names a column that is not there.
        TooFewPatients: see :func:`check_folds`.
    """
    check_folds(data, settings)
    found = gate(data, settings)
    log.log(logging.WARNING if found.by_name_alone else logging.INFO, "%s", found.words())
    if found.refused:
        listed = "\n".join(f"  {column} {why}" for column, why in found.refused.items())
        raise TargetColumn(f"columns that may not be used:\n{listed}\n{REMEDY}")
    return found


def gate(data: DescribedPatients, settings: FusionTraining) -> Gate:
    """Which columns tell the target, but for those in `accept`, and how the others were judged.

    Raises:
        TargetColumn: `accept` names a column that is not there.
    """
    named = {f"{table}:{column}" for table, of in data.columns.items() for column in of}
    if unknown := sorted(set(settings.accept) - named):
        raise TargetColumn(
            f"train.accept names {', '.join(unknown)}; there are: {', '.join(sorted(named))}"
        )
    # Everybody is trained on in some fold; in one alone few patients would be told by chance.
    known = np.flatnonzero(data.known(settings.target))
    told = data.tell(settings.target, known)
    refused = {c: why for c, why in sorted(told.refused.items()) if c not in settings.accept}
    return Gate(len(named), len(known), refused, told.by_name_alone, told.not_compared)


def check_folds(data: DescribedPatients, settings: FusionTraining) -> None:
    """Refuse patients of whom nothing can be learnt.

    Raises:
        TooFewPatients: a fold's model would be trained without a class, or without two events.
    """
    if (known := int(data.known(settings.target).sum())) < FEWEST:
        raise TooFewPatients(
            f"the {settings.target} of {known} of {len(data.patients)} patients is known; at least"
            f" {FEWEST} are needed, of fewer every figure would tell of one of them"
        )
    if settings.target == "label" and len(data.classes) < 2:
        raise TooFewPatients(
            f"all {len(data.patients)} patients are of one class, {', '.join(data.classes)}: there"
            " is nothing to tell; correct the cohort's label, or set train.target: survival"
        )
    for fold in range(data.n_folds):
        trained, _, _ = data.parts(fold, settings.target)
        _check_fold(data, settings.target, fold, trained)


def _check_fold(data: DescribedPatients, target: str, fold: int, trained: np.ndarray) -> None:
    if target == "survival":
        assert data.event is not None
        known = data.known(target)
        events = int(data.event[trained].sum())
        if events < FEWEST_EVENTS:
            raise TooFewPatients(
                f"survival: {events} events among the {len(trained)} training patients of fold"
                f" {fold} ({int(data.event[known].sum())} of {int(known.sum())} in all); at least"
                f" {FEWEST_EVENTS} are needed: look whether patients.survival.happened is the right"
                " word, or take fewer folds"
            )
        return
    counts = np.bincount(data.labels[trained], minlength=len(data.classes))
    if lacking := [name for name, n in zip(data.classes, counts, strict=True) if not n]:
        raise TooFewPatients(
            f"fold {fold} has no training patient of {', '.join(lacking)}; leave the class out of"
            " the cohort, or take fewer folds (split.folds)"
        )
