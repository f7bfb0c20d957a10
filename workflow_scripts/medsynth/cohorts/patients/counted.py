"""What is counted of patients' tables, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medsynth.store.privacy.fewest import FEWEST

REASONS = {
    "no_row": "the table has no row of the patient",
    "rows_differ": "rows of the patient contradict each other",
    "months_unknown": "the months are empty or no number",
    "months_not_positive": "the months are zero or negative",
    "event_unknown": "the cell says neither that the event happened nor that it did not",
}
GAPS = {
    "cells_empty": "cells are empty",
    "cells_not_understood": "cells say no age that a person can have, and count as empty",
    "words_rare": f"words of fewer than {FEWEST} patients each count as one",
    "columns_empty": "columns are empty of all patients",
    "columns_constant": "columns say the same of all patients: nothing can be learnt of them",
}


def in_words(counts: Mapping[str, Any], *shown: str) -> str:
    """Counts by their names, why rows are not used, and what is not known of the others.

    Args:
        counts: of one table, or of survival, as :func:`.reading.read_patients` has them.
        shown: names of those that are no gap and no reason.
    """
    found = [f"{counts[name]} {name}" for name in shown]
    found += [f"{n}: {REASONS[k]}" for k, n in counts.items() if k in REASONS]
    return ", ".join([*found, *(f"{n} {GAPS[k]}" for k, n in counts.items() if k in GAPS and n)])
