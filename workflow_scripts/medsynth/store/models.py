"""Trained weights as safetensors with a JSON card; nothing that executes on loading.

The folder of an experiment holds both. A model may rest on others, its inputs: their folders lie
beside its own, and its card names them by role, with the digests of their weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from medsynth.store.atomic import replacing, write_json
from medsynth.store.digests import digest_file
from medsynth.store.errors import MedsynthError


class InputError(MedsynthError):
    """A model on which another rests is not there, or is another than it was."""


class DamagedModel(MedsynthError):
    """Weights or card cannot be read."""


class NamedInput(TypedDict):
    """An input as a card names it: its experiment, and the digest of its weights."""

    experiment: str
    sha256: str


def save_model(
    state: Mapping[str, Tensor], card: Mapping[str, Any], weights: str | Path, card_path: str | Path
) -> None:
    """Publish weights and the card that tells how to build their network."""
    with replacing(weights) as temporary:
        save_file({k: v.detach().cpu().contiguous() for k, v in state.items()}, temporary)
    write_json(card, card_path)


@dataclass(frozen=True)
class Model:
    """A saved model.

    Attributes:
        state: weights, on the CPU.
        card: tells how to build their network.
        inputs: the models that it rests on, by role.
    """

    state: Mapping[str, Tensor]
    card: Mapping[str, Any]
    inputs: Mapping[str, Model] = field(default_factory=dict)


def load_model(weights: str | Path, card_path: str | Path) -> Model:
    """As :func:`save_model` wrote it.

    Raises:
        DamagedModel: weights or card cannot be read.
        InputError: see :func:`load_inputs`.
    """
    try:
        card = json.loads(Path(card_path).read_text())
        state = load_file(weights)
    except (ValueError, SafetensorError) as error:
        file = weights if isinstance(error, SafetensorError) else card_path
        raise DamagedModel(
            f"{file}: cut off or damaged ({type(error).__name__}); train the model again, or fetch"
            " the file again"
        ) from None
    return Model(state, card, load_inputs(weights, card_path, card.get("inputs", {})))


def named_inputs(weights: str | Path, experiments: Mapping[str, str]) -> dict[str, NamedInput]:
    """The inputs of a model, as its card is to name them.

    Args:
        weights: of the model.
        experiments: names by role.
    """
    return {
        role: {"experiment": name, "sha256": digest_file(beside(weights, name))}
        for role, name in experiments.items()
    }


def load_inputs(
    weights: str | Path, card_path: str | Path, named: Mapping[str, NamedInput]
) -> dict[str, Model]:
    """The models, by role, on which another rests.

    Args:
        weights, card_path: of the other.
        named: see :func:`named_inputs`.

    Raises:
        InputError: one is not there, or was trained again since.
    """
    found = {}
    for role, one in named.items():
        file, card = beside(weights, one["experiment"]), beside(card_path, one["experiment"])
        if not (file.is_file() and card.is_file()):
            raise InputError(
                f"{weights}: this model rests on {file}, which is not there with its card; keep the"
                " folders of both experiments beside each other, or train both"
            )
        if digest_file(file) != one["sha256"]:
            raise InputError(
                f"{file}: {weights} was trained with another model of this name; train it again"
            )
        found[role] = load_model(file, card)
    return found


def files_of(weights: str | Path, card_path: str | Path) -> list[Path]:
    """Weights and card of a model and of all that it rests on, directly or by others."""
    inputs = json.loads(Path(card_path).read_text()).get("inputs", {}).values()
    names = sorted({one["experiment"] for one in inputs})
    below = [files_of(beside(weights, name), beside(card_path, name)) for name in names]
    return list(dict.fromkeys([Path(weights), Path(card_path), *sum(below, [])]))


def beside(file: str | Path, experiment: str) -> Path:
    """The file of this name of another experiment."""
    return Path(file).parents[1] / experiment / Path(file).name
