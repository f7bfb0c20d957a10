"""Mistakes in a configuration: where each is, in the user's names, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from medsynth.config.checks.known_keys import groups_with, known_keys
from medsynth.config.checks.words import what_it_must_be
from medsynth.runtime.settings import NAME
from medsynth.store.errors import MedsynthError
from medsynth.store.privacy.secrets import without_secrets
from medsynth.store.tables.spelling import did_you_mean

SHOWN = 80  # characters of a wrong value
WHOLE = "(whole file)"
ABSENT = (
    "missing",
    "value_error",
)  # of pydantic's errors, those that a key may have by its absence
VALUES = "docs/reference/configuration.md"  # tells the values of every key
MOST_PLACES = 3  # in a message


class Mistake(NamedTuple):
    """`place` is a path of keys, as in ``experiments.cxr_ddpm.train.steps``; `text` says what is
    wrong and what to do; `line` where that is, as in ``my.yaml:31``, if a file says it."""

    place: str
    text: str
    line: str = ""

    def __str__(self) -> str:
        return ": ".join(filter(None, [self.line, self.place, self.text]))


class ConfigError(MedsynthError):
    """The configuration is wrong; the message lists every mistake with a hint.

    Attributes:
        mistakes: all of them, each once.
    """

    def __init__(self, mistakes: Iterable[Mistake]):
        self.mistakes = [*dict.fromkeys(mistakes)]
        lines = [f"  {mistake}" for mistake in self.mistakes]
        title = f"{len(lines)} mistake(s) in the configuration:"
        super().__init__(without_secrets("\n".join([title, *lines])))


def keys_of(error: ErrorDetails, raw: Any) -> Iterator[Any]:
    """The keys and positions of an error of pydantic's in a raw configuration.

    What is no key there, the tags of unions that pydantic puts between, is left out.
    """
    around, tagged, loc = raw, False, list(error["loc"])
    for number, key in enumerate(loc):
        last = number == len(loc) - 1
        if isinstance(around, list) and isinstance(key, int) and key < len(around):
            yield key
            around, tagged = around[key], False
            continue
        if not isinstance(around, dict) or key == "[key]":
            continue  # a branch of a union, of a value that fits none; or what a name must be
        if not tagged and not last and key in (around.get("kind"), around.get("family")):
            tagged = True
            continue
        if key in around or (last and error["type"] in ABSENT):
            yield key
            around, tagged = around.get(key), False


def place_of(keys: Iterable[Any], raw: Any) -> str:
    """A path of keys and positions in a raw configuration, by the names of list items."""
    path, around = "", raw
    for key in keys:
        if isinstance(around, list):
            names = [item.get("name") if isinstance(item, dict) else None for item in around]
            path += f".{item_name(names, key)}"
            around = around[key]
        else:
            path += f".{key}" if path else str(key)
            around = around.get(key)
    return path or WHOLE


def item_name(names: list[Any], position: int) -> str:
    """How one item of a list is called: by its key `name`, or as #2, the second, if that is none or
    another one's, too.

    Args:
        names: what the items of the list have as `name`.
        position: of the one, from 0.
    """
    name = names[position]
    if isinstance(name, str) and re.fullmatch(r"[^\s.#]+", name) and names.count(name) == 1:
        return name
    return f"#{position + 1}"


def mistakes_of(error: ValidationError, raw: Any, whole: Any) -> Iterator[Mistake]:
    """Every mistake of a validation; what no branch of a union takes is one.

    Args:
        error: of the validation.
        raw: what was validated.
        whole: as what: the type.
    """
    found: dict[str, list[ErrorDetails]] = {}
    for entry in error.errors():
        place = place_of(keys_of(entry, raw), raw)
        if entry["type"].startswith("union_tag"):
            place += "." + entry["ctx"]["discriminator"].strip("'")
        found.setdefault(place, []).append(entry)
    for place, entries in found.items():
        if entries[0]["type"] == "extra_forbidden":
            *around, key = entries[0]["loc"]
            instead = _instead(key, known_keys(whole, around), _homes(around, key, raw, whole))
            yield Mistake(place, f"is an unknown key; {instead}")
            continue
        message = " or ".join(dict.fromkeys(map(what_it_must_be, entries)))
        yield Mistake(place, f"{message} -- hint: {_hint(entries[0])}")


def _instead(key: Any, known: list[str], homes: list[str]) -> str:
    near = did_you_mean(key, known)
    if homes:
        home = f"it is a key of {' or '.join(homes[:MOST_PLACES])}: move it there"
        return f"{near} Or else {home}" if near else home
    here = f"remove it, or take one of those known here: {', '.join(known)}"
    return near or (here if known else "remove it")


def _homes(around: list[Any], key: Any, raw: Any, whole: Any) -> list[str]:
    """The groups whose key it is: of those in the group where it stands, else around that."""

    def place(loc: list[Any]) -> str:
        part: Any = {"loc": loc, "type": ""}
        return place_of(keys_of(part, raw), raw)

    own, seen = place(around).split("."), set()
    for depth in range(len(around), -1, -1):
        here = place(around[:depth])
        if here in seen:  # without its tag it may be of any kind
            continue
        seen.add(here)
        groups = groups_with(str(key), whole, around[:depth])
        homes = [".".join(filter(None, [here, group])) for group in groups]
        if here == WHOLE:
            homes = [group or "the top level" for group in groups if not _fits(group, own)]
        if homes:
            return homes
    return []


def _fits(group: str, own: list[str]) -> bool:
    """Whether it is where the key stands already, of another kind."""
    parts = group.split(".")
    return len(parts) == len(own) and all(
        part in ("NAME", name) for part, name in zip(parts, own, strict=True)
    )


def _hint(error: ErrorDetails) -> str:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    if kind in ("missing", "union_tag_not_found"):
        return f"add this key; {VALUES} tells its values"
    if kind == "value_error":
        return f"see {VALUES}"
    if kind == "union_tag_invalid":
        given = context["tag"]
    if given is None:
        return "you gave nothing, or ~, which is null in YAML" + (
            " (write ~/ for your home folder)" if kind.startswith("path") else ""
        )
    words = context.get("expected_tags") or context.get("expected") or ""
    near = did_you_mean(given, re.findall(r"'([^']+)'", str(words)))
    if kind == "string_pattern_mismatch" and context["pattern"] == NAME:
        usable = re.sub(r"[^a-z0-9_]+", "_", given.lower()).strip("_")
        near = f"write {usable}" if re.fullmatch(NAME, usable) else ""
    if kind == "string_type" and isinstance(given, bool | int | float):
        near = f"write it in quotes: '{given}'"
        if isinstance(given, bool):
            near = "write in quotes what it was: YAML takes yes, no, on and off for True and False"
    given = repr(given)
    given = given if len(given) <= SHOWN else given[: SHOWN - 1] + "…"
    return f"you gave {given}; {near or f'see {VALUES}'}"
