"""Why a job is to run, in the user's words: Snakemake's reason, read apart."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

SHOWN = 3  # changed settings, or files, that are named
# How Snakemake begins each part of a reason; a contract test guards these words.
MISSING, INCOMPLETE = "Missing output files", "Incomplete output files"
UPDATED, BY_JOB = "Updated input files", "Input files updated by another job"
INPUTS, CODE = "Set of input files has changed", "Code has changed"
PARAMS, ENVIRONMENT = "Params have changed", "Software environment definition has changed"
FORCED = "Forced execution"
PARTS = (MISSING, INCOMPLETE, UPDATED, BY_JOB, INPUTS, CODE, PARAMS, ENVIRONMENT, FORCED)
SPLIT = re.compile(rf"; (?={'|'.join(PARTS)})")
CHANGE = re.compile(r"before: (.*) now: (.*)", re.S)
NOTHING = "<nothing exclusive>"
DIGEST = re.compile(r"[0-9a-f]{64}")
UNKNOWN = "parameters changed"


class Why(NamedTuple):
    """own: reasons of a job's own. above: what it reads and other jobs will make."""

    own: list[str]
    above: list[str]


def why(reason: str) -> Why:
    """`steps: 60 → 80`, `code changed`, `input updated: …`, `missing output` … of Snakemake's.

    What is missing must be made, whatever else has changed.
    """
    found: list[str] = []
    above: list[str] = []
    for part in SPLIT.split(reason.strip()):
        head, _, rest = part.partition(": ")
        if head.startswith(MISSING):
            return Why(["missing output"], [])
        elif head.startswith(INCOMPLETE):
            found.append("unfinished output")
        elif head.startswith(UPDATED):
            found.append(f"input updated: {_some(rest.split(', '))}")
        elif head.startswith(BY_JOB):
            above += rest.split(", ")
        elif head.startswith(INPUTS):
            found.append("other input files")
        elif head.startswith(CODE):
            found.append("code changed")
        elif head.startswith(PARAMS):
            found += _changes(rest)
        elif head.startswith(ENVIRONMENT):
            found.append("software environment changed")
        elif head.startswith(FORCED):
            found.append("forced")
        elif part:
            found.append(part)
    return Why(list(dict.fromkeys(found)), above)


def _some(items: list[str]) -> str:
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return ", ".join(items[:SHOWN]) + more


def _changes(text: str) -> list[str]:
    """The settings that differ; only that some do, where the old value cannot be known."""
    if not (sides := CHANGE.search(text)):
        return [UNKNOWN]
    try:
        before, now = (_values(side.strip()) for side in sides.groups())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return [UNKNOWN]
    said = []
    if any(map(_is_digest, before)) and any(map(_is_digest, now)):
        said.append("code changed")
        before, now = ([v for v in side if not _is_digest(v)] for side in (before, now))
    pairs = _pairs(before, now)
    if pairs is None:
        return [*said, UNKNOWN]
    changed = [line for old, new in pairs for line in _differences(old, new)]
    more = [f"and {len(changed) - SHOWN} more"] if len(changed) > SHOWN else []
    return [*said, *changed[:SHOWN], *more]


def _values(side: str) -> list[Any]:
    return [] if side == NOTHING else list(ast.literal_eval(f"[{side}]"))


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


def _pairs(before: list[Any], now: list[Any]) -> list[tuple[Any, Any]] | None:
    """Each group of settings with what it was before; None where that is not clear.

    Snakemake compares groups without names; ours are dicts, told apart by their keys.
    """
    if len(before) != len(now) or not all(isinstance(v, dict) for v in [*before, *now]):
        return None
    left, pairs = list(before), []
    for new in now:
        shared = [len(old.keys() & new.keys()) for old in left]
        if not max(shared) or shared.count(max(shared)) > 1:
            return None
        pairs.append((left.pop(shared.index(max(shared))), new))
    return pairs


def _differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(k for k in old if k not in new)]:
            below = f"{path}.{key}" if path else str(key)
            if key not in old:
                yield f"{below}: new, {_value(new[key])}"
            elif key not in new:
                yield f"{below}: gone, was {_value(old[key])}"
            else:
                yield from _differences(old[key], new[key], below)
    elif old != new:
        yield f"{path}: {_value(old)} → {_value(new)}"


def _value(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
