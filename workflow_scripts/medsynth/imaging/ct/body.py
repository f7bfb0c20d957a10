"""Where the body is in a CT image: lungs included; table, pads and clothes left out."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from medsynth.imaging.dicom import AIR_HU

TISSUE_HU = -300  # fat is about -100 HU; lung, foam and cloth lie below -500 HU
FAT_AND_AIR_HU = -500  # half of a coarse pixel at the skin is air
LUNG_HU = -950  # lung is denser, the air round a body is not
THIN = 1 / 100  # of the image's width: what is less than twice this thick is table, not body
MOSTLY = 2 / 3  # of enclosed air's rim is solid; of a hollow table's or a gap's above it, less is
OPEN = 0.55  # of the rim, with vessels and bronchi, of a lung that the field of view cuts
FILLED = 0.98  # of the field of view: no air outside of the body is in it
NOISE = 2  # pixels: air as dark as padding is no wider where there is noise
ON_CIRCLE = 0.9  # of the edge of padding, where it lies round the field of view
CROSS = ndimage.generate_binary_structure(3, 1) & np.array([0, 1, 0], bool)[:, None, None]


def body_mask(hu: np.ndarray) -> np.ndarray:
    """The largest body in an axial slice or in a volume of axial slices.

    Tissue is thinned and thickened again, which takes the shells of the table off. What is left is
    solid; its largest piece is the body. The air that it encloses in a slice (lungs, bowel) is part
    of it, with all that lies in there, and so is a chest wall over the lungs that was too thin to
    stay. Where the field of view cuts through a lung, that is open to the border; it is told from
    what is outside by its density and by the body round the rest of it.

    Pixels more than twice as wide as such a shell is thick show chest walls as thin as it: there
    nothing is thinned, and a table stays out only where it does not touch the body.

    Args:
        hu: Hounsfield units (H, W) or (slices, H, W); padding is air (any value below -300).

    Returns:
        bool, the shape of `hu`; all False where there is no body.
    """
    volume = hu.reshape(-1, *hu.shape[-2:])
    thickness = round(hu.shape[-1] * THIN)
    if thickness == 0:
        body = _largest(volume > FAT_AND_AIR_HU)
        return (body | _holes(body)).reshape(hu.shape)
    tissue = volume > TISSUE_HU
    solid = ndimage.binary_opening(tissue, CROSS, iterations=thickness)
    inside = _amid(solid, _holes(tissue), MOSTLY)
    seen = _field_of_view(volume, 2 * thickness)
    cut = solid[:, ~seen].any(axis=1)
    inside[cut] |= _cut_lungs(volume[cut], solid[cut], inside[cut], seen, thickness)
    wall = ndimage.binary_dilation(inside, CROSS, iterations=2 * thickness + 1) & tissue
    body = _largest(_largest(solid) | inside | wall)
    return (body | _holes(body)).reshape(hu.shape)


def _largest(mask: np.ndarray) -> np.ndarray:
    """The largest connected piece of (slices, H, W)."""
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    return (pieces == sizes.argmax()) & mask


def _holes(mask: np.ndarray) -> np.ndarray:
    """What the mask encloses within each slice."""
    pieces, n = ndimage.label(~mask, CROSS)
    rim = [pieces[:, [0, -1]].ravel(), pieces[:, :, [0, -1]].ravel()]
    outside = np.zeros(n + 1, bool)
    outside[np.concatenate(rim)] = True
    outside[0] = True  # the mask itself
    return ~outside[pieces]


def _cut_lungs(
    volume: np.ndarray, solid: np.ndarray, inside: np.ndarray, seen: np.ndarray, thickness: int
) -> np.ndarray:
    """Lungs that the field of view cuts open.

    They are dense, have solid tissue along their rim as far as it is seen, and lie amid the body; a
    pad is as dense, but lies beside it.
    """
    dense = ndimage.uniform_filter(volume.astype(np.float32), (0, thickness, thickness)) > LUNG_HU
    filled = np.zeros(len(volume), bool)
    if seen.any():
        filled = (dense | inside)[:, seen].mean(axis=1) > FILLED
    lungs = _thick(dense & (volume <= TISSUE_HU) & ~inside, thickness)
    return _mostly(_between(solid) | filled[:, None, None], _amid(solid, lungs, OPEN, seen))


def _thick(air: np.ndarray, thickness: int) -> np.ndarray:
    """Without what is as thin as the skin's rim, and with what is thin in it: vessels."""
    by = {"structure": CROSS, "iterations": thickness}
    thick = ndimage.binary_erosion(air, border_value=1, **by)
    closed = ndimage.binary_dilation(ndimage.binary_dilation(thick, **by), **by)
    return ndimage.binary_erosion(closed, border_value=1, **by)


