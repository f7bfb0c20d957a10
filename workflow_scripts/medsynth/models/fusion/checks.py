"""Whether patients and columns are fit to be trained on."""

from __future__ import annotations

import numpy as np

from medsynth.models.fusion.settings import FusionTraining
from medsynth.models.patients import PatientData
from medsynth.store.errors import MedsynthError

FEWEST_EVENTS = 2  # of a fold's training patients: one event tells no risk from another


class TargetColumn(MedsynthError):
    """A column is what is to be told, under another name."""


class TooFewPatients(MedsynthError):
    """Of a class, or with an event."""


def check(data: PatientData, settings: FusionTraining) -> None:
    """Refuse columns that are the target, and folds that nothing can be learnt from.

    Raises:
        TargetColumn: see :attr:`.PatientData.tell`; or `accept` names a column that is not there.
        TooFewPatients: a fold's model would be trained without a class, or without two events.
    """
    named = {f"{table}:{column}" for table, of in data.columns.items() for column in of}
    if unknown := sorted(set(settings.accept) - named):
        raise TargetColumn(
            f"train.accept names {', '.join(unknown)}; there are: {', '.join(sorted(named))}"
        )
    if settings.target == "label" and len(data.classes) < 2:
        raise TooFewPatients(
            f"all {len(data.patients)} patients are of one class, {', '.join(data.classes)}: there"
            " is nothing to tell; correct the cohort's label, or set train.target: survival"
        )
    for fold in range(data.n_folds):
        trained, _, _ = data.parts(fold, settings.target)
        _check_fold(data, settings.target, fold, trained)
    # Everybody is trained on in some fold; in one alone few patients would be told by chance.
    found = data.tell(settings.target, np.flatnonzero(data.known(settings.target)))
    if refused := {c: why for c, why in found.items() if c not in settings.accept}:
        listed = "\n".join(f"  {column}: {why}" for column, why in sorted(refused.items()))
        raise TargetColumn(
            f"these columns tell the target itself:\n{listed}\nLeave them out of"
            " patients.tables.*.columns of the cohort; if one is known before the diagnosis and is"
            " meant, name it in train.accept"
        )


def _check_fold(data: PatientData, target: str, fold: int, trained: np.ndarray) -> None:
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
