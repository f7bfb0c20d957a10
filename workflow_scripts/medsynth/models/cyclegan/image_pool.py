"""A history of generated images, so that discriminators do not forget old mistakes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """Shrivastava et al. 2017, section 2.3, as in Zhu et al. 2017: 50 images, half of them old.

    Args:
        size: images kept; 0 keeps none and hands every image through.
    """

    def __init__(self, size: int):
        self._size = size
        self._images: list[Tensor] = []

    def __len__(self) -> int:
        return len(self._images)

    def exchange(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Images (N, C, H, W), each one new or, once the pool is full, half of the time old.

        An old image that is handed out leaves its place to the new one.

        Args:
            rng: CPU generator of the training step.
        """
        if self._size == 0:
            return images.detach()
        chosen = []
        for image in images.detach():
            if len(self) < self._size:
                # A view would save its whole batch with every checkpoint.
                self._images.append(image.clone())
            elif torch.rand((), generator=rng) < 0.5:
                place = int(torch.randint(self._size, (), generator=rng))
                image, self._images[place] = self._images[place], image.clone()
            chosen.append(image.to(images.device))
        return torch.stack(chosen)

    def state_dict(self) -> dict[str, Any]:
        return {"images": self._images}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._images = list(state["images"])
