"""Whether the user's tables have the columns that the configuration names, by their headers."""

from __future__ import annotations

from collections.abc import Iterator

from medsynth.cohorts.settings import CohortSettings
from medsynth.config.mistakes import Mistake
from medsynth.config.valid_parts import ValidParts
from medsynth.store.tables.header import (
    TableError,
    headings_of,
    missing_columns,
    repeated_column,
)


def header_mistakes(config: ValidParts) -> Iterator[Mistake]:
    """Columns that the tables lack or have twice; absent tables are told elsewhere."""
    for name, cohort in config.cohorts.items():
        for mistake in _of_cohort(cohort):
            place = f"cohorts.{name}.{mistake.place}"
            if config.is_valid(place):
                yield Mistake(place, mistake.text)


def _of_cohort(cohort: CohortSettings) -> Iterator[Mistake]:
    for path, wanted in cohort.tables_read():
        if not path.exists():
            continue
        try:
            header = headings_of(path)
        except TableError as error:
            named = [key for key, paths in cohort.raw_paths().items() if path in paths]
            yield Mistake([wanted[0][0], *named][-1], str(error))
            continue
        for key, heading in dict.fromkeys(wanted):
            if twice := repeated_column([heading], header):
                yield Mistake(key, f"{path}: {twice}")
        lacking: dict[str, list[str]] = {}
        for key, heading in wanted:
            if heading not in header:
                lacking.setdefault(key, []).append(heading)
        for key, headings in lacking.items():
            yield Mistake(key, f"{path}: {missing_columns(headings, header)}")
