"""The configuration as a file for people: YAML with the reasons as comments."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from medsynth.config.loading import load_config
from medsynth.config.schema import Config
from medsynth.survey.found import Found, Question
from medsynth.survey.machine import Machine

WIDTH = 100
# Share of unusable files.
TOLERATED: float = Config.model_fields["max_quarantined"].default
PARTLY = (
    f"raised from {TOLERATED:g}, for a table names files that are not on this disk; lower it when"
    " they are"
)
HEAD = """\
# Written by medsynth init, with the reasons for each choice: correct what is not right.
# Every key is explained in docs/reference/configuration.md.
#   medsynth check {file}                            what is wrong with it, and with the data
#   snakemake -n --configfile {file}                 what would run
#   snakemake --cores all --configfile {file}        run it"""


def settings_of(found: list[Found], machine: Machine, results: str, study: str) -> dict[str, Any]:
    """The whole configuration, questions still in it."""
    cohorts = {one.name: one.cohort for one in found}
    experiments = [
        {"name": f"{one.name}_{one.family}", "family": one.family, "cohort": one.name}
        | machine.settings[one.family]
        for one in found
    ]
    unusable = max(one.unusable for one in found)
    raised = {"max_quarantined": round(unusable + TOLERATED, 2)} if unusable > TOLERATED / 2 else {}
    return {
        "results_dir": results,
        "seed": 1,
        "device": "auto",
        **raised,
        "lineage": {"study": study},
        "cohorts": cohorts,
        "classifier": machine.classifier,
        "experiments": experiments,
    }


def check(settings: dict[str, Any]) -> None:
    """Check a configuration as the workflow does, as if every question were answered.

    Raises:
        ConfigError: it has mistakes.
    """
    load_config(_answered(settings))


def as_yaml(settings: dict[str, Any], found: list[Found], machine: Machine, file: str) -> str:
    """The text of the file."""
    why = {f"cohorts.{one.name}.{key}": r for one in found for key, r in one.why.items()}
    why |= {f"cohorts.{one.name}": ". ".join([one.what, *one.missing]) for one in found}
    why |= {"experiments": machine.why, "max_quarantined": PARTLY}
    return "\n".join([HEAD.format(file=file), *_lines(settings, why, "", 0), ""])


def _answered(value: Any) -> Any:
    if isinstance(value, Question):
        return value.value
    if isinstance(value, dict):
        return {key: _answered(each) for key, each in value.items()}
    return [_answered(each) for each in value] if isinstance(value, list) else value


def _lines(group: dict[str, Any], why: dict[str, str], path: str, depth: int) -> Iterator[str]:
    """A group in block form, so that a comment may stand above every key."""
    margin = "  " * depth
    for key, value in group.items():
        place = f"{path}.{key}" if path else key
        if place in why:
            width = WIDTH - len(margin) - 2
            yield from (
                f"{margin}# {line}"
                for line in textwrap.wrap(why[place], width, break_on_hyphens=False)
            )
        if isinstance(value, Question):
            yield f"{margin}# {key}: {_flow(value.value)}"
        elif isinstance(value, dict) and not _short(key, value, why, place, margin):
            yield f"{margin}{key}:"
            yield from _lines(value, why, place, depth + 1)
        elif isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            yield f"{margin}{key}:"
            for each in value:
                first, *rest = _lines(each, why, place, depth + 2)
                yield f"{margin}  - {first.strip()}"
                yield from rest
        else:
            yield f"{margin}{key}: {_flow(value)}"


def _short(key: str, group: dict[str, Any], why: dict[str, str], place: str, margin: str) -> bool:
    """Whether a group fits a line, and nothing is to be said of its keys."""
    nested = any(isinstance(v, dict | Question) for v in group.values())
    said = any(reason.startswith(f"{place}.") for reason in why)
    return not (nested or said) and len(f"{margin}{key}: {_flow(group)}") <= WIDTH


def _flow(value: Any) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")
