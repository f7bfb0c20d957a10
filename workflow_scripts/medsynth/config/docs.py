"""Documents generated from the configuration model: ``python -m medsynth.config.docs``."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from medsynth.cohorts.ct import settings as ct
from medsynth.cohorts.mimic_cxr import settings as cxr
from medsynth.cohorts.slides import settings as slides
from medsynth.config import whole
from medsynth.demo import settings as demo
from medsynth.fetch import settings as fetch
from medsynth.metrics import settings as metrics
from medsynth.models.classifier import settings as classifier
from medsynth.models.families import FAMILIES
from medsynth.runtime import settings as base
from medsynth.store.checkout import follow_checkout

FAMILY_MODULES = [sys.modules[family.__module__] for family in FAMILIES]
MODULES = (demo, whole, base, cxr, slides, ct, classifier, *FAMILY_MODULES, metrics, fetch)
# No groups of the file: what others are made of, and what is implied.
UNLISTED = (whole.Config, base.Settings, base.Loop, classifier.ClassifierExperiment)

HEAD = """# Configuration

Generated from `config/whole.py` and the `settings.py` files in `workflow_scripts/medsynth/`; edit
them and call `python -m medsynth.config.docs`. `config.yaml` is the demo, `full.yaml` the
paper's scale for real downloads. Give your own file with `snakemake --configfile my.yaml`.
Unknown keys are mistakes. In raw paths `$VARIABLES` and `~` are filled in.
"""


def schema() -> str:
    """The JSON schema of the configuration, as kept in config/schema.json."""
    return json.dumps(whole.Config.model_json_schema(), indent=2, default=str) + "\n"


def _default(field) -> str:
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


def tables() -> str:
    """config/README.md: one table for every group of settings, the whole file first."""
    groups = [
        value
        for module in MODULES
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, base.Settings)
        and value.__module__ == module.__name__
    ]
    own = [g for g in groups if g not in UNLISTED]
    return "\n\n".join([HEAD, *map(_section, [whole.Config, *own])]) + "\n"


if __name__ == "__main__":
    follow_checkout("medsynth.config.docs")
    folder = Path(__file__).resolve().parents[3] / "config"
    (folder / "schema.json").write_text(schema())
    (folder / "README.md").write_text(tables())
