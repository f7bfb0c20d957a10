"""A configuration read: checked against the model, in itself and against what lies on disk."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from medsynth.config.checks.consistency import inconsistencies
from medsynth.config.checks.headers import header_mistakes
from medsynth.config.checks.lines import repeated_keys, with_lines
from medsynth.config.mistakes import WHOLE, ConfigError, Mistake, mistakes_of
from medsynth.config.raw_paths import path_mistakes
from medsynth.config.schema import Cohort, Config, ResultsDir
from medsynth.config.valid_parts import ValidParts, valid_parts
from medsynth.fetch.settings import Download

NO_EXPERIMENT = Mistake(
    "experiments", "none is listed, so nothing is trained; add one, as in config/config.yaml"
)


def parse_config(raw: Any) -> Config:
    """Check a raw configuration and return it typed; nothing is looked up on disk.

    Raises:
        ConfigError: lists every mistake at once, each with its place and a hint.
    """
    return _sound(_checked(raw))


def load_config(raw: Any, files: Iterable[str | Path] = ()) -> Config:
    """As :func:`parse_config`, and raw data is where the configuration says.

    Args:
        raw: what Snakemake has read from `files` and the command line.
        files: of the configuration.

    Raises:
        ConfigError: lists every mistake at once; among them missing raw files, except those that
            the rules will bring.
    """
    return _sound(examine(raw, files))


class Examined(NamedTuple):
    """A configuration and what is wrong with it.

    Attributes:
        parts: what of it is right.
        config: the whole; None if its values are wrong.
        mistakes: all of them, with the lines of files that have their keys.
    """

    parts: ValidParts
    config: Config | None
    mistakes: list[Mistake]


def examine(raw: Any, files: Iterable[str | Path] = ()) -> Examined:
    """As :func:`load_config`, which refuses what this tells.

    Raises:
        ConfigError: it holds no keys at all.
    """
    parts, config, mistakes = _checked(raw)
    paths = [Path(file) for file in files]
    repeated = [mistake for path in paths for mistake in repeated_keys(path)]
    mistakes = [*repeated, *mistakes, *path_mistakes(parts), *header_mistakes(parts)]
    return Examined(parts, config, with_lines(dict.fromkeys(mistakes), paths))


def _checked(raw: Any) -> Examined:
    if not isinstance(raw, dict):
        raise ConfigError([Mistake(WHOLE, "holds no keys; see config/config.yaml")])
    parts, config, mistakes = valid_parts(raw, ResultsDir, Download, Cohort), None, []
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        mistakes = list(mistakes_of(error, raw, Config))
    return Examined(parts, config, [*mistakes, *inconsistencies(raw, parts)])


def _sound(examined: Examined) -> Config:
    if examined.mistakes:
        raise ConfigError(examined.mistakes)
    assert examined.config  # else there were mistakes
    return examined.config
