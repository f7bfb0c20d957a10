"""A configuration file and all that it names, checked in one go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medsynth.check.cohort import check_cohort
from medsynth.check.findings import Findings
from medsynth.check.machine import check_machine
from medsynth.cohorts.settings import CohortSettings
from medsynth.config.checks.lines import read_yaml, shown, with_lines
from medsynth.config.loading import NO_EXPERIMENT, Examined, examine
from medsynth.config.mistakes import ConfigError, Mistake, place_of
from medsynth.config.schema import Config, Experiment
from medsynth.config.valid_parts import valid_or_none
from medsynth.store.errors import refusal

JUDGED_BY = ("seed", "device", "min_patients", "max_quarantined")


def check_file(file: Path) -> Findings:
    """Everything that is wrong, first with the file, then with the data of sound cohorts.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        raw = read_yaml(file)
        examined = examine(raw, [file])
    except ConfigError as error:  # no YAML, or without keys
        return Findings(error.mistakes)
    told = Findings(examined.mistakes)
    if config := examined.config or _as_far_as_sound(raw, examined):
        if examined.config and not config.experiments:
            told.mistakes.append(NO_EXPERIMENT)
        config = _of_right_experiments(config, raw, examined.mistakes)
        _check_data(config, _trained_on(raw), told)
        check_machine(config, told.cohorts, told)
    told.mistakes = with_lines(dict.fromkeys(told.mistakes), [file])
    told.notes = with_lines(dict.fromkeys(told.notes), [file])
    return told


def _check_data(config: Config, trained: set[str], told: Findings) -> None:
    """Of the cohorts of which nothing is wrong yet."""
    wrong = [f"{mistake.place}." for mistake in told.mistakes]
    for name, cohort in config.cohorts.items():
        if any(place.startswith(f"cohorts.{name}.") for place in wrong):
            continue
        try:
            if absent := _yet_to_come(cohort):
                told.note(f"cohorts.{name}.root", absent)
            else:
                check_cohort(name, cohort, config, name in trained, told)
        except OSError as error:  # of one cohort: the others are still told
            told.mistake(f"cohorts.{name}", refusal(error))


def _trained_on(raw: dict[str, Any]) -> set[str]:
    """The cohorts that experiments name, be these right or not."""
    return {name for one in _listed(raw) if isinstance(name := one.get("cohort"), str)}


def _listed(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The experiments, as they are written."""
    given = raw.get("experiments")
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _as_far_as_sound(raw: dict[str, Any], examined: Examined) -> Config | None:
    """The right cohorts with their right experiments, and what else is right of all that they are
    judged by; None if no cohort is right."""
    parts = examined.parts
    sound = {name: c for name, c in parts.cohorts.items() if parts.is_valid(f"cohorts.{name}")}
    wrong = {mistake.place for mistake in examined.mistakes}
    judged_by = {key: raw[key] for key in JUDGED_BY if key in raw and key not in wrong}
    experiments = [
        one
        for one in _listed(raw)
        if (valid := valid_or_none(Experiment, one)) and valid.cohort in sound
    ]
    settings = {"results_dir": parts.results_dir, "cohorts": sound, "experiments": experiments}
    settings |= judged_by
    return Config.model_validate(settings) if sound else None


def _of_right_experiments(config: Config, raw: dict[str, Any], mistakes: list[Mistake]) -> Config:
    """Without those of which something is wrong already: no data can be judged by their needs."""
    wrong = [f"{mistake.place}." for mistake in mistakes]
    names = [
        one.get("name")
        for position, one in enumerate(raw["experiments"] if _listed(raw) else [])
        if isinstance(one, dict)
        and any(place.startswith(f"{place_of(['experiments', position], raw)}.") for place in wrong)
    ]
    right = [one for one in config.experiments if one.name not in names]
    return config.model_copy(update={"experiments": right})


def _yet_to_come(cohort: CohortSettings) -> str | None:
    """Why the data of a cohort cannot be looked at; whatever else is missing is a mistake."""
    named = [path for paths in cohort.raw_paths().values() for path in paths]
    absent = [path for path in named if not path.exists()]
    if not absent and any(cohort.root.iterdir()):
        return None
    where = shown(absent[0] if absent else cohort.root)
    return f"{where} is not there yet: the workflow brings it, and the cohort was not looked at"
