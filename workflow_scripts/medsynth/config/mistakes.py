"""Mistakes in a configuration: where each is, in the user's names, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from medsynth.runtime.settings import NAME
from medsynth.store.errors import MedsynthError
from medsynth.store.privacy.secrets import without_secrets

SHOWN = 80  # characters of a wrong value
MERGE = "tag:yaml.org,2002:merge"
WHOLE = "(whole file)"
ABSENT = (
    "missing",
    "value_error",
)  # of pydantic's errors, those that a key may have by its absence
GROUPS = ("model_type", "model_attributes_type", "dict_type")  # pydantic's names of such errors


class ConfigError(MedsynthError):
    """The configuration is wrong; the message lists every mistake with a hint."""


class Mistake(NamedTuple):
    """`place` is a path of keys, as in ``experiments[cxr_ddpm].train.steps``."""

    place: str
    text: str


def refuse(mistakes: Iterable[Mistake], title: str = "mistake(s) in the configuration") -> None:
    """Stop if there are any.

    Raises:
        ConfigError: it lists all of them.
    """
    lines = [f"  {place}: {text}" for place, text in dict.fromkeys(mistakes)]
    if lines:
        raise ConfigError(without_secrets("\n".join([f"{len(lines)} {title}:", *lines])))


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
            path += f"[{_name(around, key)}]"
            around = around[key]
        else:
            path += f".{key}" if path else str(key)
            around = around.get(key)
    return path or WHOLE


def _name(items: list[Any], position: int) -> str:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    name = names[position]
    if isinstance(name, str) and re.fullmatch(r"[^\s.\[\]]+", name) and names.count(name) == 1:
        return name
    return str(position)


def mistakes_of(error: ValidationError, raw: Any) -> Iterator[Mistake]:
    """Every mistake of a validation; what no branch of a union takes is one."""
    found: dict[str, list[ErrorDetails]] = {}
    for entry in error.errors():
        place = place_of(keys_of(entry, raw), raw)
        if entry["type"].startswith("union_tag"):
            place += "." + entry["ctx"]["discriminator"].strip("'")
        found.setdefault(place, []).append(entry)
    for place, entries in found.items():
        message = " or ".join(dict.fromkeys(_message(entry) for entry in entries))
        yield Mistake(place, f"{message} -- hint: {_hint(entries[0])}")


def _message(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in GROUPS:
        return "Input should be a group of keys"
    if kind == "union_tag_not_found":
        return "Field required"
    if kind == "union_tag_invalid":
        return f"Input should be one of {context['expected_tags']}"
    return error["msg"].removeprefix("Value error, ")


def _hint(error: ErrorDetails) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        return "unknown key; remove it or check its spelling in config/schema.json"
    if kind in ("missing", "union_tag_not_found"):
        return "add this key; config/README.md tells its values"
    if kind == "value_error":
        return "see config/README.md"
    if kind == "union_tag_invalid":
        given = error["ctx"]["tag"]
    if given is None:
        return "you gave nothing, or ~, which is null in YAML" + (
            " (write ~/ for your home folder)" if kind.startswith("path") else ""
        )
    given = repr(given)
    given = given if len(given) <= SHOWN else given[: SHOWN - 1] + "…"
    if kind == "string_pattern_mismatch" and error["ctx"]["pattern"] == NAME:
        return f"you gave {given}; take lower-case letters, digits and _, a letter first"
    return f"you gave {given}; see config/schema.json"


def repeated_keys(file: Path) -> list[Mistake]:
    """Keys that stand twice in a mapping of a YAML or JSON file: all but the last are lost."""
    try:
        top = yaml.compose(file.read_text(), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return []  # Snakemake has read it in another way, and checks that itself
    found, waiting, seen = [], [(top, "")], set()
    for node, path in waiting:
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(item, f"{path}[{i}]") for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            continue
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            name = str(key.value)
            place, line = f"{path}.{name}" if path else name, key.start_mark.line + 1
            waiting.append((value, place))
            if key.tag == MERGE:  # several are merged one after the other
                continue
            if first := lines.get((key.tag, name)):
                text = f"stands twice in {file}, in lines {first} and {line}; remove one"
                found.append(Mistake(place, text))
            lines[key.tag, name] = line
    return found
