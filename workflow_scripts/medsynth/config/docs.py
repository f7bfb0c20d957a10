"""Documents generated from the configuration model: ``python -m medsynth.config.docs``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from medsynth.config.schema import Config
from medsynth.store.source.checkout import follow_checkout

HEAD = """# Configuration

Generated from `config/schema.py` and the `settings.py` files in `workflow_scripts/medsynth/`; edit
them and call `python -m medsynth.config.docs`. `config/config.yaml` is the demo, `config/full.yaml`
the paper's scale for real downloads. Give your own file with `snakemake --configfile my.yaml`.
Unknown keys are mistakes. In raw paths `$VARIABLES` and `~` are filled in.
"""


def schema() -> str:
    """The JSON schema of the configuration, as kept in config/schema.json."""
    return json.dumps(Config.model_json_schema(), indent=2, default=str) + "\n"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required" if field.is_required() else ""
    value = field.default
    return "" if isinstance(value, BaseModel) else f"`{json.dumps(value, default=str)}`"


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(map(_type, arguments))
    if origin:
        return f"{origin.__name__} of {', '.join(map(_type, arguments))}"
    return "null" if annotation is NoneType else annotation.__name__


def _section(model: type[BaseModel]) -> str:
    # Its own words only: that of the base would be said of every group without any.
    words = [inspect.cleandoc(model.__doc__), ""] if model.__doc__ else []
    lines = [f"## {model.__name__}", "", *words]
    lines += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        meaning = field.description or ""
        lines.append(f"| `{name}` | {_type(field.annotation)} | {_default(field)} | {meaning} |")
    return "\n".join(lines)


def _groups(annotation: Any) -> Iterator[type[BaseModel]]:
    """The groups of settings that a type is made of."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _groups(argument)


def tables() -> str:
    """docs/reference/configuration.md: a table for every group, from the whole file inwards."""
    groups: list[type[BaseModel]] = [Config]
    for group in groups:
        for field in group.model_fields.values():
            groups += [g for g in _groups(field.annotation) if g not in groups]
    return "\n\n".join([HEAD, *map(_section, groups)]) + "\n"


if __name__ == "__main__":
    follow_checkout("medsynth.config.docs")
    project = Path(__file__).resolve().parents[3]
    (project / "config" / "schema.json").write_text(schema())
    (project / "docs" / "reference" / "configuration.md").write_text(tables())
