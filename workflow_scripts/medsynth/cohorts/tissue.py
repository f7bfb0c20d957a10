"""Where the tissue is in an H&E image."""

from __future__ import annotations

import numpy as np
from PIL import Image
from skimage.filters import threshold_otsu

# Otsu's threshold divides tissue from tissue where no glass is in sight, and dust from glass
# where no tissue is; between these it divides stain from glass.
LEAST_STAIN, MOST_STAIN = 0.03, 0.06


def stain(rgb: np.ndarray) -> np.ndarray:
    """How much each pixel absorbs green beyond what it absorbs of every colour.

    Optical density is -log10((I + 1) / 256) (Beer-Lambert). Glass, shadows, dust and black
    borders are grey, and green pen absorbs green least, so they are near 0; hematoxylin and
    eosin absorb green most and lie around 0.1 to 0.4, washed out still above 0.05.

    Args:
        rgb: uint8 (H, W, 3).

    Returns:
        float64 (H, W), at least 0.
    """
    density = -np.log10((rgb.astype(np.float64) + 1) / 256)
    return density[..., 1] - density.min(axis=2)


def tissue_mask(rgb: np.ndarray) -> np.ndarray:
    """Tissue by Otsu's threshold (Otsu 1979) on :func:`stain`, kept between two bounds.

    Args:
        rgb: uint8 (H, W, 3), a thumbnail.

    Returns:
        bool (H, W).
    """
    values = stain(rgb)
    threshold = threshold_otsu(values) if np.ptp(values) > 0 else MOST_STAIN
    return values > np.clip(threshold, LEAST_STAIN, MOST_STAIN)


def tissue_share(mask: np.ndarray, tile: float) -> np.ndarray:
    """Share of tissue in every whole tile of a grid that starts at the top left.

    Args:
        mask: bool (H, W).
        tile: side of a tile in pixels of the mask, not necessarily whole.

    Returns:
        float32 (rows, columns) in [0, 1]; rows and columns may be 0.
    """
    # the tolerance keeps the last tile when the sides divide exactly but for rounding
    rows, columns = (int(side / tile + 1e-6) for side in mask.shape)
    if rows == 0 or columns == 0:
        return np.zeros((rows, columns), np.float32)
    box = (0, 0, min(columns * tile, mask.shape[1]), min(rows * tile, mask.shape[0]))
    image = Image.fromarray(mask.astype(np.float32))
    return np.asarray(image.resize((columns, rows), Image.Resampling.BOX, box=box))
