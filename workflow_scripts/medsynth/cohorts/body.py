"""Where the body is in a CT image: lungs included; table, pads and clothes left out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

TISSUE_HU = -300  # fat is about -100 HU; lung, foam and cloth lie below -500 HU
THIN = 1 / 100  # of the image's width: what is less than twice this thick is table, not body
MOSTLY = 2 / 3  # of a lung's rim is body; of a hollow table's or a gap's above it, less is
CROSS = ndimage.generate_binary_structure(3, 1) & np.array([0, 1, 0], bool)[:, None, None]


def body_mask(hu: np.ndarray) -> np.ndarray:
    """The largest body in an axial slice or in a volume of axial slices.

    Tissue is thinned and thickened again, which takes the shells of the table off. The largest
    piece is the body; the air that it encloses in a slice (lungs, bowel) is part of it, and so is
    a chest wall over the lungs that was too thin to stay.

    Args:
        hu: Hounsfield units (H, W) or (slices, H, W); padding is air (any value below -300).

    Returns:
        bool, the shape of `hu`; all False where there is no body.
    """
    tissue = (hu > TISSUE_HU).reshape(-1, *hu.shape[-2:])
    thickness = max(1, round(hu.shape[-1] * THIN))
    solid = ndimage.binary_opening(tissue, CROSS, iterations=thickness)
    core = _largest(solid)
    inside = _enclosed(tissue, core)
    wall = ndimage.binary_dilation(inside, CROSS, iterations=2 * thickness + 1) & tissue
    body = _largest(core | inside | wall)
    return (body | _holes(body)[0]).reshape(hu.shape)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece of (slices, H, W)."""
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return (pieces == sizes.argmax()) & mask


def _holes(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the mask encloses within each slice: as a mask, and numbered piece by piece."""
    pieces, n = ndimage.label(~mask, CROSS)
    rim = [pieces[:, [0, -1]].ravel(), pieces[:, :, [0, -1]].ravel()]
    outside = np.zeros(n + 1, bool)
    outside[np.concatenate(rim)] = True
    outside[0] = True  # the mask itself
    return ~outside[pieces], pieces


def _enclosed(tissue: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The air that tissue encloses in a slice and that has mostly the body's core round it."""
    holes, pieces = _holes(tissue)
    pieces = np.where(holes, pieces, 0)
    around = ndimage.grey_dilation(pieces, footprint=CROSS)
    rim = around * tissue
    n = int(pieces.max()) + 1
    length = np.bincount(rim.ravel(), minlength=n)
    bodily = np.bincount(rim[core], minlength=n)
    kept = bodily >= MOSTLY * np.maximum(length, 1)
    kept[0] = False
    return kept[pieces]
