"""Starring out secrets in source files and in their differences. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from medsynth.store.privacy.secret_names import is_secret_name
from medsynth.store.privacy.secrets import (
    BARE,
    MARK,
    NAME,
    OPTION,
    is_value,
    known_secrets,
    star_forms,
    star_named,
)

ASSIGNED = re.compile(rf"{NAME}(?P<between>[\"']?\]?\s*(?::\s*[\w.]+(?=\s*=))?\s*[=:](?!=)\s*)")
LITERAL = re.compile(
    r"[rbfu]{0,2}(?P<quote>\"\"\"|'''|[\"'])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))*)(?P=quote)",
    re.DOTALL | re.IGNORECASE,
)
# What may stand between the literals of one expression; in a difference, a sign before each line.
WITHIN = re.compile(
    r"[ \t(]+|\n[-+ ]?(?=[ \t]*[\"'rbfu)(])|\\\n[-+ ]?|\bor\b|\+|,(?=\s*[\"'])", re.IGNORECASE
)
COMMENT_OR_LITERAL = re.compile(
    r"#[^\n]*|(?P<quote>\"\"\"|'''|[\"'])(?:(?!(?P=quote))(?:\\.|[^\\]))*(?P=quote)", re.DOTALL
)
# A line of YAML, TOML, INI or a Makefile, perhaps as a difference shows it.
SETTING = re.compile(
    r"(?P<head>(?:@@[^@]*@@ |[-+ ])?\s*(?:#\s*)?(?:export\s+)?(?:-\s+)*"
    r"[\"']?(?P<name>[\w.-]+)[\"']?\s*(?:[:?]?=|:)(?:\s+|$|(?<=[=])))(?P<value>.*)"
)
SECTION = re.compile(r"[-+ ]?\s*\[+\s*[\"']?(?P<name>[\w.-]+)[\"']?\s*\]+")
BLOCK = re.compile(r"(?:[|>][-+0-9]*)?\s*(?:#.*)?$")
QUOTES = ('"""', "'''", '"', "'")


def source_without_secrets(
    text: str, *, is_program: bool, mark: str = MARK, known: Iterable[str] = ()
) -> str:
    """As :func:`without_secrets`, of a source file or of its difference, line by line.

    Args:
        is_program: only literals are starred out then, for `token: str` is a type; else it is a
            file of settings, where a value may also be bare, or go on in the lines below its name.
        known: secrets that stand in other places.
    """
    text = star_forms(text, mark, [*sorted(known, key=len, reverse=True), *known_secrets()])
    if not is_program:
        return "".join(_settings(text.splitlines(keepends=True), mark))

    def starred(found: re.Match[str]) -> str:
        return star_named(BARE, star_named(OPTION, found[0], mark), mark, is_prose=True)

    return _assigned(COMMENT_OR_LITERAL.sub(starred, text), mark)


def _assigned(program: str, mark: str) -> str:
    """Star out all literals of an expression that is given to the name of a secret."""
    kept, at = [], 0
    for found in ASSIGNED.finditer(program):
        if found.start() < at or not is_secret_name(found["name"]):
            continue
        place = found.end()
        while step := WITHIN.match(program, place) or LITERAL.match(program, place):
            value = step.groupdict().get("value")
            if value and is_value(found["name"], value):
                kept += [program[at : step.start("value")], mark]
                at = step.end("value")
            place = step.end()
    return "".join([*kept, program[at:]])


def _settings(lines: list[str], mark: str) -> Iterator[str]:
    inside: Callable[[str, int], bool] | None = None  # whether a line belongs to a secret's value
    section = ""
    for line in lines:
        depth = len(line[1:]) - len(line[1:].lstrip())
        if inside and line.strip("+- \n") and inside(line, depth):
            yield f"{line[: depth + 1]}{mark}\n"
            continue
        if inside and line.strip("+- \n"):
            inside = None
        if found := SECTION.fullmatch(line.rstrip("\n")):
            section = found["name"] if is_secret_name(found["name"]) else ""
        found = SETTING.match(line)
        name = section or (found["name"] if found else "")
        if not found or not is_secret_name(name):
            yield star_named(BARE, star_named(OPTION, line, mark), mark)
            continue
        value = found["value"].rstrip()
        if BLOCK.fullmatch(value):
            inside = _deeper_than(depth)
            yield line
        elif opened := _left_open(value):
            inside = _until(opened)
            yield f"{found['head']}{opened}{mark}\n"
        elif mark in value or not is_value(name, value.split("#")[0].strip(" \"'")):
            yield line
        else:
            yield f"{found['head']}{mark}\n"


def _deeper_than(depth: int) -> Callable[[str, int], bool]:
    return lambda line, at: at > depth or (at == depth and line[1:].lstrip().startswith("- "))


def _left_open(value: str) -> str | None:
    """The quote that a value begins with and does not end with."""
    quote = next((q for q in QUOTES if value.startswith(q)), None)
    return quote if quote and value.count(quote) == 1 else None


def _until(quote: str) -> Callable[[str, int], bool]:
    closed = [False]

    def belongs(line: str, _: int) -> bool:
        before, closed[0] = closed[0], closed[0] or quote in line
        return not before

    return belongs
