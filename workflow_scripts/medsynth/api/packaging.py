"""Experiments as folders that MLflow loads: code, safetensors and JSON, signature, environment.

`python -m medsynth.api.packaging OUT FOLDER…` is called by the collector, in a process of its own,
because it imports what the models need. It uses no network and no MLflow server.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import medsynth.lineage.mlflow.settings  # noqa: F401  (before mlflow is imported)

# isort: split
import mlflow.pyfunc
import numpy as np
import pandas as pd
import yaml
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

from medsynth.api.models import KNOWN, TrainedModel, load
from medsynth.api.requests import NUMBERS, columns_asked
from medsynth.models.contract import directions_of
from medsynth.store.errors import MedsynthError
from medsynth.store.source.checkout import LIBRARY
from medsynth.store.source.digest import source_files

# torch stands apart, because its builds differ.
PINS = [LIBRARY.parent / "envs" / name for name in ("requirements.txt", "torch.txt")]
SCRIPT = LIBRARY / "sample_model.py"  # by which the workflow uses a model
PIN = r"^[\w.-]+==[\w.+!-]+"
# Settings of a sampling that are asked for otherwise, or of the workflow alone.
ELSEWHERE = {"per_class", "labels", "at_least", "covariates"}
PACKAGED = ("generation", "translation", "reporting")
TYPES = {bool: "boolean", int: "long", float: "double", str: "string"}


class NotPinned(MedsynthError):
    """It is not known which packages a model needs."""


def package(model: TrainedModel, out: Path) -> None:
    """Write the folder of a model that makes images or texts.

    Args:
        out: a new folder.

    Raises:
        NotPinned: the project's list of pinned packages is not there.
    """
    example = _example(model)
    with tempfile.TemporaryDirectory(prefix="medsynth-package-") as folder:
        # Models that rest on others find them in the folders beside their own.
        for file in model.files.values():
            copy = Path(folder, "experiments", file.resolve().parent.name, file.name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        library = _library(model, Path(folder))
        mlflow.pyfunc.save_model(
            out,
            python_model=str(LIBRARY / "medsynth" / "api" / "mlflow_model.py"),
            artifacts={"experiments": str(Path(folder, "experiments"))},
            model_config={"experiment": model.folder.resolve().name},
            code_paths=[str(library)],
            pip_requirements=pins(),
            signature=signature(model),
            input_example=example,
            metadata={"sha256": model.sha256, "family": model.card["family"]},
        )
    _without_places(out)


def _library(model: TrainedModel, folder: Path) -> Path:
    """A copy of those modules that load and use the model and the models that it rests on."""
    cards = [json.loads(p.read_text()) for p in model.files.values() if p.suffix == ".json"]
    families = [KNOWN[card["family"]] for card in cards]
    modules = {f"{family.folder}.{family.inference}" for family in families}
    needed = source_files(SCRIPT, "medsynth.api.models", *sorted(modules), wording=True)
    for file in needed:
        copy = folder / file.relative_to(LIBRARY)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    return folder / "medsynth"


def signature(model: TrainedModel) -> ModelSignature:
    """What `predict` takes and gives."""
    size, channels = model.card["image_size"], model.card["image_channels"]
    form = TensorSpec(np.dtype(model.card.get("dtype", "uint8")), (-1, size, size, channels))
    if model.task == "reporting":
        kinds = {"text": "string", "ended": "boolean", "synthetic": "boolean"}
        told: list[Any] = [ColSpec(kind, name) for name, kind in kinds.items()]
        return ModelSignature(Schema([form]), Schema(told), ParamSchema(_params(model)))
    if model.task == "translation":
        direction = ParamSpec("direction", "string", directions_of(model.card["domains"])[0])
        return ModelSignature(Schema([form]), Schema([form]), ParamSchema([direction]))
    takes: list[Any] = [
        ColSpec("long" if name in NUMBERS else "string", name, required=name == "prompt")
        for name in columns_asked(model.card)
    ]
    given: list[Any] = [
        *(ColSpec("long", "request"), ColSpec("string", "label"), ColSpec("long", "number")),
        *(ColSpec("long", "seed"), ColSpec("binary", "png")),
    ]
    return ModelSignature(Schema(takes), Schema(given), ParamSchema(_params(model)))


def _condition(model: TrainedModel) -> tuple[str, str]:
    """The column that says what an image is to show, and an example."""
    if "tokenizer" in model.card:
        return "prompt", model.card["tokenizer"]["words"][0]
    return "label", model.card["classes"][0]


def _params(model: TrainedModel) -> list[ParamSpec]:
    """The settings of the family's sampling that are single values."""
    sampling = import_module(f"{KNOWN[model.card['family']].folder}.sampling")
    settings = sampling.SETTINGS().model_dump() if sampling.SETTINGS else {}
    return [
        ParamSpec(name, TYPES[type(value)], value)
        for name, value in settings.items()
        if name not in ELSEWHERE and type(value) in TYPES
    ]


def _example(model: TrainedModel) -> pd.DataFrame | None:
    """A request; none of images, which a withdrawal could not tell from somebody's."""
    if model.task != "generation":
        return None
    asked = dict([_condition(model)]) | {"n": 1, "seed": 0}
    return pd.DataFrame([asked | dict.fromkeys(model.card.get("covariates", {}), "unknown")])


def pins() -> list[str]:
    """The project's pinned packages, without the digests of their files."""
    if missing := [str(path) for path in PINS if not path.is_file()]:
        raise NotPinned(f"{missing[0]} is not there: publish models from a checkout of the project")
    return [pin for path in PINS for pin in re.findall(PIN, path.read_text(), re.MULTILINE)]


def _without_places(out: Path) -> None:
    """Leave out of the folder's description where on this machine it was written."""
    path = out / "MLmodel"
    said = yaml.safe_load(path.read_text())
    function = said["flavors"]["python_function"]
    function["model_code_path"] = os.path.basename(function["model_code_path"])
    for artifact in function["artifacts"].values():
        artifact["uri"] = artifact["path"]
    path.write_text(yaml.safe_dump(said, sort_keys=False))


def main(arguments: list[str]) -> None:
    """Package those of the experiments that make images or texts, each under its name."""
    out, *folders = map(Path, arguments)
    for folder in folders:
        model = load(folder, "cpu")
        if model.task in PACKAGED:
            package(model, out / folder.name)


if __name__ == "__main__":
    main(sys.argv[1:])
