"""Contrast phase of CT guessed from the image: how bright the brightest blood-like tissue is.

Blood without contrast medium has 28 to 45 HU (interquartile range in the aorta, 325 patients:
research square rs-1420003, 2022), and no soft tissue much more than the liver's 65 HU. Iodine adds
some 120 HU to the aorta even in a late phase and 300 HU in the arterial one (as multiphasic studies
of the liver report). `MIDDLE_HU` lies between liver and the least enhanced blood. Bone is as
bright, but uneven: spongy bone has trabeculae, and its shell is thinner than a vessel. What is not
told from blood: even spongy bone, and a bowel full of drunk contrast medium.

The guess is uncalibrated. Of 55 single slices of 32 patients with and without contrast medium it
was right in 44 (24 of 32 plain ones), with EVEN_HU chosen in view of them; of other plain slices in
6 of 17. So a slice alone is not judged, and no guess is called surer than `MOST_SURE`.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from scipy.special import expit

from medsynth.imaging.ct.body import body_mask
from medsynth.imaging.ct.volumes import Volume

MIDDLE_HU = 90.0  # as likely with contrast medium as without
SCALE_HU = 10.0  # of the logistic curve: noise, beam hardening and calibration of the scanner
SLICES = 20  # at most, evenly spread
LEAST_SLICES = 10  # that show a body: the median of ten is right though four slices are not
MOST_SURE = 0.8  # the share of single slices that was right
WATER_HU = 0  # what is darker counts as this: fat and air dim a vessel's edge
PIXEL_MM = 1.5  # finer is not needed, and slow
SMOOTH_MM = 1.5  # standard deviation: what remains of a scanner's noise is below EVEN_HU
VESSEL_MM = 5.6  # radius of 1 cm²
EVEN_HU = 15.0  # standard deviation within a vessel, at most
CENTRES_MM2 = 60.0  # of discs as large as a vessel that lie in a wide one


def enhancement(volume: Volume) -> float | None:
    """Likelihood, 0 to 1, that the blood in a volume of axial slices holds contrast medium.

    It follows from the median of :func:`blood_level` over the slices.

    Returns:
        It, or None where fewer than :data:`LEAST_SLICES` slices show enough of a body.
    """
    count = len(volume.hu)
    places = np.unique(np.linspace(0, count - 1, min(count, SLICES)).round().astype(int))
    spacing = volume.spacing[1::-1]
    levels = [blood_level(volume.hu[i], spacing) for i in places]
    known = [level for level in levels if level is not None]
    if len(known) < LEAST_SLICES:
        return None
    return float(expit((np.median(known) - MIDDLE_HU) / SCALE_HU))


def blood_level(hu: np.ndarray, spacing: np.ndarray) -> float | None:
    """Mean HU of the brightest even places, as wide as a vessel, in a slice.

    Args:
        hu: (rows, columns).
        spacing: (2,) distance of rows and of columns, mm.

    Returns:
        None where too little of a body is even.
    """
    step = np.maximum(1, (PIXEL_MM / spacing).round().astype(int))
    smooth = ndimage.gaussian_filter(hu.clip(WATER_HU).astype(np.float64), SMOOTH_MM / spacing)
    smooth, spacing = smooth[:: step[0], :: step[1]], spacing * step
    disc = _disc(spacing) / _disc(spacing).sum()
    mean = ndimage.convolve(smooth, disc)
    variance = ndimage.convolve(smooth**2, disc) - mean**2
    even = body_mask(hu[:: step[0], :: step[1]]) & (variance < EVEN_HU**2)
    values = np.sort(mean[even])
    needed = int(np.ceil(CENTRES_MM2 / spacing.prod()))
    return float(values[-needed]) if len(values) >= needed else None


def _disc(spacing: np.ndarray) -> np.ndarray:
    """Disc (rows, columns) as wide as a vessel; bool, of odd size."""
    reach = (VESSEL_MM / spacing).astype(int)
    rows, columns = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    return (rows * spacing[0]) ** 2 + (columns * spacing[1]) ** 2 <= VESSEL_MM**2
