"""Mistakes in a configuration: where each is, in the user's names, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from medsynth.store.secrets import without_secrets

SHOWN = 80  # characters of a wrong value
MERGE = "tag:yaml.org,2002:merge"


class ConfigError(ValueError):
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


def place_of(keys: Iterable[Any], raw: Any) -> str:
    """A path of keys and positions in a raw configuration, by the names of list items.

    What is no key there, the tags that pydantic puts between, is left out.
    """
    path, around, tagged = "", raw, False
    keys = list(keys)
    for number, key in enumerate(keys):
        last = number == len(keys) - 1
        if isinstance(around, list) and isinstance(key, int) and key < len(around):
            path += f"[{_name(around, key)}]"
            around, tagged = around[key], False
            continue
        if not isinstance(around, dict) or key == "[key]":
            continue  # a branch of a union, of a value that fits none; or what a name must be
        if not tagged and not last and key in (around.get("kind"), around.get("family")):
            tagged = True
            continue
        if key in around or last:
            path += f".{key}" if path else str(key)
            around, tagged = around.get(key), False
    return path or "(whole file)"


def _name(items: list[Any], position: int) -> str:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    name = names[position]
    return name if isinstance(name, str) and names.count(name) == 1 else str(position)


def mistakes_of(error: ValidationError, raw: Any) -> Iterator[Mistake]:
    """Every mistake of a validation; what no branch of a union takes is one."""
    found: dict[str, list[Any]] = {}
    for entry in error.errors():
        place = place_of(entry["loc"], raw)
        if entry["type"].startswith("union_tag"):
            place += "." + entry["ctx"]["discriminator"].strip("'")
        found.setdefault(place, []).append(entry)
    for place, entries in found.items():
        said = " or ".join(dict.fromkeys(entry["msg"] for entry in entries))
        yield Mistake(place, f"{said} -- hint: {_hint(entries[0])}")


def _hint(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; remove it or check its spelling in config/schema.json"
    if error["type"] == "missing":
        return "add this key"
    if error["type"] == "value_error":
        return "see config/README.md"
    if error["type"].startswith("union_tag"):
        return "give one of the expected values"
    if error["input"] is None:
        return "you gave nothing, or ~, which is null in YAML (write ~/ for your home folder)"
    given = repr(error["input"])
    given = given if len(given) <= SHOWN else given[: SHOWN - 1] + "…"
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
