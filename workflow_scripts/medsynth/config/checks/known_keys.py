"""Which keys a group of the configuration may have, read from the types of the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from inspect import isclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

TAGS = ("kind", "family")  # fields that say which of several groups one is


def known_keys(whole: Any, path: Iterable[Any]) -> list[str]:
    """The keys that a group may have; none if the path is of no group.

    Args:
        whole: type of what the path begins in.
        path: `loc` of an error of pydantic's: keys, positions, and the tags of unions.
    """
    return list(dict.fromkeys(name for kind in _at(whole, path) for name in _fields(kind)))


def groups_with(key: str, whole: Any, path: Iterable[Any]) -> list[str]:
    """The groups at and below a path that have a key, the nearest first.

    Returns:
        Their paths from there, with NAME for what users name; "" is the group at the path itself.
    """
    found: list[str] = []
    waiting = [("", kind) for kind in _at(whole, path) if _fields(kind)]
    for place, kind in waiting:
        if key in _fields(kind):
            found.append(place)
        for name, inner in _below(kind):
            waiting.append((f"{place}.{name}" if place else name, inner))
    return list(dict.fromkeys(found))


def _at(whole: Any, path: Iterable[Any]) -> list[Any]:
    """The types that a path may lead to."""
    kinds = [whole]
    for key in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, key)]
    return kinds


def _below(kind: Any) -> Iterator[tuple[str, Any]]:
    """What a type holds, by its key; what users name is called NAME."""
    for name, annotation in _fields(kind).items():
        for branch in _branches(annotation):
            yield name, branch
    if get_origin(kind) in (dict, list):
        for branch in _branches(get_args(kind)[-1]):
            yield "NAME", branch


def _fields(kind: Any) -> dict[str, Any]:
    """The type of every field of a group."""
    if not (isclass(kind) and issubclass(kind, BaseModel)):
        return {}
    return {name: field.annotation for name, field in kind.model_fields.items()}


def _inside(kind: Any, key: Any) -> Iterator[Any]:
    """What a type has under a key, or, of a tag, the type itself, if it is meant."""
    fields, origin = _fields(kind), get_origin(kind)
    if key in fields:
        yield from _branches(fields[key])
    elif any(key in get_args(fields.get(tag)) for tag in TAGS):
        yield kind
    elif origin in (dict, list, tuple):
        yield from _branches(get_args(kind)[-1 if origin is dict else 0])


def _branches(annotation: Any) -> Iterator[Any]:
    """The types that a union is made of, or the one type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _branches(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for argument in get_args(annotation):
            yield from _branches(argument)
    else:
        yield annotation
