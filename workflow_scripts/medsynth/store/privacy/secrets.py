"""Starring out passwords before something is written down or shown. Standard library only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any, overload
from urllib.parse import unquote

from medsynth.store.privacy.secret_names import is_count, is_secret_name

MARK = "***"
NAME = r"(?P<name>(?<![\w.$-])-{0,2}[A-Za-z_$][\w.$-]*)"
A_NAME = re.compile(NAME)
# Between a name and its value: what closes the name, and a sign that is no comparison.
SIGN = r"(?P<between>\\*[\"']?\]?\s*(?::=|\?=|=>|[=:])(?![=])\s*"
# In JSON within JSON with a backslash before each quote.
QUOTED = re.compile(
    rf"{NAME}{SIGN}[rbfuRBFU]{{0,2}}(?P<quote>\\*(?:\"\"\"|'''|[\"'])))(?!(?P=quote))"
    r"(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))+)(?=(?P=quote))",
    re.DOTALL,
)
CUT_OFF = re.compile(rf"{NAME}{SIGN}[\"'])(?P<value>[^\"'\n]+)$", re.MULTILINE)
BARE = re.compile(
    rf"{NAME}{SIGN}(?:!!?\w+\s+|&\w+\s+)?)(?P<value>[^\s\"'<>{{\[(\\,;][^\s\"'<>\\]*?)"
    r"(?=&\w+=|,\s|,$|;|[}\])]+(?:[\s,;]|$)|[\s\"'<>\\]|$)"
)
TAGGED = re.compile(rf"(?<=<){NAME}(?P<between>(?:\s[^<>]*)?>)(?P<value>[^<>]+)(?=</)")
OPTION = re.compile(
    r"(?P<name>--?[A-Za-z][\w-]*)(?P<between>\s+[\"']?)(?P<value>[^\s\"'-][^\s\"']*)"
)
OPTION_NAME = re.compile(r"--?[\w-]+")
PAIR = re.compile(
    rf"(?<=[(\[][\"']){NAME}(?P<between>[\"']\s*,\s*[rbfu]*[\"'])(?P<value>[^\"'\n]+)(?=[\"']\s*[)\]])"
)
OPENED = re.compile(rf"{NAME}{SIGN})[\[{{(]")
# One sign, or one literal, of a structure as JSON or Python write it.
STEP = re.compile(
    r"(?:(?P<quote>\\*[\"'])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))*)(?P=quote)(?P<key>\s*:)?"
    r"|(?P<step>[^\"'\\]|\\))",
    re.DOTALL,
)
NAMED = (QUOTED, CUT_OFF, TAGGED, PAIR)
# The words of .netrc, of curl, of shells; query words and headers that have names of their own.
FORMS = (
    re.compile(r"((?:\blogin|\bmachine)\s+\S+\s+(?:account\s+\S+\s+)?password\s+)\S+"),
    re.compile(r"((?<!\S)[\"']?(?:-u|--user|--proxy-user)[ =]?[\"']?[\w.@-]+:)[^\s\"']+"),
    re.compile(r"(\bsshpass\s+-p\s*|\bmysql\w*\s(?:[^|;&\n]{0,200}\s)?-p(?=\S))[^\s\"']+"),
    re.compile(r"([?&](?:key|sig|code|[\w-]*signature)=)[^&\s\"']+", re.IGNORECASE),
    re.compile(
        r"((?:authorization|\bx-[\w-]*(?:key|token))[\\\"']*\s*[=:]\s*"
        r"(?:[frb](?=[\"']))?+[\\\"']*+(?:(?:basic|bearer|token)\s+)?+)(?!\*\*\*|none\b|\{)"
        r"[^\s\"'\\]+(?:\s[^\n]{0,500}\bresponse=[^\n]*)?",
        re.IGNORECASE,
    ),
    re.compile(r"(\b(?:set-)?cookie:\s*)[^\n\"']+", re.IGNORECASE),
    re.compile(r"(\bbearer\s+)(?!\*\*\*)(?=[\w.~+/-]*\d)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(\bauth\s*=\s*\(\s*[\"'][^\"'\n]*[\"']\s*,\s*[\"'])[^\"'\n]+"),
    re.compile(
        r"(\b(?:setdefault|get|getenv|putenv|setattr|setenv)\([^()\n]*[\"'][\w-]*"
        r"(?:PASSWORD|SECRET|TOKEN|API_?KEY)[\"']\s*,\s*[\"'])[^\"'\n]+",
        re.IGNORECASE,
    ),
    # Tokens that services mark as theirs: GitHub, GitLab, Slack, AWS, Hugging Face, JWT.
    re.compile(
        r"()\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}"
        r"|AKIA[A-Z0-9]{16}|hf_[A-Za-z0-9]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)"
    ),
)
# Up to the last @ of the word: a password may hold / and @ itself. A path has no account.
URL_PASSWORD = re.compile(
    r"(?<!\bfile)(?<!\bs3)(?<!\bgs)(://)"
    r"(?:[^\s\"'<>/:@]{0,500}:[^\s\"'<>]{0,2000}@|[^\s\"'<>/@]{1,2000}@(?:[^\s\"'<>/]{0,500}@)?)"
)
URL_PARTS = re.compile(r"\w+://[^/:@\s]*:(.+)@")
URL_WITH_BLANKS = re.compile(r"(\w+://)[^/:@\s]*:[^\n\"'<>{}]*@(?!.*@)")
PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
SHORTEST = 8  # characters: a secret like "true" or "1" would star out half of everything
# Words and types that are no secret.
PLAIN = {"true", "false", "none", "null", "yes", "no", "str", "int", "bytes", "any", "bool", MARK}
PLAIN |= {"basic", "bearer", "digest"}  # of an authorization, before the secret
# What stands for a secret: {params.token}, $TOKEN, the name of its variable.
PLACEHOLDER = re.compile(r"(?i:(?:basic|bearer) )?\{[^{}]*\}|\$\{?\{?[A-Z_]+\}*|[A-Z]+(?:_[A-Z]+)+")
# Values that were found under the name of a secret, in this process.
_LEARNT: set[str] = set()


def learn(value: Any) -> None:
    """Remember the secrets in dicts and lists: they are starred out wherever they stand.

    Args:
        value: as for :func:`without_secrets`.
    """
    _LEARNT.update(found for found in secrets_in(value) if len(found) >= SHORTEST)


def secrets_in(value: Any, name: str = "") -> Iterator[str]:
    """The texts under names of secrets in dicts and lists, and passwords in URLs there."""
    if isinstance(value, dict):
        pair = isinstance(value.get("name"), str) and is_secret_name(value["name"])
        for key, entry in value.items():
            inner = str(key) if is_secret_name(str(key)) else name
            yield from secrets_in(entry, "password" if pair and key == "value" else inner)
    elif isinstance(value, list | tuple):
        for entry in value:
            yield from secrets_in(entry, name)
    elif isinstance(value, str) and name and is_value(name, value):
        yield value
    elif isinstance(value, str) and (found := URL_PARTS.match(value)):
        yield from {found[1], unquote(found[1])}


def known_secrets() -> list[str]:
    """What was learnt, and values of variables whose names are of secrets, longest first."""
    named = {v for name, v in os.environ.items() if len(v) >= SHORTEST and is_secret_name(name)}
    return sorted(named | _LEARNT, key=len, reverse=True)


@overload
def without_secrets(value: str, mark: str = MARK) -> str: ...


@overload
def without_secrets(value: Any, mark: str = MARK) -> Any: ...


def without_secrets(value: Any, mark: str = MARK) -> Any:
    """`value` with `mark` for what is secret.

    That are user names and passwords in URLs, values of names, options and headers that say so,
    private keys, tokens of well-known forms, and what was learnt or stands in environment
    variables of such names, wherever it stands.

    Args:
        value: a string, or dicts and lists of strings and of what holds no secret.
    """
    return _masked(value, mark, known_secrets(), "")


def _masked(value: Any, mark: str, known: list[str], name: str) -> Any:
    """`name` is that of the secret in which the value lies, or empty."""
    if isinstance(value, dict):
        pair = isinstance(value.get("name"), str) and is_secret_name(value["name"])
        return {
            k: _masked(v, mark, known, _inner(name, k, pair and k == "value"))
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        pair = len(value) == 2 and _is_key(value[0])
        return [
            mark
            if isinstance(v, str) and (_is_option(before) or (pair and before is value[0]))
            else _masked(v, mark, known, name)
            for before, v in zip([None, *value], value, strict=False)
        ]
    if name and isinstance(value, str | int | float) and not isinstance(value, bool):
        return mark if is_value(name, str(value)) else value
    if isinstance(value, str):
        if found := URL_WITH_BLANKS.match(value):
            value = f"{found[1]}{mark}@{value[found.end() :]}"
        value = _gathered(star_forms(value, mark, known), mark)
        return star_named(BARE, star_named(OPTION, value, mark), mark)
    return value


def _inner(name: str, key: Any, is_value: bool) -> str:
    return str(key) if is_secret_name(str(key)) else "password" if is_value else name


def _is_key(word: Any) -> bool:
    return isinstance(word, str) and bool(re.fullmatch(r"[\w.-]+", word)) and is_secret_name(word)


def _is_option(word: Any) -> bool:
    return isinstance(word, str) and bool(OPTION_NAME.fullmatch(word)) and is_secret_name(word)


def is_value(name: str, value: str) -> bool:
    """Whether what stands under the name of a secret is one: no type, count or placeholder."""
    known = value.lower() in PLAIN or is_count(name, value) or PLACEHOLDER.fullmatch(value)
    return bool(value) and not known


def star_named(pattern: re.Pattern[str], text: str, mark: str, is_prose: bool = False) -> str:
    """Star out what the pattern finds as the value of a name, where the name is of a secret."""
    kept, at = [], 0
    for named in A_NAME.finditer(text):
        # Judged first: the value may be long, and hold names in turn.
        if named.start() < at or not is_secret_name(named[0]):
            continue
        if not (found := pattern.match(text, named.start())):
            continue
        value = found["value"]
        # "Epoch 3, second pass: 5 s"
        is_word = pattern is BARE and (
            named[0].lower() == "pass"
            or (is_prose and "=" not in found["between"] and value.strip("`.,").isalpha())
        )
        if is_value(named[0], value) and not is_word:
            kept += [text[at : found.start("value")], mark]
            at = found.end("value")
    return "".join([*kept, text[at:]])


def _gathered(text: str, mark: str) -> str:
    """Star out all literals in lists and structures that are written under the name of a secret."""
    kept, at = [], 0
    for found in OPENED.finditer(text):
        if found.start() < at or not is_secret_name(found["name"]):
            continue
        depth, place = 1, found.end()
        while depth and (step := STEP.match(text, place)):
            value, place = step["value"], step.end()
            depth += (step["step"] in ("[", "{", "(")) - (step["step"] in ("]", "}", ")"))
            if value and not step["key"] and is_value(found["name"], value):
                kept += [text[at : step.start("value")], mark]
                at = step.end("value")
    return "".join([*kept, text[at:]])


def star_forms(text: str, mark: str, known: Iterable[str]) -> str:
    """What is secret by its own form, which stars out no name or type of a program."""
    text = URL_PASSWORD.sub(rf"\g<1>{mark}@", text)
    text = PRIVATE_KEY.sub(rf"\g<1>{mark}\g<2>", text)
    for pattern in NAMED:
        text = star_named(pattern, text, mark)
    for pattern in FORMS:
        text = pattern.sub(rf"\g<1>{mark}", text)
    for secret in known:
        text = text.replace(secret, mark)
    return text
