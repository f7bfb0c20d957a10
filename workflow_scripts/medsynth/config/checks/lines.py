"""In which line of its files a configuration says what, and what of them is no YAML."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from medsynth.config.mistakes import WHOLE, ConfigError, Mistake, item_name

MERGE = "tag:yaml.org,2002:merge"


def read_yaml(file: Path) -> Any:
    """What a YAML or JSON file says.

    Raises:
        ConfigError: it is neither; with the line.
        OSError: it cannot be read.
    """
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        fault = Mistake(WHOLE, "is no text in UTF-8; save it as such", shown(file))
    except yaml.MarkedYAMLError as error:
        fault = _unreadable(file, error)
    except yaml.YAMLError:  # of a character that YAML does not know
        fault = Mistake(WHOLE, "holds a character that no text has; remove it", shown(file))
    raise ConfigError([fault])


def _unreadable(file: Path, error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    lines = file.read_text(encoding="utf-8").splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    where = f"{shown(file)}:{number}"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return Mistake(
            WHOLE, "a tab indents this line; put spaces in its place, as YAML wants", where
        )
    return Mistake(
        WHOLE,
        f"no YAML: {error.problem}; correct this line or the one before: a space must follow a"
        " colon, quotes and brackets be closed, and keys of one group begin in one column",
        where,
    )


def shown(file: Path) -> str:
    """A file as a user would write it."""
    near = os.path.relpath(file)
    return str(file) if near.startswith(os.pardir) else near


def with_lines(mistakes: Iterable[Mistake], files: Sequence[Path]) -> list[Mistake]:
    """The mistakes in the order of their lines, where one of the files has their keys.

    A key that is missing is sought where its group begins. Of several files the last one counts.
    """
    tops = [(file, top) for file in reversed(files) if (top := _composed(file))]
    found: list[tuple[tuple[int, int], Mistake]] = []
    for mistake in mistakes:
        place = mistake.place.split(" ")[0]
        depths = [(*_deepest(top, place), number) for number, (_, top) in enumerate(tops)]
        depth, line, number = max(depths, key=lambda each: each[0], default=(0, 0, 0))
        if mistake.line or not depth:
            found.append(((-1, 0), mistake))
            continue
        where = f"{shown(tops[number][0])}:{line}"
        found.append(((-number, line), mistake._replace(line=where)))
    return [mistake for _, mistake in sorted(found, key=lambda each: each[0])]


def _deepest(top: yaml.Node, place: str) -> tuple[int, int]:
    """How many characters of a place a file has, and the line of the last key."""
    node, rest, line = top, place, 0
    while rest:
        fitting = [each for each in _children(node) if f"{rest}.".startswith(f"{each[0]}.")]
        if not fitting:
            break
        name, line, node = max(fitting, key=lambda each: len(each[0]))
        rest = rest[len(name) + 1 :]
    return len(place) - len(rest) if line else 0, line


def _children(node: yaml.Node) -> Iterator[tuple[str, int, yaml.Node]]:
    """Name, line and value of each key or item of a group; those merged into it come last."""
    if isinstance(node, yaml.SequenceNode):
        names = [dict(_scalars(item)).get("name") for item in node.value]
        for position, item in enumerate(node.value):
            yield item_name(names, position), item.start_mark.line + 1, item
    if not isinstance(node, yaml.MappingNode):
        return
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if key.tag == MERGE:
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        else:
            yield str(key.value), key.start_mark.line + 1, value
    for each in merged:
        yield from _children(each)


def _scalars(node: yaml.Node) -> Iterator[tuple[str, str]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(value, yaml.ScalarNode):
                yield key.value, value.value


def _composed(file: Path) -> yaml.Node | None:
    try:
        top: yaml.Node | None = yaml.compose(file.read_text(), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return None  # Snakemake has read it in another way, and checks that itself
    return top


def repeated_keys(file: Path) -> list[Mistake]:
    """Keys that stand twice in a mapping of a YAML or JSON file: all but the last are lost."""
    found: list[Mistake] = []
    waiting, seen = [(_composed(file), "")], set()
    for node, path in waiting:
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(item, f"{path}.{name}") for name, _, item in _children(node)]
        if not isinstance(node, yaml.MappingNode):
            continue
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            place = f"{path}.{name}" if path else name
            waiting.append((value, place))
            if key.tag == MERGE:  # several are merged one after the other
                continue
            if first := lines.get((key.tag, name)):
                text = f"stands twice in {shown(file)}, in lines {first} and {line}; remove one"
                found.append(Mistake(place, text, f"{shown(file)}:{line}"))
            lines[key.tag, name] = line
    return found
