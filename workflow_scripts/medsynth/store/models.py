"""Trained weights as safetensors with a JSON card; nothing that executes on loading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def load_model(
    weights: str | Path, card_path: str | Path
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The state dict (on the CPU) and the card of a saved model."""
    return load_file(weights), json.loads(Path(card_path).read_text())
