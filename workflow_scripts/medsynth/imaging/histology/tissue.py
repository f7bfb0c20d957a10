"""Where the tissue is in an H&E image, and where a pen has marked it.

Both are told by what a pixel absorbs beyond the slide's own glass: mounting medium, lamp and
camera tint the whole of a slide.
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_otsu

# Otsu's threshold divides tissue from tissue where no glass is in sight, and dust from glass
# where no tissue is; between these it divides stain from glass.
LEAST_STAIN, MOST_STAIN = 0.03, 0.06
DARK = 0.35  # optical density: neither light nor stain, the stage beside the slide
# Glass is flat: in squares of 32 um a grey level or so of standard deviation, tissue 9 and more.
SQUARE, FLAT = 8, 5  # pixels of the thumbnail, grey levels
GLASS_DENSITY, GLASS_STAIN = 0.3, 0.15  # optical densities of glass, at most
LEAST_GLASS = 0.01  # share of the squares, in one piece: gaps between nuclei are scattered; with
# less in sight glass counts as white
AS_FLAT = 2  # times the noise of the glass, and a grey level: no tissue, whatever its tint
PADDING = 0.25  # share of flat squares that are not white, from which on white is no glass
SAME_GLASS = 0.02  # optical density
# Optical densities of ink. Hematoxylin and eosin both absorb green most.
COLD_INK = 0.1  # blue and green ink absorb red more than green, by at least this
RED_INK, RED_INK_BLUE = 0.5, 0.85  # red ink absorbs so much green, and blue almost as much
BLACK_INK, BLACK_INK_SPREAD = 0.7, 0.15  # black ink absorbs every colour, and all alike

_DENSITY = -np.log10(np.arange(1, 257) / 256)  # of the 256 grey levels


def glass(rgb: np.ndarray) -> np.ndarray:
    """Optical density of the slide's glass: that of its brightest flat squares.

    Args:
        rgb: uint8 (H, W, 3), a thumbnail.

    Returns:
        float64 (3,), of red, green, blue; 0 (white) where no glass is in sight. Squares of pure
        white are what a scanner fills up with, if most of what is flat is not white.
    """
    mean, _, clear = _squares(rgb)
    tinted = clear & (mean.min(axis=2) < 255)
    if tinted.sum() >= PADDING * tinted.size:
        clear = tinted
    clear = _large(clear)
    if not clear.any():
        return np.zeros(3)
    density = -np.log10((mean[clear].astype(np.float64) + 1) / 256)
    darkness = density.mean(axis=1)
    return np.median(density[darkness <= np.quantile(darkness, 0.02) + SAME_GLASS], axis=0)


def _squares(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of whole squares (rows, columns): mean (.., 3), spread, and whether they may be glass."""
    rows, columns = (n // SQUARE for n in rgb.shape[:2])
    squares = rgb[: rows * SQUARE, : columns * SQUARE].reshape(rows, SQUARE, columns, SQUARE, 3)
    squares = squares.astype(np.float32)
    mean = squares.mean(axis=(1, 3))
    spread = squares.std(axis=(1, 3)).max(axis=2)
    density = -np.log10((mean + 1) / 256)
    least = density.min(axis=2)
    clear = (least <= GLASS_DENSITY) & (density[..., 1] - least <= GLASS_STAIN) & (spread <= FLAT)
    return mean, spread, clear


def _large(squares: np.ndarray) -> np.ndarray:
    """The connected pieces of at least LEAST_GLASS of all squares."""
    pieces, _ = ndimage.label(squares)
    size = np.bincount(pieces.ravel(), minlength=1)
    size[0] = 0
    return (size >= max(LEAST_GLASS * squares.size, 1))[pieces]


def _other_glass(rgb: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Glass of another tint than `clear`, (3,): under the coverslip and beside it, where the slide
    is stained, where the light falls off. It is as flat; tissue is not."""
    mean, spread, flat = _squares(rgb)
    density = -np.log10((mean.astype(np.float64) + 1) / 256)
    same = flat & (np.abs(density - clear).max(axis=2) <= SAME_GLASS)
    found = np.zeros(rgb.shape[:2], bool)
    if same.any():
        flat &= spread <= AS_FLAT * np.median(spread[same]) + 1
        glass = _large(flat).repeat(SQUARE, axis=0).repeat(SQUARE, axis=1)
        found[: glass.shape[0], : glass.shape[1]] = glass
    return found


def stain(rgb: np.ndarray, clear: np.ndarray | float = 0) -> np.ndarray:
    """How much each pixel absorbs green beyond what it absorbs of every colour.

    Optical density is -log10((I + 1) / 256) (Beer-Lambert). Glass, shadows, dust and black
    borders are grey, and green pen absorbs green least, so they are near 0; hematoxylin and
    eosin absorb green most and lie around 0.1 to 0.4, washed out still above 0.05.

    Args:
        rgb: uint8 (H, W, 3).
        clear: optical density of the glass, (3,).

    Returns:
        float64 (H, W), at least 0.
    """
    density = np.maximum(_DENSITY[rgb] - clear, 0)
    return density[..., 1] - density.min(axis=2)


def tissue_mask(rgb: np.ndarray, clear: np.ndarray | None = None) -> np.ndarray:
    """Tissue by Otsu's threshold (Otsu 1979) on :func:`stain`, kept between two bounds.

    Args:
        rgb: uint8 (H, W, 3), a thumbnail.
        clear: optical density of the glass, (3,); the thumbnail's own if not given.

    Returns:
        bool (H, W).
    """
    clear = glass(rgb) if clear is None else clear
    values = stain(rgb, clear)
    threshold = threshold_otsu(values) if np.ptp(values) > 0 else MOST_STAIN
    dark = _DENSITY[rgb.max(axis=2)] - values > DARK
    stained = values > np.clip(threshold, LEAST_STAIN, MOST_STAIN)
    return stained & ~dark & ~_other_glass(rgb, clear)


def pen_mask(rgb: np.ndarray, clear: np.ndarray | None = None) -> np.ndarray:
    """Ink of a marker pen, by the order in which it absorbs the colours.

    Blue and green ink absorb red more than green, red ink absorbs green and blue alike, black ink
    all three; stained tissue does none of these.

    Args:
        rgb: uint8 (H, W, 3), a thumbnail: a pixel takes in several cells, so that neither a dark
            nucleus nor a single red blood cell decides.
        clear: optical density of the glass, (3,); the thumbnail's own if not given.

    Returns:
        bool (H, W).
    """
    density = _DENSITY[rgb] - (glass(rgb) if clear is None else clear)
    red, green, blue = np.moveaxis(density, 2, 0)
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
