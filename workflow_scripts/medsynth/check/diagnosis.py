"""Whether patients can be told from tables, and whether a column is what is to be told."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pandas as pd

from medsynth.check.findings import Findings
from medsynth.cohorts.settings import CohortSettings
from medsynth.config.schema import Config
from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import used


def check_diagnosis(
    name: str,
    cohort: CohortSettings,
    frame: pd.DataFrame,
    splits: pd.DataFrame | None,
    table: pd.DataFrame,
    config: Config,
    told: Findings,
) -> None:
    """Ask what a training asks before it begins, of every experiment that predicts patients.

    Args:
        name, cohort: of the cohort.
        frame: index manifest; of its patients those are judged who have a label.
        splits: of its patients; None if they cannot be divided, which is told already.
        table: what tables say of them.
        config: the experiments.
        told: is added to.
    """
    asked: list[Any] = [e for e in config.experiments if e.cohort == name and "patients" in e.needs]
    if not asked or cohort.split.folds is None:  # without folds the configuration is refused
        return
    rows = used(frame).dropna(subset=["label"])
    if rows.empty:
        for one in asked:
            told.note(
                f"experiments.{one.name}.train",
                "which columns tell the target itself is judged before the training, when the"
                " classes are known",
            )
        return
    if splits is None:
        return
    from medsynth.tasks.diagnosis.data import described  # torch, which no other check needs

    try:
        folds = rows["patient"].map(splits.set_index("patient")["fold"])
        data = described(rows.assign(fold=folds), table, f"cohort {name}")
    except MedsynthError as error:
        told.mistake(f"cohorts.{name}", str(error))
        return
    for one in asked:
        place = f"experiments.{one.name}.train"
        checks = import_module(f"{one.folder}.checks")
        try:
            gate = checks.gate(data, one.train)
            told.note(place, gate.words())
            for column, why in gate.refused.items():
                told.mistake(place, f"{column} {why}. {checks.REMEDY}")
            checks.check_folds(data, one.train)
        except MedsynthError as error:
            told.mistake(place, str(error))
