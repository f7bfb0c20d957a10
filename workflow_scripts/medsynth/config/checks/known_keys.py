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
    kinds = [whole]
    for key in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, key)]
    return list(dict.fromkeys(name for kind in kinds for name in _fields(kind)))


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
