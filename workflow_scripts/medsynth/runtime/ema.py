"""Exponential moving average of a network's weights."""

from __future__ import annotations

import copy
from typing import Any, Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class Ema(Generic[Network]):
    """Keeps `module`, a slowly moving copy of the trained network.

    The decay warms up as min(decay, (1 + n) / (10 + n)), so that a short training does not end
    with an average of its initial weights.
    """

    def __init__(self, trained: Network, decay: float):
        self._trained = trained
        self._decay = decay
        self._updates = 0
        self.module = copy.deepcopy(trained).eval().requires_grad_(False)
        self._averages: list[torch.Tensor] = list(self.module.parameters())
        self._weights: list[torch.Tensor] = list(trained.parameters())

    @torch.no_grad()
    def update(self) -> None:
        """Move the average one step towards the trained weights; buffers are copied."""
        self._updates += 1
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        torch._foreach_lerp_(self._averages, self._weights, 1 - decay)
        for average, buffer in zip(self.module.buffers(), self._trained.buffers(), strict=True):
            average.copy_(buffer)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self._updates, "module": self.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._updates = state["updates"]
        self.module.load_state_dict(state["module"])
