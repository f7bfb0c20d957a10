"""A configuration file and all that it names, checked in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsynth.check.cohort import check_cohort
from medsynth.check.findings import Findings
from medsynth.check.machine import check_machine
from medsynth.config.checks.lines import read_yaml, shown, with_lines
from medsynth.config.mistakes import Mistake
from medsynth.config.schema import NO_EXPERIMENT, Config, Examined, examine

JUDGED_BY = ("seed", "device", "min_patients", "max_quarantined")


def check_file(file: Path) -> Findings:
    """Everything that is wrong, first with the file, then with the data of sound cohorts.

    Raises:
        ConfigError: the file is no YAML, or holds no keys.
        OSError: it cannot be read.
    """
    raw = read_yaml(file)
    examined = examine(raw, [file])
    told = Findings(examined.mistakes)
    config = examined.config or _as_far_as_sound(raw, examined)
    listed = raw.get("experiments")
    trained = {one.get("cohort") for one in listed or [] if isinstance(one, dict)}
    if config:
        for name, cohort in config.cohorts.items():
            if absent := _yet_to_come(config, cohort):
                told.note(f"cohorts.{name}.root", absent)
            elif not any(_is_in(mistake, f"cohorts.{name}") for mistake in examined.mistakes):
                check_cohort(name, cohort, config, name in trained, told)
        if not config.experiments and examined.config:
            told.mistakes.append(NO_EXPERIMENT)
        check_machine(config, told.cohorts, told)
    told.mistakes = with_lines(dict.fromkeys(told.mistakes), [file])
    told.notes = with_lines(dict.fromkeys(told.notes), [file])
    return told


def _as_far_as_sound(raw: dict[str, Any], examined: Examined) -> Config | None:
    """The right cohorts, and what else is right of all that they are judged by; None if no cohort
    is right."""
    parts = examined.parts
    sound = {name: c for name, c in parts.cohorts.items() if parts.is_valid(f"cohorts.{name}")}
    wrong = {mistake.place for mistake in examined.mistakes}
    judged_by = {key: raw[key] for key in JUDGED_BY if key in raw and key not in wrong}
    settings = {"results_dir": parts.results_dir, "cohorts": sound} | judged_by
    return Config.model_validate(settings) if sound else None


def _is_in(mistake: Mistake, place: str) -> bool:
    return f"{mistake.place}.".startswith(f"{place}.")


def _yet_to_come(config: Config, cohort: Any) -> str | None:
    """Why there are no data of a cohort to be looked at."""
    if cohort.root.exists() and any(cohort.root.iterdir()):
        return None
    return f"{shown(cohort.root)} is not there yet: the workflow makes it, and it was not looked at"