def _field_of_view(volume: np.ndarray, margin: int) -> np.ndarray:
    """Where a slice was scanned (H, W), less a margin: a circle, or all of the image.

    A scanner sees a circle; what lies outside is padding, unless the image was cut out of one. It
    may be smaller than the image or lie beside its middle. Where air is as dark as padding only a
    circle as wide as a square image is told.
    """
    high, wide = volume.shape[1:]
    inner = np.zeros((high, wide), bool)
    inner[margin : high - margin, margin : wide - margin] = True
    dark = np.less_equal(volume, AIR_HU).all(axis=0)
    padding = ndimage.binary_erosion(dark, iterations=NOISE, border_value=1)
    padding = ndimage.binary_dilation(padding, iterations=NOISE)
    edge = padding & ndimage.binary_dilation(~padding)
    edge[[0, -1]] = edge[:, [0, -1]] = False
    rows, columns = np.ogrid[:high, :wide]
    if padding[[0, 0, -1, -1], [0, -1, 0, -1]].all() and edge.any():
        y, x, radius = _circle(*edge.nonzero())
        distance = np.hypot(rows - y, columns - x)
        if (np.abs(distance[edge] - radius) < NOISE).mean() > ON_CIRCLE:
            return (distance < radius - margin) & inner
    distance = np.hypot(rows - (high - 1) / 2, columns - (wide - 1) / 2)
    if high == wide and dark[distance > wide / 2 + 1].all():
        return distance < wide / 2 - margin
    return inner


def _circle(rows: np.ndarray, columns: np.ndarray) -> tuple[float, float, float]:
    """Row and column of the middle, and radius, of the circle through points (n,) each.

    Least squares of its equation (Kasa 1976).
    """
    points = np.stack([2.0 * rows, 2.0 * columns, np.ones(len(rows))], axis=1)
    y, x, rest = np.linalg.lstsq(points, rows**2.0 + columns**2.0, rcond=None)[0]
    return y, x, np.sqrt(max(rest + y**2 + x**2, 0))


def _amid(
    solid: np.ndarray, air: np.ndarray, share: float, seen: np.ndarray | None = None
) -> np.ndarray:
    """The pieces of air, and what they enclose, with solid tissue along this share of their rim.

    Of the rim counts what lies within the field of view, if one is given.
    """
    pieces, n = ndimage.label(air | _holes(air), CROSS)
    around = ndimage.grey_dilation(pieces, footprint=CROSS) * (pieces == 0)
    if seen is not None:
        around[:, ~seen] = 0
    length = np.bincount(around.ravel(), minlength=n + 1)
    firm = np.bincount(around[solid], minlength=n + 1)
    kept = firm >= share * np.maximum(length, 1)
    kept[0] = False
    return kept[pieces]


def _between(solid: np.ndarray) -> np.ndarray:
    """What has the body on both sides, in its row or in its column."""
    found = np.zeros_like(solid)
    for axis in (1, 2):
        before = np.maximum.accumulate(solid, axis)
        after = np.flip(np.maximum.accumulate(np.flip(solid, axis), axis), axis)
        found |= before & after
    return found


def _mostly(place: np.ndarray, air: np.ndarray) -> np.ndarray:
    """The pieces of air of which at least half lies in a place."""
    pieces, n = ndimage.label(air, CROSS)
    size, there = (np.bincount(each, minlength=n + 1) for each in (pieces.ravel(), pieces[place]))
    kept = 2 * there >= size
    kept[0] = False
    return kept[pieces]
