"""Starring out passwords before something is written down or shown. Standard library only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

MARK = "***"
# What a name ends in whose value is a secret: db_password, HF_TOKEN, AWS_SECRET_ACCESS_KEY. A
# number of tokens, a tokenizer and the path of a TOKEN_FILE are none.
NAME = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credentials?"
    r"|(?:api|access|private|secret)[-_]?(?:access[-_]?)?key)"
)
SECRET_NAME = re.compile(NAME + "$", re.IGNORECASE)
SECRET_OPTION = re.compile(rf"-{{1,2}}[\w-]*{NAME}$", re.IGNORECASE)
# Up to the last @ of the word: a password may hold / and @ itself.
URL_PASSWORD = re.compile(r"(://)[^\s\"'<>]+@")
PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]*(-----END [A-Z ]*PRIVATE KEY-----)?"
)
QUOTED = re.compile(
    rf"({NAME}[\"']?\]?\s*[=:](?!=)\s*[rbfu]*)([\"'])(?!\2)(?:\\.|(?!\2).)+\2",
    re.IGNORECASE,
)
BARE = re.compile(rf"({NAME}\s*[=:](?!=)\s*)[^\s\"']+?(?=&\w+=|[\s\"']|$)", re.IGNORECASE)
HEADER = re.compile(
    r"(authorization[\"']?\s*[=:]\s*[\"']?(?:(?:basic|bearer|token)\s+)?)[^\s\"']+", re.IGNORECASE
)
# A line of YAML, TOML, INI or a Makefile, perhaps as a difference shows it.
SETTING = re.compile(
    rf"([-+ ]?\s*(?:- )?[\"']?[\w.-]*{NAME}[\"']?\s*[:=]\s*)(\S.*)?", re.IGNORECASE
)
FOLDERS = {"PWD", "OLDPWD"}  # of a shell
SHORTEST = 8  # characters: a secret like "true" or "1" would star out half of everything


def environment_secrets() -> list[str]:
    """Values of this process's variables whose names say that they are secret, longest first."""
    environ = os.environ.items()
    named = (v for name, v in environ if SECRET_NAME.search(name) and name not in FOLDERS)
    return sorted({v for v in named if len(v) >= SHORTEST}, key=len, reverse=True)


def without_secrets(value: Any, mark: str = MARK) -> Any:
    """`value` with `mark` for what is secret.

    That are user names and passwords in URLs, values of names, options and headers that say so,
    private keys, and the values of such environment variables wherever they stand.

    Args:
        value: a string, or dicts and lists of strings and of what holds no secret.
    """
    return _masked(value, mark, environment_secrets())


def _masked(value: Any, mark: str, known: list[str]) -> Any:
    if isinstance(value, dict):
        return {k: mark if _is_secret(k, v) else _masked(v, mark, known) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [
            mark if _is_option(name) and isinstance(v, str) else _masked(v, mark, known)
            for name, v in zip([None, *value], value, strict=False)
        ]
    if isinstance(value, str):
        return BARE.sub(rf"\g<1>{mark}", _without_literals(value, mark, known))
    return value


def _is_secret(name: Any, value: Any) -> bool:
    scalar = isinstance(value, str | int | float) and not isinstance(value, bool)
    return scalar and value != "" and bool(SECRET_NAME.search(str(name)))


def _is_option(word: Any) -> bool:
    return isinstance(word, str) and bool(SECRET_OPTION.match(word))


def _without_literals(text: str, mark: str, known: list[str]) -> str:
    """What is secret by its own form, which stars out no name or type of a program."""
    text = URL_PASSWORD.sub(rf"\g<1>{mark}@", text)
    text = PRIVATE_KEY.sub(rf"\g<1>{mark}\g<2>", text)
    text = QUOTED.sub(rf"\g<1>\g<2>{mark}\g<2>", text)
    text = HEADER.sub(rf"\g<1>{mark}", text)
    for secret in known:
        text = text.replace(secret, mark)
    return text


def source_without_secrets(text: str, *, is_program: bool, mark: str = MARK) -> str:
    """As :func:`without_secrets`, of a source file or of its difference, line by line.

    Args:
        is_program: only literals are starred out then, for `token: str` is a type; else it is a
            file of settings, where a value may also be bare, or go on in the lines below its name.
    """
    text = _without_literals(text, mark, environment_secrets())
    return text if is_program else "".join(_settings(text.splitlines(keepends=True), mark))


def _settings(lines: list[str], mark: str) -> Iterator[str]:
    inside: int | None = None  # the indentation of a secret's name, whose value follows
    for line in lines:
        depth = len(line[1:]) - len(line[1:].lstrip())
        if inside is not None and line.strip("+- \n") and depth > inside:
            yield f"{line[: depth + 1]}{mark}\n"
            continue
        inside = None
        found = SETTING.match(line)
        if found and (not found[2] or found[2].rstrip() in ("|", ">", "|-", ">-", "|+", ">+")):
            inside = depth
        elif found and mark not in found[2]:
            line = f"{found[1]}{mark}\n"
        yield line
