"""Images at a fraction of the cohort's size, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from torch import Tensor
from torch.nn import functional as F

from medsynth.models.contract import KnownImages, LabelledImages
from medsynth.runtime.tensors import to_network, to_uint8


def area_averaged(x: Tensor, size: int) -> Tensor:
    """Images (N, C, H, H) at (N, C, size, size): means of square blocks.

    Raises:
        ValueError: `size` does not divide H.
    """
    side = x.shape[-1]
    if side % size:
        raise ValueError(f"{size} does not divide images of {side} pixels")
    return F.avg_pool2d(x, side // size)


def enlarged(x: Tensor, size: int) -> Tensor:
    """Images (N, C, h, h) at (N, C, size, size), bicubic; what has that size stays as it is.

    The kernel is that of a = -0.75; near edges values may leave the range of `x`.
    """
    if x.shape[-1] == size:
        return x
    return F.interpolate(x, size=(size, size), mode="bicubic", align_corners=False)


@dataclass(frozen=True)
class Shrunk:
    """Images of a store, area-averaged to `size` pixels a side as they are read."""

    images: KnownImages
    size: int

    def __len__(self) -> int:
        return len(self.images)

    @property
    def manifest(self) -> pd.DataFrame:
        """The rows that were read."""
        return self.images.manifest

    def read(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
        """Images (n, size, size, C) uint8 at these positions, in that order."""
        return to_uint8(area_averaged(to_network(self.images.read(positions)), self.size))


def at_size(data: LabelledImages, size: int | None) -> LabelledImages:
    """The data with images of `size` pixels a side; None: as they are."""
    if size is None:
        return data
    validation = data.validation and at_size(data.validation, size)
    return replace(data, images=Shrunk(data.images, size), validation=validation)
