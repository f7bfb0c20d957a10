"""Where the tissue is in an H&E image, and where a pen has marked it."""

from __future__ import annotations

import numpy as np
from PIL import Image
from skimage.filters import threshold_otsu

# Otsu's threshold divides tissue from tissue where no glass is in sight, and dust from glass
# where no tissue is; between these it divides stain from glass.
LEAST_STAIN, MOST_STAIN = 0.03, 0.06
# Optical densities of ink. Hematoxylin and eosin both absorb green most.
COLD_INK = 0.1  # blue and green ink absorb red more than green, by at least this
RED_INK, RED_INK_BLUE = 0.5, 0.85  # red ink absorbs so much green, and blue almost as much
BLACK_INK, BLACK_INK_SPREAD = 0.7, 0.15  # black ink absorbs every colour, and all alike

_DENSITY = -np.log10(np.arange(1, 257) / 256)  # of the 256 grey levels


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
    density = _DENSITY[rgb]
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


def pen_mask(rgb: np.ndarray) -> np.ndarray:
    """Ink of a marker pen, by the order in which it absorbs the colours.

    Blue and green ink absorb red more than green, red ink absorbs green and blue alike, black ink
    all three; stained tissue does none of these.

    Args:
        rgb: uint8 (H, W, 3), a thumbnail: a pixel takes in several cells, so that neither a dark
            nucleus nor a single red blood cell decides.

    Returns:
        bool (H, W).
    """
    red, green, blue = np.moveaxis(_DENSITY[rgb], 2, 0)
    least = np.minimum(np.minimum(red, green), blue)
    most = np.maximum(np.maximum(red, green), blue)
    cold = red - green > COLD_INK
    warm = (green > RED_INK) & (blue > RED_INK_BLUE * green) & (red < green / 2)
    black = (least > BLACK_INK) & (most - least < BLACK_INK_SPREAD)
    return cold | warm | black


def sharpness(rgb: np.ndarray) -> float:
    """Variance of the Laplacian of the grey levels (Pech-Pacheco et al. 2000): low if blurred.

    Args:
        rgb: uint8 (H, W, 3), at least 3 x 3. Compare tiles of one resolution only.
    """
    grey = np.asarray(Image.fromarray(rgb).convert("L")).astype(np.int16)
    neighbours = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.var(neighbours - 4 * grey[1:-1, 1:-1]))


def share_in_tiles(mask: np.ndarray, tile: float) -> np.ndarray:
    """Share of the mask in every whole tile of a grid that starts at the top left.

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
