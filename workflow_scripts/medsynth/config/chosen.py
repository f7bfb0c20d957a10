"""Which configuration is meant when the command line names none.

Imported by commands that answer at once: nothing here waits for pydantic.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from medsynth.store.errors import MedsynthError
from medsynth.store.layout import Layout

VARIABLE = "MEDSYNTH_CONFIG"
DEMO = Path("config", "config.yaml")
SHIPPED = (DEMO, DEMO.with_name("full.yaml"))
RESULTS = Path("results")
GROUP = re.compile(r"^(cohorts|experiments):", re.MULTILINE)
SHOWN = 3  # names in the notice


class NoConfigurationError(MedsynthError):
    """The environment names a configuration that cannot be read."""


def named_by_environment() -> Path | None:
    """The file in MEDSYNTH_CONFIG, if that is set and not empty.

    Raises:
        NoConfigurationError: it is not there.
    """
    if not (named := os.environ.get(VARIABLE)):
        return None
    if not Path(named).is_file():
        raise NoConfigurationError(
            f"{named}, named by the environment variable {VARIABLE}, is not there or no file;"
            f" correct it, or `unset {VARIABLE}`"
        )
    return Path(named)


def results_folder() -> Path:
    """The results folder of the configuration in the environment, else `results`.

    Raises:
        NoConfigurationError: the configuration is not there, or no YAML.
    """
    if (file := named_by_environment()) is None:
        return RESULTS
    import yaml

    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError) as error:
        raise NoConfigurationError(
            f"{file}, named by {VARIABLE}, is no YAML; `medsynth check {file}` says where"
        ) from error
    given = settings.get("results_dir") if isinstance(settings, dict) else None
    return Path(os.path.expandvars(os.path.expanduser(given))) if given else RESULTS


def overlooked(results: Path, cohorts: Iterable[str]) -> str | None:
    """One line for whoever starts the demo and may have meant another study; None if there is none.

    Args:
        results: of the demo.
        cohorts: of the demo.
    """
    files, studies = [*_configurations()], [*_studies(results, {*cohorts})]
    if not files and not studies:
        return None
    others = [*files[:SHOWN], *studies[:SHOWN]]
    example = files[0] if files else "FILE"
    return (
        f"no configuration was given: this is the demo ({DEMO}). There are others:"
        f" {', '.join(others)}. To work on one: snakemake --configfile {example}, or"
        f" export {VARIABLE}={example}"
    )


def _configurations() -> Iterator[str]:
    """Configurations here and beside the demo's, but those that come with medsynth."""
    for folder in (Path(), DEMO.parent):
        for file in sorted(folder.glob("*.y*ml")):
            if file not in SHIPPED and GROUP.search(file.read_text(errors="replace")):
                yield str(file)


def _studies(results: Path, cohorts: set[str]) -> Iterator[str]:
    """What another configuration made in the results folder, or in one below it."""
    for folder in sorted(results.glob("*")):
        if Path(Layout(folder).mlflow).parent.is_dir():
            yield str(folder)
    for cohort in sorted(Path(Layout(results).cohort).parent.glob("*")):
        if cohort.name not in cohorts:
            yield str(cohort)
