"""Trained weights as safetensors with a JSON card; nothing that executes on loading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file, save_file
from torch import Tensor

from medsynth.store.atomic import replacing, write_json


def save_model(
    state: Mapping[str, Tensor], card: Mapping[str, Any], weights: str | Path, card_path: str | Path
) -> None:
    """Publish weights and the card that tells how to build their network."""
    with replacing(weights) as temporary:
        save_file({k: v.detach().cpu().contiguous() for k, v in state.items()}, temporary)
    write_json(card, card_path)


class Model(NamedTuple):
    """A saved model: its weights, on the CPU, and the card that tells how to build its network."""

    state: Mapping[str, Tensor]
    card: Mapping[str, Any]


def load_model(weights: str | Path, card_path: str | Path) -> Model:
    """As :func:`save_model` wrote it."""
    return Model(load_file(weights), json.loads(Path(card_path).read_text()))
