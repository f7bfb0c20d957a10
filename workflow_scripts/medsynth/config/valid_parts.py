"""What of a configuration is right, so that the rest can be checked whatever is wrong."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from medsynth.config.mistakes import keys_of, place_of
from medsynth.runtime.settings import Name, RawPath


@dataclass(frozen=True)
class ValidParts:
    """The parts of a configuration that are right.

    Attributes:
        results_dir: where it says, or where it usually is.
        demo: whether demo data are made.
        fetch, cohorts: by name, without the keys that are wrong.
        roots: of the cohorts of which nothing else can be told.
        wrong: the places of the keys that were left out.
    """

    results_dir: Path
    demo: bool
    fetch: Mapping[str, Any]
    cohorts: Mapping[str, Any]
    roots: Mapping[str, Path]
    wrong: frozenset[str] = frozenset()

    def is_valid(self, place: str) -> bool:
        """Whether nothing at or in a place was left out."""
        return not any(f"{wrong}.".startswith(f"{place}.") for wrong in self.wrong)


def valid_parts(raw: Mapping[str, Any], results: Any, fetch: Any, cohort: Any) -> ValidParts:
    """What of a raw configuration is right.

    Args:
        raw: the whole of it.
        results, fetch, cohort: types of results_dir, a download and a cohort.
    """
    wrong: set[str] = set()

    def valid_group(group: str, kind: Any) -> dict[str, Any]:
        found, values = {}, raw.get(group)
        for name, value in values.items() if isinstance(values, dict) else ():
            right, places = _without_mistakes(kind, value)
            wrong.update(f"{group}.{name}.{place}" for place in places)
            if valid_or_none(Name, name) is None:  # nothing can be called after it
                wrong.add(f"{group}.{name}")
            elif right is not None:
                found[name] = right
        return found

    downloads, cohorts = valid_group("fetch", fetch), valid_group("cohorts", cohort)
    named = given if isinstance(given := raw.get("cohorts"), dict) else {}
    roots = {
        name: valid_or_none(RawPath, value.get("root"))
        for name, value in named.items()
        if name not in cohorts and isinstance(value, dict)
    }
    return ValidParts(
        valid_or_none(results, raw.get("results_dir")) or Path("results"),
        raw.get("demo") is not None,
        downloads,
        cohorts,
        {name: root for name, root in roots.items() if root},
        frozenset(wrong),
    )


def valid_or_none(kind: Any, value: Any) -> Any:
    """A raw value as a type takes it; None if it does not."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return None


def _without_mistakes(kind: Any, value: Any) -> tuple[Any, set[str]]:
    """A value of a type without the keys that are wrong, None if it cannot do without them.

    And their places.
    """
    wrong: set[str] = set()
    value = copy.deepcopy(value)
    while True:
        try:
            return TypeAdapter(kind).validate_python(value), wrong
        except ValidationError as error:
            left_out = False
            for entry in error.errors():
                keys = list(keys_of(entry, value))
                place = place_of(keys, value)
                if _leave_out(keys, value):
                    left_out = True
                    wrong.add(place)
            if not left_out:
                return None, wrong


def _leave_out(keys: list[Any], value: Any) -> bool:
    """Take the last key of a path that is a mapping's from it; whether it was there."""
    around, last = None, None
    for key in keys:
        if isinstance(value, dict):
            around, last = value, key
            if key not in value:
                return False
        value = value[key]
    if around is None:
        return False
    del around[last]
    return True
