"""Between stored images (N, H, W, C) and network tensors (N, C, H, W) in [-1, 1]."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def _to_nchw(images: np.ndarray, device: str | torch.device) -> Tensor:
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float()


def to_network(images: np.ndarray, device: str | torch.device = "cpu") -> Tensor:
    """uint8 [0, 255] to float32 [-1, 1]."""
    return (_to_nchw(images, device) / 127.5 - 1).contiguous()


def to_uint8(x: Tensor) -> np.ndarray:
    """float [-1, 1] (clamped) to uint8 [0, 255], rounded to nearest."""
    levels = ((x.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return levels.permute(0, 2, 3, 1).cpu().numpy()


def hu_to_network(
    images: np.ndarray, hu_range: tuple[int, int], device: str | torch.device = "cpu"
) -> Tensor:
    """Hounsfield units, clamped to `hu_range`, to float32 [-1, 1]."""
    low, high = hu_range
    x = _to_nchw(images, device).clamp(low, high)
    return ((x - low) * (2 / (high - low)) - 1).contiguous()


def network_to_hu(x: Tensor, hu_range: tuple[int, int]) -> np.ndarray:
    """float [-1, 1] (clamped) to float32 Hounsfield units."""
    low, high = hu_range
    hu = (x.float().clamp(-1, 1) + 1) * ((high - low) / 2) + low
    return hu.permute(0, 2, 3, 1).cpu().numpy()
