"""Whether the tables of patients can be read as the workflow will read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from medsynth.check.findings import Findings
from medsynth.cohorts.patients.counted import in_words
from medsynth.cohorts.patients.reading import read_patients
from medsynth.cohorts.patients.settings import PatientTables
from medsynth.store.quarantine import CohortError


def check_patients(
    place: str,
    patients: Sequence[str],
    settings: PatientTables,
    label: str | None,
    tell: Callable[[str, str], None],
    told: Findings,
) -> pd.DataFrame | None:
    """Tell why tables cannot be read, or of how many patients they say something.

    Args:
        place: key of the settings.
        patients: of the cohort.
        settings: of their tables.
        label: heading of the cohort's label, if a table says it.
        tell: is told of what cannot be.
        told: is told the rest.

    Returns:
        What they say, if they can be read.
    """
    try:
        table, counts = read_patients(patients, settings, label)
    except CohortError as error:
        tell(place, str(error))
        return None
    for name in settings.tables:
        told.note(f"{place}.tables.{name}", in_words(counts[name], "patients", "columns"))
    if settings.survival:
        of = counts["survival"]
        told.note(f"{place}.survival", in_words(of, "events", "censored"))
        if "doubt" in of:
            told.note(f"{place}.survival", of["doubt"])
    return table
